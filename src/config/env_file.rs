//! The file `.env`, parsed line by line so that every malformed line is named.
//!
//! dotenvy defines the syntax. A malformed line is never quoted, because it may contain a secret.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::names::SettingNames;
use crate::kernel::settings::ConfigProblem;

/// The contents of the file.
#[derive(Default)]
pub(super) struct EnvFile {
    pub values: HashMap<String, OsString>,
    /// Malformed lines.
    pub problems: Vec<ConfigProblem>,
    /// Lines without effect.
    pub warnings: Vec<String>,
}

/// Reads `file`. A missing file is empty.
pub(super) fn read(file: &Path, names: &SettingNames) -> EnvFile {
    match fs::read_to_string(file) {
        Ok(text) => parse(&text, names),
        Err(error) if error.kind() == ErrorKind::NotFound => EnvFile::default(),
        Err(error) => {
            let expected = format!("a readable text file ({})", error.kind());
            let problem = ConfigProblem {
                variable: ".env".to_owned(),
                shown_value: "(not shown)".to_owned(),
                expected,
            };
            EnvFile { problems: vec![problem], ..EnvFile::default() }
        }
    }
}

fn parse(text: &str, names: &SettingNames) -> EnvFile {
    let EnvFile { values: mut settings, mut problems, mut warnings } = EnvFile::default();
    for (number, line) in text.lines().enumerate() {
        let mut report = |expected: &str| {
            let variable = format!(".env line {}, {}", number + 1, variable_name(line));
            problems.push(ConfigProblem {
                variable,
                shown_value: "(not shown)".to_owned(),
                expected: expected.to_owned(),
            });
        };
        match dotenvy::from_read_iter(line.as_bytes()).next() {
            None => {}
            // dotenvy would substitute a variable, which silently changes a token.
            Some(Ok(_)) if line.contains('$') && !line.contains('\'') => {
                report("a value with a $ in single quotes, NAME='value'");
            }
            Some(Ok((name, value))) => {
                let shown = line.trim_start().starts_with(variable_name(line));
                warnings.extend(names.unknown_in_file(number + 1, &name, shown));
                if settings.insert(name, value.into()).is_some() {
                    warnings.push(format!(
                        ".env line {}, {}, replaces the value of an earlier line",
                        number + 1,
                        variable_name(line)
                    ));
                }
            }
            Some(Err(_)) => report("NAME=value, with quotes around a value that has spaces"),
        }
    }
    EnvFile { values: settings, problems, warnings }
}

/// Returns the name that `line` assigns to, or a placeholder if the line has no valid name.
fn variable_name(line: &str) -> &str {
    let name = line.split('=').next().unwrap_or_default().trim();
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    if plain && line.contains('=') { name } else { "no variable" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> EnvFile {
        super::parse(text, &SettingNames::new(&[]))
    }

    #[test]
    fn config_env_file_reads_comments_and_quotes() {
        let EnvFile { values: settings, problems, .. } =
            parse("# comment\n\nPORT=1\nexport HOST=\"::1\"\nAUTH_TOKEN='a$b' # why\n");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(
            [&settings["PORT"], &settings["HOST"], &settings["AUTH_TOKEN"]],
            ["1", "::1", "a$b"]
        );
    }

    #[test]
    fn config_env_file_names_broken_lines_without_quoting() {
        let EnvFile { values: settings, problems, .. } =
            parse("PORT=1\nMY_NUMBER=91 98765 43210\nmy-secret\nAUTH_TOKEN=abc$secret\n");
        let reports: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!((settings.len(), reports.len()), (1, 3));
        assert!(
            reports[0].starts_with(".env line 2, MY_NUMBER=(not shown): expected NAME=value"),
            "{reports:?}"
        );
        assert!(reports[1].starts_with(".env line 3, no variable"), "{reports:?}");
        assert!(
            reports[2]
                .contains("AUTH_TOKEN=(not shown): expected a value with a $ in single quotes")
        );
        assert!(!reports.concat().contains("secret") && !reports.concat().contains("98765"));
    }

    #[test]
    fn config_env_file_warns_about_lines_without_effect() {
        let warnings = parse("PORT=1\nAUTH_TOKE=secret-1\nPORT=2\nmySecret=secret-2\n").warnings;
        assert_eq!(
            warnings,
            [
                ".env line 2, AUTH_TOKE, is not a setting and has no effect: did you mean AUTH_TOKEN?",
                ".env line 3, PORT, replaces the value of an earlier line",
                ".env line 4 is not a setting and has no effect",
            ]
        );
    }
}
