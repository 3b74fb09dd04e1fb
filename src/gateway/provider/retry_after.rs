//! [`retry_after`]: the pause that the headers of an answer ask for.

use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::DateTime;
use http::HeaderMap;

use crate::kernel::clock::Timestamp;

/// Bounds of a pause: a provider that asks for days must not lock a model out for days.
pub const BOUNDS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(300);

/// Headers with the limits of OpenAI and of servers that are compatible with it: remaining, reset.
const CHAT_LIMITS: [(&str, &str); 2] = [
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
];

/// Headers with the limits of Anthropic: remaining, reset.
const MESSAGES_LIMITS: [(&str, &str); 4] = [
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
];

/// Returns the pause that the headers ask for, within [`BOUNDS`].
///
/// The first of these decides: `retry-after-ms`; `retry-after` in seconds or as a date; the resets of the vendors'
/// limits, as a duration such as `6m0s` or as a date of RFC 3339. Of several resets it is the latest of the used-up
/// limits, or the earliest if none is used up.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let pause = text("retry-after-ms")
        .and_then(|millis| from_seconds(millis.parse::<f64>().ok()? / 1_000.0))
        .or_else(|| text("retry-after").and_then(|value| from_number_or_date(value, now)))
        .or_else(|| {
            let limits = CHAT_LIMITS.iter().chain(&MESSAGES_LIMITS);
            let resets: Vec<(bool, Duration)> = limits
                .filter_map(|(remaining, reset)| {
                    let is_used_up = text(remaining).is_some_and(|left| left == "0");
                    let reset = text(reset)?;
                    Some((is_used_up, from_units(reset).or_else(|| from_date(reset, now))?))
                })
                .collect();
            let used_up = resets.iter().filter(|(is_used_up, _)| *is_used_up);
            let latest = used_up.map(|(_, reset)| *reset).max();
            latest.or_else(|| resets.iter().map(|(_, reset)| *reset).min())
        });
    pause.map(|pause| pause.clamp(*BOUNDS.start(), *BOUNDS.end()))
}

fn from_number_or_date(value: &str, now: Timestamp) -> Option<Duration> {
    match value.parse::<f64>() {
        Ok(seconds) => from_seconds(seconds),
        Err(_) => from_units(value).or_else(|| from_date(value, now)),
    }
}

/// Converts a number that may be infinite, negative or no number.
fn from_seconds(seconds: f64) -> Option<Duration> {
    if seconds.is_nan() || seconds < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// Reads a date of RFC 3339, or of HTTP (RFC 9110, section 5.6.7). A date in the past is no pause.
fn from_date(value: &str, now: Timestamp) -> Option<Duration> {
    let date = DateTime::parse_from_rfc3339(value).or_else(|_| DateTime::parse_from_rfc2822(value));
    let millis = u64::try_from(date.ok()?.timestamp_millis()).ok()?;
    Some(Timestamp::from_millis(millis).since(now))
}

/// Reads a number of seconds, or a duration such as `6m0s`, `1.5s` or `120ms`.
fn from_units(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.parse::<f64>() {
        return from_seconds(seconds);
    }
    let (mut total, mut rest) = (0.0, value);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = rest.split_at(end);
        let end = unit.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(unit.len());
        let (unit, later) = unit.split_at(end);
        let seconds = match unit {
            "d" => 86_400.0,
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            "us" | "µs" => 0.000_001,
            "ns" => 0.000_000_001,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * seconds;
        rest = later;
    }
    from_seconds(total).filter(|_| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-28T00:00:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_824_000_000);

    fn pause(headers: &[(&str, &str)]) -> Option<f64> {
        let headers = headers.iter().map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            (name, HeaderValue::from_str(value).expect("a value"))
        });
        retry_after(&headers.collect(), NOW).map(|pause| pause.as_secs_f64())
    }

    #[test]
    fn gateway_retry_after_is_read_in_each_dialect() {
        let reset = "anthropic-ratelimit-requests-reset";
        for (headers, expected) in [
            (vec![("retry-after", "20")], Some(20.0)),
            (vec![("retry-after", "1.5")], Some(1.5)),
            (vec![("retry-after", "Sat, 28 Nov 2026 00:02:00 GMT")], Some(120.0)),
            (vec![("retry-after-ms", "2500"), ("retry-after", "9")], Some(2.5)),
            (vec![("x-ratelimit-reset-requests", "2m30s")], Some(150.0)),
            (vec![("x-ratelimit-reset-tokens", "1500ms")], Some(1.5)),
            (vec![(reset, "2026-11-28T00:00:45Z")], Some(45.0)),
            (vec![], None),
        ] {
            assert_eq!(pause(&headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn gateway_retry_after_follows_the_limit_that_is_used_up() {
        let headers = [
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "12s"),
            ("x-ratelimit-remaining-tokens", "900"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ];
        assert_eq!(pause(&headers), Some(12.0));
        assert_eq!(pause(&headers[1..]), Some(12.0), "the earliest, if no limit is used up");
    }

    #[test]
    fn gateway_retry_after_is_between_a_second_and_five_minutes() {
        for (value, expected) in [
            ("0", Some(1.0)),
            ("86400", Some(300.0)),
            ("1e300", Some(300.0)),
            ("inf", Some(300.0)),
            ("Sat, 28 Nov 2020 00:02:00 GMT", Some(1.0)),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(pause(&[("retry-after", value)]), expected, "{value:?}");
        }
        assert_eq!(pause(&[("retry-after-ms", "400000000")]), Some(300.0));
    }

    proptest! {
        #[test]
        fn gateway_retry_after_of_any_text_is_none_or_within_its_bounds(value in "[ -~]{0,20}") {
            for name in ["retry-after", "retry-after-ms", "x-ratelimit-reset-tokens"] {
                if let Some(seconds) = pause(&[(name, &value)]) {
                    prop_assert!((1.0..=300.0).contains(&seconds));
                }
            }
        }
    }
}
