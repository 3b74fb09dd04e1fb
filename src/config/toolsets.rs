//! The section of toolsets: `TOOLSETS`, and the settings of each in the table.

use super::rate_limits::RateLimitConfig;
use crate::kernel::settings::{EchoValue, NOT_SET, SettingsReader};
use crate::kernel::sql::migration::MigrationChain;
use crate::kernel::toolset::row::{EnabledToolset, ToolsetRow};

/// The toolset that is enabled by default. Puch AI calls its tools with `AUTH_TOKEN`.
pub(super) const CONNECT: &str = "connect";

/// The toolset that the phones of the playground use.
const PENPAL: &str = "penpal";

/// The toolsets of a configuration.
#[derive(Clone, Debug)]
pub struct ToolsetsConfig {
    /// `TOOLSETS`, each once.
    pub enabled: Vec<EnabledToolset>,
    /// The toolset that the playground needs too. `None` if it is enabled.
    pub for_playground: Option<EnabledToolset>,
    /// The migrations of all toolsets in the table, enabled or not.
    pub migrations: Vec<&'static MigrationChain>,
    /// Every setting of the table, with the part of its value that may be shown.
    pub(super) shown: Vec<(&'static str, String)>,
    pub(super) warnings: Vec<String>,
}

impl ToolsetsConfig {
    /// The toolsets of a server, which may have the playground.
    pub fn with_playground(&self, playground: bool) -> impl Iterator<Item = &EnabledToolset> {
        self.enabled.iter().chain(self.for_playground.iter().filter(move |_| playground))
    }

    /// Returns `true` if `TOOLSETS` has this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.enabled.iter().any(|toolset| toolset.row.name == name)
    }
}

