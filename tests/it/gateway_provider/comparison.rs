//! Complaints about other gateways that an adapter causes, each with its source and the test that would show it here.
//!
//! The list is checked: each named test must exist. To add one, add a row, and a test that fails without the behavior.

use std::fs;
use std::path::Path;

/// The complaint, where users report it, and the tests.
const ROWS: &[(&str, &str, &[&str])] = &[
    (
        "a cancelled request runs on at the provider",
        "BerriAI/litellm#17364, kortix-ai/suna PR#4821",
        &["gateway_provider_request_is_cancelled_when_its_stream_is_dropped"],
    ),
    (
        "a cached token is counted twice, or as input",
        "BerriAI/litellm#9812, maximhq/bifrost#3451, crewAIInc/crewAI#6768",
        &[
            "gateway_provider_counts_cached_tokens_once",
            "gateway_usage_of_the_cache_is_counted_once",
        ],
    ),
    (
        "cumulative usage is added up",
        "tensorzero/tensorzero#5481",
        &[
            "gateway_provider_replaces_the_usage_of_each_delta",
            "gateway_provider_streams_text_usage_and_finish",
        ],
    ),
    (
        "a stream has no usage",
        "Portkey-AI/gateway#691, #1180, #1259, vercel/ai#17326",
        &[
            "gateway_provider_sends_unknown_fields_and_the_fields_of_the_gateway",
            "gateway_provider_usage_comes_before_the_finish",
            "gateway_provider_accepts_null_choices_in_the_chunk_with_the_usage",
        ],
    ),
    (
        "a character that is cut between chunks becomes U+FFFD, or ends the stream",
        "api7/aisix#111, xberg-io/liter-llm#152, katanemo/plano#980, astrid-runtime/astrid#171",
        &[
            "gateway_provider_bytes_that_are_split_everywhere_change_nothing",
            "gateway_provider_recorded_streams_do_not_depend_on_their_cuts",
        ],
    ),
    (
        "an event that is cut between chunks is lost",
        "graniet/llm PR#90",
        &["gateway_sse_events_do_not_depend_on_the_cuts"],
    ),
    (
        "an overload as an event after HTTP 200 is not retried",
        "tailcallhq/forgecode PR#2595, ax-llm/ax PR#556, BerriAI/litellm PR#38153",
        &["gateway_provider_error_inside_a_stream_has_its_class"],
    ),
    (
        "an error object inside a stream is swallowed",
        "BerriAI/litellm#25492",
        &["gateway_provider_error_inside_a_stream_has_its_class"],
    ),
    (
        "a pause that the provider asks for is ignored, or obeyed for days",
        "superagent-ai/superagent#1145, stacklok/mecatl#89, can1357/oh-my-pi#12421",
        &[
            "gateway_retry_after_is_read_in_each_dialect",
            "gateway_retry_after_is_between_a_second_and_five_minutes",
            "gateway_provider_refusal_has_class_status_pause_and_id",
        ],
    ),
    (
        "only a 429 with a header is a throttling",
        "agentgateway/agentgateway#1500",
        &["gateway_provider_error_of_the_quota_is_no_throttling"],
    ),
    (
        "an empty account is retried, or taken for a caller's mistake",
        "BerriAI/litellm PR#23091, TracecatHQ/tracecat PR#3538",
        &[
            "gateway_provider_error_about_credit_is_one_of_the_account",
            "gateway_provider_error_of_the_quota_is_no_throttling",
        ],
    ),
    (
        "one caller's mistake locks the credential for all",
        "BerriAI/litellm PR#17464, PR#16092",
        &[
            "gateway_provider_error_has_the_class_of_its_status_or_code",
            "gateway_provider_error_that_quotes_the_caller_has_no_class_of_the_quotation",
        ],
    ),
    (
        "a stream hangs without a limit, or comments extend it",
        "2389-research/tracker#575, microsoft/amplifier#339, anomalyco/opencode#43519",
        &[
            "gateway_provider_stream_that_stalls_or_only_pings_reaches_the_limit_of_silence",
            "gateway_provider_first_content_has_a_limit_that_pings_do_not_extend",
            "gateway_provider_answer_has_a_total_limit",
        ],
    ),
    (
        "a stream that ends without a finish counts as complete",
        "the table of the package llmock: openai 3.18, anthropic 1.8",
        &[
            "gateway_provider_stream_without_an_end_is_truncated",
            "gateway_provider_recorded_streams_have_no_finish_before_their_end",
        ],
    ),
    (
        "a stream that ended well is taken for a disconnect",
        "BerriAI/litellm PR#30527",
        &["gateway_provider_stream_that_ends_after_its_finish_is_complete"],
    ),
    (
        "a price is that of the model that was asked for, not of the one that answers",
        "BerriAI/litellm#8810, earendil-works/pi#8285",
        &["gateway_provider_streams_text_usage_and_finish"],
    ),
];

fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).expect("readable"));
        }
    }
}

#[test]
fn gateway_provider_has_a_test_for_each_complaint_about_others() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    sources(&root.join("src/gateway/provider"), &mut text);
    sources(&root.join("tests/it/gateway_provider"), &mut text);
    for (complaint, source, tests) in ROWS {
        assert!(!source.is_empty() && !tests.is_empty(), "{complaint}");
        for test in *tests {
            assert!(text.contains(&format!("fn {test}(")), "{complaint}: {test} does not exist");
        }
    }
}
