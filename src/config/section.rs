//! [`Config::load_section`]: the settings of one section, for commands that work with no others.

use std::path::Path;

use super::names::SettingNames;
use super::{Config, env_file};
use crate::kernel::settings::{ConfigProblem, SettingsReader};
use crate::kernel::toolset::row::ToolsetRow;

/// A section, with what an operator wants to know about it.
pub struct LoadedSection<T> {
    pub section: T,
    /// Settings that are valid, but probably not intended. They contain no secret.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads a section from the process's environment, and from `file` what is not set there, whether or not a server
    /// with the toolsets of `table` would read it.
    ///
    /// # Errors
    /// Returns every problem of the file and of the section.
    pub fn load_section<T>(
        table: &[ToolsetRow],
        file: &Path,
        read: impl FnOnce(&mut SettingsReader<'_>) -> T,
    ) -> Result<LoadedSection<T>, Vec<ConfigProblem>> {
        let names = SettingNames::new(table);
        let env_file::EnvFile { values, mut problems, mut warnings } = env_file::read(file, &names);
        let lookup = |name: &str| std::env::var_os(name).or_else(|| values.get(name).cloned());
        let mut reader = SettingsReader::new(&lookup);
        let section = read(&mut reader);
        warnings.extend(reader.take_warnings());
        let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        warnings.extend(variables.filter_map(|name| names.unknown_in_environment(&name)));
        if let Err(more) = reader.finish(()) {
            problems.extend(more);
        }
        if problems.is_empty() { Ok(LoadedSection { section, warnings }) } else { Err(problems) }
    }
}
