//! [`Setting`]: an environment variable, and [`SettingsReader`], which reads one after the other and
//! collects every problem.
//!
//! The meaning of a value is the business of the section or toolset that reads it. A value that may be
//! secret is read with [`EchoValue::Redacted`], so that no problem repeats it.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use secrecy::SecretString;

/// Stands for the value of a secret that is not set.
pub const NOT_SET: &str = "not set";

/// Default of `PORT`.
pub const DEFAULT_PORT: u16 = 8086;

/// A year, in seconds; a longer duration is taken for a mistake.
const MAX_DURATION_SECS: u64 = 365 * 24 * 60 * 60;

/// An environment variable. A blank value counts as unset. The texts are Markdown.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub name: &'static str,
    /// The default: a value in backquotes, or a description such as "none".
    pub default: &'static str,
    pub meaning: &'static str,
}

/// A variable whose value can't be used.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    pub variable: String,
    /// The value as set, or a placeholder if it may be secret.
    pub shown_value: String,
    pub expected: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}: expected {}", self.variable, self.shown_value, self.expected)
    }
}

/// Whether a problem may repeat the value.
#[derive(Clone, Copy)]
pub enum EchoValue {
    Yes,
    Redacted,
}

/// Reads variables through a lookup function and collects the problems.
pub struct SettingsReader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<OsString>,
    problems: Vec<ConfigProblem>,
    warnings: Vec<String>,
    /// The variables that were read, with the part of their values that may be shown.
    shown: Vec<(&'static str, String)>,
}

impl<'a> SettingsReader<'a> {
    #[must_use]
    pub const fn new(lookup: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Self { lookup, problems: Vec::new(), warnings: Vec::new(), shown: Vec::new() }
    }

    /// Returns `true` if `variable` is set to a value that is not blank.
    pub fn is_set(&self, variable: &str) -> bool {
        (self.lookup)(variable).is_some_and(|value| !value.to_string_lossy().trim().is_empty())
    }

    /// Reads a secret whose variable the configuration names, so that no table of settings has it. `None` if it is
    /// unset, blank or no UTF-8.
    pub fn secret(&self, variable: &str) -> Option<SecretString> {
        let value = (self.lookup)(variable)?;
        let text = value.to_str()?.trim();
        (!text.is_empty()).then(|| SecretString::from(text))
    }

    /// The value of `PORT`, whose problems another section reports. `None` if it is invalid.
    pub fn server_port(&self) -> Option<u16> {
        let value = (self.lookup)("PORT").unwrap_or_default();
        match value.to_str()?.trim() {
            "" => Some(DEFAULT_PORT),
            text => text.parse().ok(),
        }
    }

    /// Reads and parses `variable`. `None` if it is unset, blank or invalid; `parse` returns what it
    /// expected if it rejects the value.
    pub fn read<T, E: Into<String>>(
        &mut self,
        variable: &'static str,
        echo: EchoValue,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let raw = (self.lookup)(variable).unwrap_or_default();
        let text = raw.to_string_lossy();
        if text.trim().is_empty() {
            if let EchoValue::Redacted = echo {
                self.shown.push((variable, NOT_SET.to_owned()));
            }
            return None;
        }
        let parsed = match raw.to_str() {
            Some(text) => parse(text.trim()).map_err(E::into),
            None => Err("text in UTF-8".to_owned()),
        };
        match parsed {
            Ok(value) => {
                let shown = match echo {
                    EchoValue::Yes => text.trim(),
                    EchoValue::Redacted => "set",
                };
                self.shown.push((variable, shown.to_owned()));
                Some(value)
            }
            Err(expected) => {
                let shown_value = match echo {
                    EchoValue::Yes => format!("{text:?}"),
                    EchoValue::Redacted => "(not shown)".to_owned(),
                };
                let variable = variable.to_owned();
                self.problems.push(ConfigProblem { variable, shown_value, expected });
                None
            }
        }
    }

    /// The value in effect of a setting that was read, or whether it is set if it may be secret.
    #[must_use]
    pub fn shown(&self, setting: &Setting) -> String {
        let read = self.shown.iter().find(|(name, _)| *name == setting.name);
        read.map_or_else(|| setting.default.trim_matches('`'), |(_, value)| value).to_owned()
    }

    /// Reads `on` or `off`.
    pub fn switch(&mut self, variable: &'static str, default: bool) -> bool {
        let value =
            self.read(variable, EchoValue::Yes, |text| match text.to_ascii_lowercase().as_str() {
                "on" => Ok(true),
                "off" => Ok(false),
                _ => Err("on or off"),
            });
        value.unwrap_or(default)
    }

    /// Adds a warning: a setting is valid, but probably not intended. It contains no value.
    pub fn warn(&mut self, warning: &str) {
        self.warnings.push(warning.to_owned());
    }

    /// Removes and returns the warnings.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Reports that `variable` has no value.
    fn report_empty(&mut self, variable: &'static str, expected: String) {
        self.problems.push(ConfigProblem {
            variable: variable.to_owned(),
            shown_value: String::new(),
            expected,
        });
    }

    /// Reports a variable whose value is valid, but not together with another one. The value must not be secret.
    pub fn report_conflict(&mut self, variable: &'static str, expected: &str) {
        let shown = self.shown.iter().find(|(name, _)| *name == variable);
        self.problems.push(ConfigProblem {
            variable: variable.to_owned(),
            shown_value: shown.map(|(_, value)| format!("{value:?}")).unwrap_or_default(),
            expected: expected.to_owned(),
        });
    }

    /// Reports a required variable that is unset. An invalid one was reported when it was read.
    pub fn report_missing(&mut self, variable: &'static str, expected: &str) {
        if self.problems.iter().all(|problem| problem.variable != variable) {
            self.problems.push(ConfigProblem {
                variable: variable.to_owned(),
                shown_value: "(not set)".to_owned(),
                expected: expected.to_owned(),
            });
        }
    }

    /// Returns `true` if any of `all` is set, and then reports each of `needed` that is not.
    pub fn requires_all(&mut self, all: &[&'static str], needed: &[&'static str]) -> bool {
        if !all.iter().any(|name| self.is_set(name)) {
            return false;
        }
        for name in needed {
            if !self.is_set(name) {
                let expected = format!("a value, because {} belong together", needed.join(", "));
                self.report_empty(name, expected);
            }
        }
        true
    }

    /// Reads a duration in whole seconds.
    pub fn seconds(&mut self, variable: &'static str, default: u64) -> Duration {
        let seconds = self.read(variable, EchoValue::Yes, |text| {
            let seconds =
                text.parse().ok().filter(|seconds| (1..=MAX_DURATION_SECS).contains(seconds));
            seconds.ok_or("a whole number of seconds from 1 to 31536000")
        });
        Duration::from_secs(seconds.unwrap_or(default))
    }

    /// Returns `config` unless a variable could not be used.
    ///
    /// # Errors
    /// Returns every problem, in the order of reading.
    pub fn finish<T>(self, config: T) -> Result<T, Vec<ConfigProblem>> {
        if self.problems.is_empty() { Ok(config) } else { Err(self.problems) }
    }
}
