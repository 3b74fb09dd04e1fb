//! The section `RATE_LIMITS`.

use crate::kernel::quota::ToolsetQuota;
use crate::kernel::toolset::row::ToolsetRow;
use crate::rate_limit::gcra::RateLimits;

/// The limits of the chat, and those of toolsets that are set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RateLimitConfig {
    /// `None` when off.
    pub chat: Option<RateLimits>,
    pub toolsets: Vec<ToolsetQuota>,
}

impl RateLimitConfig {
    pub(super) const fn new(chat: Option<RateLimits>) -> Self {
        Self { chat, toolsets: Vec::new() }
    }

    /// The limits of a toolset in effect.
    pub(super) fn quotas(&self, row: &ToolsetRow) -> Vec<ToolsetQuota> {
        let set = |quota: &ToolsetQuota| self.toolsets.iter().find(|set| set.name == quota.name);
        row.quotas.iter().map(|quota| set(quota).copied().unwrap_or(*quota)).collect()
    }
}

/// Parses `off`, `on`, or a list of limits of the chat and of the toolsets in `table`. A limit that is not
/// listed keeps its default.
pub(super) fn parse(text: &str, table: &[ToolsetRow]) -> Result<RateLimitConfig, &'static str> {
    let expected = "on, off, or figures such as messages=30,same=3,searches=10,reports=10,commands=120,newcomers=600";
    match text.to_ascii_lowercase().as_str() {
        "on" => return Ok(RateLimitConfig::new(Some(RateLimits::default()))),
        "off" => return Ok(RateLimitConfig::new(None)),
        _ => {}
    }
    let (mut limits, mut toolsets) = (RateLimits::default(), Vec::new());
    let quota =
        |name: &str| table.iter().flat_map(|row| row.quotas).find(|quota| quota.name == name);
    for limit in text.split(',') {
        let (name, value) = limit.split_once('=').ok_or(expected)?;
        let name = name.trim().to_ascii_lowercase();
        // 0 means no limit, which only new users may have.
        let min = u32::from(name != "newcomers");
        let value = value.trim().parse().ok().filter(|n| (min..=10_000).contains(n));
        let value = value.ok_or(expected)?;
        match name.as_str() {
            "messages" => limits.messages = value,
            "same" => limits.duplicates = value,
            "searches" => limits.searches = value,
            "reports" => limits.reports = value,
            "commands" => limits.commands = value,
            "newcomers" => limits.new_users = value,
            name => {
                let quota = *quota(name).ok_or(expected)?;
                toolsets.push(ToolsetQuota { limit: value, ..quota });
            }
        }
    }
    Ok(RateLimitConfig { chat: Some(limits), toolsets })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::toolsets::tests::TABLE;

    #[test]
    fn config_rate_limits_are_on_off_or_figures() {
        let parse = |text| parse(text, TABLE);
        let chat = |limits| Ok(RateLimitConfig::new(limits));
        assert_eq!(parse("on"), chat(Some(RateLimits::default())));
        assert_eq!(parse("OFF"), chat(None));
        let limits = RateLimits { messages: 60, searches: 5, ..RateLimits::default() };
        assert_eq!(parse("messages=60, searches = 5"), chat(Some(limits)));
        let unlimited = RateLimits { new_users: 0, ..RateLimits::default() };
        assert_eq!(parse("newcomers=0"), chat(Some(unlimited)));
        for broken in ["maybe", "messages", "messages=0", "messages=99999", "talk=3", "same=-1"] {
            assert!(parse(broken).is_err(), "{broken}");
        }
        let set = parse("paint.strokes=7").expect("valid");
        assert_eq!((set.chat, set.toolsets[0].limit), (Some(RateLimits::default()), 7));
        assert_eq!(set.quotas(&TABLE[2]), set.toolsets);
        assert_eq!(RateLimitConfig::new(None).quotas(&TABLE[2])[0].limit, 60);
    }
}