/// Reads the section of a server with this table.
pub(super) fn read(
    reader: &mut SettingsReader<'_>,
    table: &[ToolsetRow],
    limits: &RateLimitConfig,
) -> ToolsetsConfig {
    let find = |name: &str| table.iter().copied().find(|row| row.name == name);
    let names = reader.read("TOOLSETS", EchoValue::Yes, |text| {
        let mut rows: Vec<ToolsetRow> = Vec::new();
        for name in text.split(',') {
            let row = find(&name.trim().to_ascii_lowercase());
            let row = row.ok_or_else(|| {
                let names: Vec<_> = table.iter().map(|row| row.name).collect();
                format!("one or more of {}, separated by commas", names.join(", "))
            })?;
            if rows.iter().all(|other| other.name != row.name) {
                rows.push(row);
            }
        }
        Ok::<_, String>(rows)
    });
    let rows = names.unwrap_or_else(|| find(CONNECT).into_iter().collect());
    let enable = |reader: &mut SettingsReader<'_>, row: ToolsetRow| EnabledToolset {
        row,
        quotas: limits.quotas(&row),
        plan: (row.read)(reader),
    };
    let enabled: Vec<_> = rows.into_iter().map(|row| enable(reader, row)).collect();
    let is_enabled = |row: &ToolsetRow| enabled.iter().any(|toolset| toolset.row.name == row.name);
    let penpal = find(PENPAL).filter(|row| !is_enabled(row));
    let for_playground = penpal.map(|row| enable(reader, row));
    let mut warnings = reader.take_warnings();
    let mut shown = Vec::new();
    for row in table {
        for setting in row.settings {
            if is_enabled(row) {
                shown.push((setting.name, reader.shown(setting)));
                continue;
            }
            shown.push((setting.name, NOT_SET.to_owned()));
            if reader.is_set(setting.name) {
                let (setting, toolset) = (setting.name, row.name);
                warnings.push(format!(
                    "{setting} has no effect, because TOOLSETS does not have {toolset}"
                ));
            }
        }
    }
    let migrations = table.iter().filter_map(|row| row.migrations).collect();
    ToolsetsConfig { enabled, for_playground, migrations, shown, warnings }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::config::Config;
    use crate::kernel::quota::ToolsetQuota;
    use crate::kernel::settings::{ConfigProblem, Setting};
    use crate::kernel::toolset::parts::{ToolsetError, ToolsetParts};
    use crate::kernel::toolset::row::{BuiltToolset, ToolsetPlan};

    #[derive(Debug)]
    struct NoPlan;

    impl ToolsetPlan for NoPlan {
        fn build(&self, _: &ToolsetParts) -> Result<BuiltToolset, ToolsetError> {
            Err(ToolsetError::Database)
        }
    }

    fn read_color(reader: &mut SettingsReader<'_>) -> Arc<dyn ToolsetPlan> {
        reader
            .read("PAINT_COLOR", EchoValue::Yes, |text| (text == "red").then_some(()).ok_or("red"));
        reader.read("PAINT_KEY", EchoValue::Redacted, |_| Ok::<_, &str>(()));
        Arc::new(NoPlan)
    }

    const fn row(name: &'static str) -> ToolsetRow {
        let read = |_: &mut SettingsReader<'_>| Arc::new(NoPlan) as Arc<dyn ToolsetPlan>;
        ToolsetRow { name, docs: "", settings: &[], quotas: &[], migrations: None, read }
    }

    /// A table with toolsets that can't be built.
    pub const TABLE: &[ToolsetRow] = &[
        row("connect"),
        row("penpal"),
        ToolsetRow {
            name: "paint",
            settings: &[
                Setting { name: "PAINT_COLOR", default: "`red`", meaning: "" },
                Setting { name: "PAINT_KEY", default: "none", meaning: "" },
            ],
            quotas: &[ToolsetQuota {
                name: "paint.strokes",
                limit: 60,
                period: Duration::from_secs(60),
            }],
            migrations: Some(&MigrationChain::new("paint", &[], &[])),
            read: read_color,
            ..row("")
        },
    ];

    fn config(variables: &[(&str, &str)]) -> Result<Config, Vec<ConfigProblem>> {
        Config::from_lookup(TABLE, |name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        })
    }

    fn shown(variables: &[(&str, &str)]) -> Vec<String> {
        let effective = config(variables).expect("valid").effective().into_iter();
        let of_toolset = effective.filter(|(name, _)| name.starts_with("PAINT"));
        of_toolset.map(|(_, value)| value).collect()
    }

    #[test]
    fn config_toolset_reads_its_settings_if_it_is_enabled() {
        assert_eq!(shown(&[("TOOLSETS", "paint")]), ["red", NOT_SET]);
        let all = [("TOOLSETS", "Paint, connect"), ("PAINT_COLOR", "red"), ("PAINT_KEY", "secret")];
        assert_eq!(shown(&all), ["red", "set"]);
        assert_eq!(shown(&[("PAINT_COLOR", "blue")]), [NOT_SET, NOT_SET]);
        let warnings = config(&[("PAINT_COLOR", "blue")]).expect("valid").toolsets.warnings;
        assert_eq!(warnings, ["PAINT_COLOR has no effect, because TOOLSETS does not have paint"]);
        let problems = config(&[("TOOLSETS", "paint"), ("PAINT_COLOR", "blue")]).expect_err("blue");
        assert_eq!(problems[0].to_string(), "PAINT_COLOR=\"blue\": expected red");
    }

    #[test]
    fn config_toolsets_are_enabled_once_each() {
        let config = |names| config(&[("TOOLSETS", names)]);
        let twice = config("penpal,connect,penpal").expect("valid");
        let effective = twice.effective();
        let (_, names) = effective.iter().find(|(name, _)| *name == "TOOLSETS").expect("a line");
        assert_eq!(names, "penpal,connect");
        let problem = &config("chess").expect_err("unknown")[0];
        assert!(problem.expected.starts_with("one or more of connect, penpal, paint"));
    }

    #[test]
    fn config_toolset_with_tables_has_a_database_by_default() {
        let database = |variables: &[_]| {
            let database = config(variables).expect("valid").database;
            database.map(|database| database.url.place())
        };
        assert_eq!(database(&[]), None);
        let default = database(&[("TOOLSETS", "connect,paint")]).expect("a database");
        assert!(default.contains("random-connect.db"), "{default}");
        let set = [("TOOLSETS", "paint"), ("DATABASE_URL", "sqlite:other.db")];
        assert!(database(&set).expect("a database").contains("other.db"));
    }
}
