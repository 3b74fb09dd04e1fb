//! [`GoalsConfig`]: the settings of the toolset.

use jiff::tz::TimeZone;

use crate::kernel::settings::{EchoValue, Setting, SettingsReader};

/// The settings that [`read`] reads.
pub const SETTINGS: &[Setting] = &[Setting {
    name: "GOALS_TIMEZONE",
    default: "`UTC`",
    meaning: "Time zone of users who have set none, as an IANA name such as `Europe/Berlin`.",
}];

/// The settings of the toolset.
#[derive(Clone, Debug)]
pub struct GoalsConfig {
    pub zone: TimeZone,
}

/// Reads the settings.
pub fn read(reader: &mut SettingsReader<'_>) -> GoalsConfig {
    let zone = reader.read("GOALS_TIMEZONE", EchoValue::Yes, |name| {
        TimeZone::get(name).map_err(|_| "an IANA name, such as Europe/Berlin")
    });
    GoalsConfig { zone: zone.unwrap_or(TimeZone::UTC) }
}
