//! Answers in the format of the caller: what is written must read as the same answer.

use random_connect::gateway::provider::decode::AnswerDecoder;
use random_connect::gateway::provider::frame::{ProviderEvent, ProviderFinish, RawFrame};
use random_connect::gateway::provider::request::WireFormat;
use random_connect::gateway::provider::sse::SseReader;
use random_connect::gateway::provider::write::options::WriterOptions;
use random_connect::gateway::provider::write::whole::WholeAnswer;
use random_connect::gateway::provider::write::{AnswerWriter, error_frame, to_sse};
use random_connect::kernel::clock::Timestamp;
use random_connect::kernel::model::ModelUsage;
use serde_json::{Value, json};

use super::{Collected, FORMATS, answer_to};
use crate::support::provider_stand_in::{AnswerScript, ScriptedCall, ScriptedUsage, StandInFault};

fn options(include_usage: bool) -> WriterOptions {
    let created = Timestamp::from_millis(1_795_824_000_000);
    WriterOptions { id: "7".to_owned(), created, include_usage }
}

fn rich() -> AnswerScript {
    let mut script = AnswerScript::of(["Grüße", " 東京"]);
    script.reasoning = vec!["Hm, ".into(), "two.".into()];
    let call = |id, arguments| ScriptedCall { id, name: "weather", arguments };
    script.calls =
        vec![call("call_1", vec!["{\"city\":", "\"Köln\"}"]), call("call_2", vec!["{}"])];
    script.finish = "tool_calls";
    script.cached_tokens = 1;
    script
}

fn whole_of<'a>(events: impl IntoIterator<Item = &'a ProviderEvent>) -> WholeAnswer {
    let mut whole = WholeAnswer::default();
    events.into_iter().for_each(|event| whole.add(event));
    whole.request_id = None;
    // The number is of chat completions only.
    whole.usage.reasoning_tokens = None;
    for count in [&mut whole.usage.cache_write_tokens, &mut whole.usage.long_cache_write_tokens] {
        *count = count.filter(|count| *count > 0);
    }
    whole
}

/// Reads frames as a client of their format does.
fn read(format: WireFormat, frames: &[RawFrame]) -> WholeAnswer {
    let (mut reader, mut decoder) = (SseReader::new(100_000), AnswerDecoder::new(format, None));
    let mut events = Vec::new();
    for frame in frames {
        assert_eq!(frame.format, format);
        reader.push(to_sse(frame).as_bytes()).expect("small");
        while let Some(event) = reader.next_event() {
            events.extend(decoder.decode(event).expect("no error").0.events);
        }
    }
    whole_of(&events)
}

fn write(format: WireFormat, include_usage: bool, answer: &Collected) -> Vec<RawFrame> {
    let mut writer = AnswerWriter::new(format, options(include_usage));
    answer.frames.iter().flat_map(|frame| writer.write(frame.clone())).collect()
}

#[tokio::test]
async fn gateway_writer_gives_every_caller_the_same_answer() {
    for from in FORMATS {
        for to in FORMATS {
            for script in [rich(), rich().fault(StandInFault::Whole)] {
                let answer = answer_to(from, script).await;
                let expected = whole_of(answer.events());
                assert!(expected.text == "Grüße 東京" && expected.calls.len() == 2);
                let frames = write(to, true, &answer);
                assert!(read(to, &frames) == expected, "{from:?} to {to:?}: {frames:?}");
                let json = expected.to_json(to, &options(true)).to_string();
                let whole = AnswerDecoder::new(to, None).decode_whole(json).expect("an answer");
                assert!(whole_of(&whole.events) == expected, "{from:?} to {to:?} in one piece");
            }
        }
    }
}

#[tokio::test]
async fn gateway_writer_passes_frames_of_the_same_format_unchanged() {
    for format in FORMATS {
        let answer = answer_to(format, AnswerScript::with(StandInFault::UnknownEvents)).await;
        let raw: Vec<_> = answer.frames.iter().filter_map(|frame| frame.raw.clone()).collect();
        assert_eq!(write(format, true, &answer), raw);
    }
}

