//! [`SettingNames`]: finds names that look like settings and are none.
//!
//! A misspelt name is ignored like any other variable, so that its default applies. The environment
//! has names of many programs, so that only names close to a setting are reported.

use super::settings::all_settings;
use crate::kernel::toolset::row::ToolsetRow;

/// Prefixes that no other program uses.
const OWN_PREFIXES: [&str; 2] = ["WHATSAPP_", "CALLBACK_"];

/// Variables of other programs that resemble a setting, in upper case.
const FOREIGN: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/// The names of all settings.
pub(super) struct SettingNames(Vec<&'static str>);

impl SettingNames {
    /// The names of the server's settings, and of the settings of the toolsets in `table`.
    pub(super) fn new(table: &[ToolsetRow]) -> Self {
        Self(all_settings(table).map(|setting| setting.name).collect())
    }

    /// A warning if `name`, a variable of the environment, is probably a misspelt setting.
    pub(super) fn unknown_in_environment(&self, name: &str) -> Option<String> {
        if self.0.contains(&name) || FOREIGN.contains(&&*name.to_uppercase()) {
            return None;
        }
        // The edit distance between short names says little: HOME is not HOST.
        let suggestion = self.closest(name, |length| match length {
            0..=5 => 0,
            6..=9 => 1,
            _ => 2,
        });
        let is_own = OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        (suggestion.is_some() || is_own)
            .then(|| warning(&format!("the variable {name}"), suggestion))
    }

    /// A warning if `name`, in this line of the file `.env`, is no setting. `shown` is `false` if the
    /// name may be a secret.
    pub(super) fn unknown_in_file(&self, line: usize, name: &str, shown: bool) -> Option<String> {
        if self.0.contains(&name) {
            return None;
        }
        let suggestion = self.closest(name, |length| if length <= 9 { 1 } else { 2 });
        let shown = if shown { format!(", {name},") } else { String::new() };
        Some(warning(&format!(".env line {line}{shown}"), suggestion))
    }

    /// The setting with the smallest edit distance to `name`, if that is at most `limit` of the
    /// setting's length.
    fn closest(&self, name: &str, limit: impl Fn(usize) -> usize) -> Option<&'static str> {
        let name = name.to_uppercase().replace('-', "_");
        let candidates =
            self.0.iter().map(|setting| (strsim::osa_distance(&name, setting), *setting));
        let close = candidates.filter(|(distance, setting)| *distance <= limit(setting.len()));
        close.min_by_key(|(distance, _)| *distance).map(|(_, setting)| setting)
    }
}

fn warning(place: &str, suggestion: Option<&str>) -> String {
    let suggestion = suggestion.map_or_else(String::new, |name| format!(": did you mean {name}?"));
    format!("{place} is not a setting and has no effect{suggestion}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> SettingNames {
        SettingNames::new(&[])
    }

    #[test]
    fn config_misspelt_variable_is_reported() {
        for (name, setting) in [
            ("AUTH_TOKE", "AUTH_TOKEN"),
            ("ADMIN_TOKENS", "ADMIN_TOKEN"),
            ("auth_token", "AUTH_TOKEN"),
            ("REDIS-URL", "REDIS_URL"),
            ("PLAYGROUDN", "PLAYGROUND"),
            ("CALLBACK_SECRETS", "CALLBACK_SECRET"),
        ] {
            let expected = format!(
                "the variable {name} is not a setting and has no effect: did you mean {setting}?"
            );
            assert_eq!(names().unknown_in_environment(name), Some(expected));
        }
        assert!(
            names()
                .unknown_in_environment("WHATSAPP_NUMBER")
                .is_some_and(|text| !text.contains('?'))
        );
    }

    #[test]
    fn config_variables_of_other_programs_are_not_reported() {
        for name in [
            "HOME",
            "PATH",
            "HOSTNAME",
            "LINES",
            "COLUMNS",
            "USER",
            "SHELL",
            "RUST_LOG",
            "REDIS_PORT",
            "REDIS_HOST",
            "LOGNAME",
            "PWD",
            "TERM",
            "LANG",
            "HTTP_PROXY",
            "https_proxy",
            "NO_COLOR",
            "AUTH_TOKEN",
            "PORT",
        ] {
            assert_eq!(names().unknown_in_environment(name), None, "{name}");
        }
    }

    #[test]
    fn config_unknown_name_in_the_file_is_reported() {
        let warning = names().unknown_in_file(3, "PROT", true).expect("a warning");
        assert_eq!(
            warning,
            ".env line 3, PROT, is not a setting and has no effect: did you mean PORT?"
        );
        let hidden = names().unknown_in_file(4, "my_secret", false).expect("a warning");
        assert_eq!(hidden, ".env line 4 is not a setting and has no effect");
        assert_eq!(names().unknown_in_file(5, "PORT", true), None);
    }
}
