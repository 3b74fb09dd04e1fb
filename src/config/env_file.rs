//! The file of settings, `.env`: read line by line, so that every broken one is named.
//!
//! What a line may look like is dotenvy's business; a broken line is not quoted, as it may hold a
//! secret.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::ConfigProblem;

/// The settings in a file, and what is wrong with it. A file that is not there has none.
pub(super) fn read(file: &Path) -> (HashMap<String, OsString>, Vec<ConfigProblem>) {
    match fs::read_to_string(file) {
        Ok(text) => parse(&text),
        Err(error) if error.kind() == ErrorKind::NotFound => Default::default(),
        Err(error) => {
            let expected = format!("a readable text file ({})", error.kind());
            let problem = ConfigProblem {
                variable: ".env".to_owned(),
                shown_value: "(not shown)".to_owned(),
                expected,
            };
            (HashMap::new(), vec![problem])
        }
    }
}

fn parse(text: &str) -> (HashMap<String, OsString>, Vec<ConfigProblem>) {
    let mut settings = HashMap::new();
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut complain = |expected: &str| {
            let variable = format!(".env line {}, {}", number + 1, variable_name(line));
            problems.push(ConfigProblem {
                variable,
                shown_value: "(not shown)".to_owned(),
                expected: expected.to_owned(),
            });
        };
        match dotenvy::from_read_iter(line.as_bytes()).next() {
            None => {}
            // dotenvy would put another variable in its place, and a token would silently change.
            Some(Ok(_)) if line.contains('$') && !line.contains('\'') => {
                complain("a value with a $ in single quotes, NAME='value'");
            }
            Some(Ok((name, value))) => drop(settings.insert(name, value.into())),
            Some(Err(_)) => complain("NAME=value, with quotes around a value that has spaces"),
        }
    }
    (settings, problems)
}

/// The variable a line is about, if it is plain to see.
fn variable_name(line: &str) -> &str {
    let name = line.split('=').next().unwrap_or_default().trim();
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    if plain && line.contains('=') { name } else { "no variable" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_env_file_reads_comments_and_quotes() {
        let (settings, problems) =
            parse("# comment\n\nPORT=1\nexport HOST=\"::1\"\nAUTH_TOKEN='a$b' # why\n");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(
            [&settings["PORT"], &settings["HOST"], &settings["AUTH_TOKEN"]],
            ["1", "::1", "a$b"]
        );
    }

    #[test]
    fn config_env_file_names_broken_lines_without_quoting() {
        let (settings, problems) =
            parse("PORT=1\nMY_NUMBER=91 98765 43210\nmy-secret\nAUTH_TOKEN=abc$secret\n");
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!((settings.len(), told.len()), (1, 3));
        assert!(
            told[0].starts_with(".env line 2, MY_NUMBER=(not shown): expected NAME=value"),
            "{told:?}"
        );
        assert!(told[1].starts_with(".env line 3, no variable"), "{told:?}");
        assert!(
            told[2].contains("AUTH_TOKEN=(not shown): expected a value with a $ in single quotes")
        );
        assert!(!told.concat().contains("secret") && !told.concat().contains("98765"));
    }
}