#[tokio::test]
async fn gateway_writer_hides_a_usage_that_the_caller_did_not_ask_for() {
    for from in FORMATS {
        for usage in [ScriptedUsage::Last, ScriptedUsage::NullChoices] {
            let answer = answer_to(from, AnswerScript::of(["a"]).usage(usage)).await;
            for (include_usage, expected) in [(false, 0), (true, 1)] {
                let frames = write(WireFormat::Chat, include_usage, &answer);
                let with_usage = frames.iter().filter(|frame| {
                    let data: Value = serde_json::from_str(&frame.data).unwrap_or_default();
                    data["usage"].is_object()
                });
                assert_eq!(with_usage.count(), expected, "{from:?}");
                assert_eq!(frames.last().map(|frame| &*frame.data), Some("[DONE]"));
            }
        }
    }
}

#[test]
fn gateway_writer_opens_one_block_of_messages_at_a_time() {
    let mut writer = AnswerWriter::new(WireFormat::Messages, options(false));
    let call = |index, id: Option<&str>, arguments: &str| ProviderEvent::ToolCall {
        index,
        id: id.map(str::to_owned),
        name: id.map(|_| "weather".to_owned()),
        arguments: arguments.to_owned(),
    };
    let usage = ModelUsage { output_tokens: Some(3), ..ModelUsage::default() };
    let events = vec![
        ProviderEvent::Started { model: "m".into(), request_id: None },
        ProviderEvent::Text("a".into()),
        ProviderEvent::Text("b".into()),
        call(0, Some("x"), ""),
        call(0, None, "{}"),
        call(1, Some("y"), "{}"),
        ProviderEvent::Text("c".into()),
        ProviderEvent::Usage(usage),
        ProviderEvent::Finished { reason: ProviderFinish::Length },
    ];
    let frame =
        random_connect::gateway::provider::frame::ProviderFrame { events, ..Default::default() };
    let frames = writer.write(frame);
    let names: Vec<_> =
        frames.iter().map(|frame| frame.event.as_deref().expect("a name")).collect();
    let block = ["content_block_start", "content_block_delta", "content_block_stop"];
    let mut expected = vec!["message_start", block[0], block[1], block[1], block[2]];
    for _ in 0..3 {
        expected.extend(block);
    }
    expected.extend(["message_delta", "message_stop"]);
    assert_eq!(names, expected);
    let last: Value = serde_json::from_str(&frames[frames.len() - 2].data).expect("JSON");
    assert_eq!(last["delta"]["stop_reason"], json!("max_tokens"));
    assert_eq!(last["usage"]["output_tokens"], json!(3));
}

#[test]
fn gateway_writer_wraps_arguments_of_messages_that_are_no_object() {
    for (arguments, input) in [
        ("", json!({})),
        ("{\"path\":\"/a\"}", json!({ "path": "/a" })),
        ("{\"path\":\"/a", json!({ "INVALID_JSON": "{\"path\":\"/a" })),
        ("[1]", json!({ "INVALID_JSON": "[1]" })),
    ] {
        let call = ProviderEvent::ToolCall {
            index: 0,
            id: Some("x".to_owned()),
            name: Some("read".to_owned()),
            arguments: arguments.to_owned(),
        };
        let json = whole_of([&call]).to_json(WireFormat::Messages, &options(false));
        assert_eq!(json["content"][0]["input"], input, "{arguments}");
    }
}

#[test]
fn gateway_writer_of_an_error_is_read_as_an_error() {
    for format in FORMATS {
        let frame = error_frame(format, "api_error", "STREAM_BROKEN", "The answer was cut.");
        let (mut reader, mut decoder) = (SseReader::new(1_000), AnswerDecoder::new(format, None));
        reader.push(to_sse(&frame).as_bytes()).expect("small");
        let error = decoder.decode(reader.next_event().expect("an event")).expect_err("an error");
        assert_eq!(error.message.expose(), "The answer was cut.");
    }
}
