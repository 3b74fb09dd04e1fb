//! [`validate`]: what is wrong with a catalog, for the start of the server and for `random-connect gateway check`.

use std::fmt;

use super::file::find_line;
use super::model::{Catalog, CatalogModel};
use super::roles::{AllowedModels, ROLES};

/// Whether a server can run with a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingSeverity {
    /// The server does not start.
    Error,
    /// The server runs, but probably not as intended.
    Warning,
}

/// A place of the catalog with a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogFinding {
    pub severity: FindingSeverity,
    /// The names of the tables and of the key.
    pub key: Vec<String>,
    /// The line in `gateway.toml`, from 1. `None` if the shipped table has the key.
    pub line: Option<usize>,
    pub problem: String,
}

impl fmt::Display for CatalogFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        write!(f, "{}: {}", self.key.join("."), self.problem)
    }
}

/// Checks what the entries of a catalog say about each other. `text` is that of `gateway.toml`, for the lines.
#[must_use]
pub fn validate(catalog: &Catalog, text: Option<&str>) -> Vec<CatalogFinding> {
    let mut findings = Vec::new();
    let mut find = |severity, key: &[&str], problem: String| {
        let key: Vec<_> = key.iter().map(|&name| name.to_owned()).collect();
        let line = text.and_then(|text| find_line(text, &key));
        findings.push(CatalogFinding { severity, key, line, problem });
    };
    for provider in catalog.providers() {
        let key = ["providers", provider.name.as_str(), "credentials"];
        let unset: Vec<_> = provider
            .variables
            .iter()
            .filter(|variable| provider.keys.iter().all(|key| key.variable != **variable))
            .map(String::as_str)
            .collect();
        if provider.keys.is_empty() {
            let problem =
                format!("no key: set {}, or its models are not offered", unset.join(" or "));
            find(FindingSeverity::Warning, &key, problem);
        } else if !unset.is_empty() {
            find(FindingSeverity::Warning, &key, format!("not set: {}", unset.join(", ")));
        }
    }
    for (alias, name) in catalog.aliases() {
        if !catalog.models.contains_key(name) {
            find(FindingSeverity::Error, &["aliases", alias], format!("{name} is no model"));
        } else if catalog.models.contains_key(alias) {
            find(FindingSeverity::Error, &["aliases", alias], format!("{alias} is a model too"));
        }
    }
    for model in catalog.models() {
        for problem in equivalents(catalog, model) {
            let (severity, problem) = problem;
            find(severity, &["models", &model.name, "equivalents"], problem);
        }
    }
    for (role, role_name) in ROLES {
        let AllowedModels::Only(models) = &catalog.roles().limits(role).models else { continue };
        for name in models.iter().filter(|name| !catalog.models.contains_key(*name)) {
            let problem = format!("{name} is no model");
            find(FindingSeverity::Error, &["roles", role_name, "models"], problem);
        }
    }
    findings
}

fn equivalents(catalog: &Catalog, model: &CatalogModel) -> Vec<(FindingSeverity, String)> {
    let problem = |name: &String| {
        let Some(other) = catalog.models.get(name) else {
            return Some((FindingSeverity::Error, format!("{name} is no model")));
        };
        if *name == model.name {
            return Some((FindingSeverity::Error, format!("{name} is the model itself")));
        }
        let (price, other) = (model.price.base(), other.price.base());
        let is_dearer =
            other.dearest_input(false) > price.dearest_input(false) || other.output > price.output;
        let problem =
            format!("{name} is dearer than {}: holds are raised to its price", model.name);
        is_dearer.then_some((FindingSeverity::Warning, problem))
    };
    model.equivalents.iter().filter_map(problem).collect()
}
