//! The usage of tokens in the formats of the providers, and back.

use serde_json::{Value, json};

use crate::kernel::model::ModelUsage;

fn count(value: &Value, path: &[&str]) -> Option<u64> {
    path.iter().try_fold(value, |value, name| value.get(name))?.as_u64()
}

/// Reads the usage of a chat completion, which counts cached tokens inside the input.
#[must_use]
pub fn chat_usage(usage: &Value) -> ModelUsage {
    let cache_read = count(usage, &["prompt_tokens_details", "cached_tokens"]);
    let cache_write = count(usage, &["prompt_tokens_details", "cache_write_tokens"]);
    let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
    ModelUsage {
        input_tokens: count(usage, &["prompt_tokens"]).map(|input| input.saturating_sub(cached)),
        cache_read_tokens: cache_read,
        cache_write_tokens: cache_write,
        long_cache_write_tokens: None,
        output_tokens: count(usage, &["completion_tokens"]),
        reasoning_tokens: count(usage, &["completion_tokens_details", "reasoning_tokens"]),
    }
}

/// Reads the usage of a message, which counts cached tokens beside the input. `earlier` has the counts so far.
#[must_use]
pub fn messages_usage(usage: &Value, earlier: &ModelUsage) -> ModelUsage {
    let long = count(usage, &["cache_creation", "ephemeral_1h_input_tokens"]);
    let short = count(usage, &["cache_creation", "ephemeral_5m_input_tokens"]);
    // Later events have only the sum of both, so that the part that is known is subtracted.
    let sum = count(usage, &["cache_creation_input_tokens"]);
    let known = long.or(earlier.long_cache_write_tokens).unwrap_or(0);
    ModelUsage {
        input_tokens: count(usage, &["input_tokens"]),
        cache_read_tokens: count(usage, &["cache_read_input_tokens"]),
        cache_write_tokens: short.or_else(|| sum.map(|sum| sum.saturating_sub(known))),
        long_cache_write_tokens: long,
        output_tokens: count(usage, &["output_tokens"]),
        reasoning_tokens: count(usage, &["output_tokens_details", "thinking_tokens"]),
    }
}

/// Writes the usage of a chat completion. Unknown counts are 0, because clients require numbers.
#[must_use]
pub fn to_chat_usage(usage: &ModelUsage) -> Value {
    let cache_read = usage.cache_read_tokens.unwrap_or(0);
    let short = usage.cache_write_tokens.unwrap_or(0);
    let cache_write = short.saturating_add(usage.long_cache_write_tokens.unwrap_or(0));
    let prompt = [usage.input_tokens.unwrap_or(0), cache_read, cache_write];
    let prompt = prompt.into_iter().fold(0, u64::saturating_add);
    let output = usage.output_tokens.unwrap_or(0);
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt.saturating_add(output),
        "prompt_tokens_details": { "cached_tokens": cache_read, "cache_write_tokens": cache_write },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning_tokens.unwrap_or(0) },
    })
}

/// Writes the usage of a message. Unknown counts are 0, because clients require numbers.
#[must_use]
pub fn to_messages_usage(usage: &ModelUsage) -> Value {
    let short = usage.cache_write_tokens.unwrap_or(0);
    let long = usage.long_cache_write_tokens.unwrap_or(0);
    json!({
        "input_tokens": usage.input_tokens.unwrap_or(0),
        "cache_creation_input_tokens": short.saturating_add(long),
        "cache_read_input_tokens": usage.cache_read_tokens.unwrap_or(0),
        "cache_creation": {
            "ephemeral_5m_input_tokens": short,
            "ephemeral_1h_input_tokens": long,
        },
        "output_tokens": usage.output_tokens.unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gateway_usage_of_the_cache_is_counted_once() {
        let details = json!({ "cached_tokens": 80, "cache_write_tokens": 5 });
        let usage = chat_usage(&json!({ "prompt_tokens": 100, "prompt_tokens_details": details }));
        assert_eq!((usage.input_tokens, usage.cache_read_tokens), (Some(15), Some(80)));
        let usage = messages_usage(
            &json!({ "input_tokens": 15, "cache_read_input_tokens": 80 }),
            &ModelUsage::default(),
        );
        assert_eq!((usage.input_tokens, usage.cache_read_tokens), (Some(15), Some(80)));
    }

    #[test]
    fn gateway_usage_of_long_cache_writes_stays_apart_from_a_later_sum() {
        let start = json!({
            "cache_creation_input_tokens": 30,
            "cache_creation": { "ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20 },
        });
        let mut usage = messages_usage(&start, &ModelUsage::default());
        let later = json!({ "cache_creation_input_tokens": 30, "input_tokens": null });
        usage.update(messages_usage(&later, &usage));
        assert_eq!((usage.cache_write_tokens, usage.long_cache_write_tokens), (Some(10), Some(20)));
    }

    #[test]
    fn gateway_usage_that_is_null_or_no_number_is_unknown() {
        for usage in [
            json!(null),
            json!({ "prompt_tokens": null, "prompt_tokens_details": null }),
            json!([]),
        ] {
            assert_eq!(chat_usage(&usage), ModelUsage::default());
            assert_eq!(messages_usage(&usage, &ModelUsage::default()), ModelUsage::default());
        }
    }

    proptest! {
        #[test]
        fn gateway_usage_survives_both_formats(counts in prop::array::uniform6(0..1_000_000_u64)) {
            let [input, read, write, long, output, reasoning] = counts.map(Some);
            let usage = ModelUsage {
                input_tokens: input,
                cache_read_tokens: read,
                cache_write_tokens: write,
                long_cache_write_tokens: long,
                output_tokens: output,
                reasoning_tokens: reasoning,
            };
            let message = messages_usage(&to_messages_usage(&usage), &ModelUsage::default());
            prop_assert_eq!(message, ModelUsage { reasoning_tokens: None, ..usage });
            let chat = chat_usage(&to_chat_usage(&usage));
            let writes = Some(write.unwrap_or(0) + long.unwrap_or(0));
            let expected =
                ModelUsage { cache_write_tokens: writes, long_cache_write_tokens: None, ..usage };
            prop_assert_eq!(chat, expected);
        }
    }
}
