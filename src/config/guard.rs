//! The section of content filters and chat rules: `LINKS`, `WORDS` and `NOTICE`.

use crate::guard::{Guard, LinkPolicy, ProfanityPolicy};
use crate::kernel::settings::{EchoValue, SettingsReader};
use crate::moderation::service::NoticePolicy;

/// Reads `LINKS` and `WORDS`.
pub(super) fn read_guard(reader: &mut SettingsReader<'_>) -> Guard {
    let links =
        reader.read("LINKS", EchoValue::Yes, |text| match text.to_ascii_lowercase().as_str() {
            "allow" => Ok(LinkPolicy::Allow),
            "defang" => Ok(LinkPolicy::Defang),
            "refuse" => Ok(LinkPolicy::Refuse),
            _ => Err("allow, defang or refuse"),
        });
    let words =
        reader.read("WORDS", EchoValue::Yes, |text| match text.to_ascii_lowercase().as_str() {
            "off" => Ok(ProfanityPolicy::Off),
            "mask" => Ok(ProfanityPolicy::Mask),
            "refuse" => Ok(ProfanityPolicy::Refuse),
            _ => Err("off, mask or refuse"),
        });
    Guard { links: links.unwrap_or_default(), profanity: words.unwrap_or_default() }
}

/// Reads `NOTICE`.
pub(super) fn read_notice_policy(reader: &mut SettingsReader<'_>) -> NoticePolicy {
    let notice =
        reader.read("NOTICE", EchoValue::Yes, |text| match text.to_ascii_lowercase().as_str() {
            "on" => Ok(NoticePolicy::On),
            "require" => Ok(NoticePolicy::Require),
            "off" => Ok(NoticePolicy::Off),
            _ => Err("on, require or off"),
        });
    notice.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::toolsets::tests::TABLE;
    use crate::kernel::settings::ConfigProblem;

    fn guard(variables: &[(&str, &str)]) -> Result<Guard, Vec<ConfigProblem>> {
        let value = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Config::from_lookup(TABLE, |name| value(name).map(|(_, value)| value.into()))
            .map(|config| config.guard)
    }

    #[test]
    fn config_guard_defaults_to_defang_and_no_profanity_filter() {
        assert_eq!(
            guard(&[]),
            Ok(Guard { links: LinkPolicy::Defang, profanity: ProfanityPolicy::Off })
        );
        assert_eq!(
            guard(&[("LINKS", "Refuse"), ("WORDS", "mask")]),
            Ok(Guard { links: LinkPolicy::Refuse, profanity: ProfanityPolicy::Mask })
        );
        let wrong = [("LINKS", "no"), ("WORDS", "yes"), ("NOTICE", "maybe")];
        assert_eq!(guard(&wrong).expect_err("three problems").len(), 3);
    }
}
