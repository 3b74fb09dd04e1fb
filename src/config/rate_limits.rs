//! The section `RATE_LIMITS`.

use crate::rate_limit::gcra::RateLimits;

/// Parses `off`, `on`, or a list of limits. A limit that is not listed keeps its default. `None` when
/// off.
pub(super) fn parse(text: &str) -> Result<Option<RateLimits>, &'static str> {
    let expected = "on, off, or figures such as messages=30,same=3,searches=10,reports=10,commands=120,newcomers=600";
    match text.to_ascii_lowercase().as_str() {
        "on" => return Ok(Some(RateLimits::default())),
        "off" => return Ok(None),
        _ => {}
    }
    let mut limits = RateLimits::default();
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
            _ => return Err(expected),
        }
    }
    Ok(Some(limits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_rate_limits_are_on_off_or_figures() {
        assert_eq!(parse("on"), Ok(Some(RateLimits::default())));
        assert_eq!(parse("OFF"), Ok(None));
        let limits = RateLimits { messages: 60, searches: 5, ..RateLimits::default() };
        assert_eq!(parse("messages=60, searches = 5"), Ok(Some(limits)));
        let unlimited = RateLimits { new_users: 0, ..RateLimits::default() };
        assert_eq!(parse("newcomers=0"), Ok(Some(unlimited)));
        for broken in ["maybe", "messages", "messages=0", "messages=99999", "talk=3", "same=-1"] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }
}
