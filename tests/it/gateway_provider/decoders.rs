//! Recorded streams: the events must not depend on where the network cuts the bytes.

use proptest::prelude::*;
use random_connect::gateway::provider::decode::AnswerDecoder;
use random_connect::gateway::provider::error::ProviderError;
use random_connect::gateway::provider::frame::{ProviderEvent, ProviderFinish, ProviderFrame};
use random_connect::gateway::provider::request::WireFormat;
use random_connect::gateway::provider::sse::SseReader;

const CHAT: &str = include_str!("recorded/chat.txt");
const MESSAGES: &str = include_str!("recorded/messages.txt");

const RECORDED: [(WireFormat, &str); 2] =
    [(WireFormat::Chat, CHAT), (WireFormat::Messages, MESSAGES)];

fn decode<'a>(
    format: WireFormat,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<ProviderFrame>, ProviderError> {
    let (mut reader, mut decoder) = (SseReader::new(100_000), AnswerDecoder::new(format, None));
    let mut frames = Vec::new();
    for part in parts {
        reader.push(part).expect("small events");
        while let Some(event) = reader.next_event() {
            frames.push(decoder.decode(event)?.0);
        }
    }
    Ok(frames)
}

/// Text, reasoning, arguments of each call, and the finish.
fn summary(frames: &[ProviderFrame]) -> (String, String, Vec<String>, Option<ProviderFinish>) {
    let (mut text, mut reasoning) = (String::new(), String::new());
    let (mut calls, mut finish) = (Vec::<String>::new(), None);
    for event in frames.iter().flat_map(|frame| &frame.events) {
        match event {
            ProviderEvent::Text(part) => text.push_str(part),
            ProviderEvent::Reasoning(part) => reasoning.push_str(part),
            ProviderEvent::ToolCall { index, id, name, arguments } => {
                let index = usize::try_from(*index).expect("small");
                assert_eq!(id.is_some(), index == calls.len(), "an id in the first piece only");
                assert_eq!(id.is_some(), name.is_some());
                if id.is_some() {
                    calls.push(String::new());
                }
                calls[index].push_str(arguments);
            }
            ProviderEvent::Finished { reason } => finish = Some(*reason),
            ProviderEvent::Started { .. } | ProviderEvent::Usage(_) => {}
        }
    }
    (text, reasoning, calls, finish)
}

#[test]
fn gateway_provider_decodes_the_recorded_streams() {
    for (format, stream) in RECORDED {
        let frames = decode(format, [stream.as_bytes()]).expect("no error");
        let (text, reasoning, calls, finish) = summary(&frames);
        assert_eq!(text, "Naïve café 🗼: 東京");
        assert_eq!(reasoning, "Two calls, déjà vu.");
        assert_eq!(calls, ["{\"city\":\"Köln\"}", "{\"city\":\"東京\"}"]);
        assert_eq!(finish, Some(ProviderFinish::ToolCalls));
    }
}

#[test]
fn gateway_provider_recorded_streams_byte_by_byte_have_the_same_frames() {
    for (format, stream) in RECORDED {
        let whole = decode(format, [stream.as_bytes()]).expect("no error");
        assert_eq!(decode(format, stream.as_bytes().chunks(1)), Ok(whole));
    }
}

#[test]
fn gateway_provider_recorded_streams_have_no_finish_before_their_end() {
    for (format, stream) in RECORDED {
        for end in 0..stream.trim_end().len() {
            let frames = decode(format, [&stream.as_bytes()[..end]]).expect("no error");
            assert_eq!(summary(&frames).3, None, "after {end} bytes");
        }
    }
}

proptest! {
    #[test]
    fn gateway_provider_recorded_streams_do_not_depend_on_their_cuts(
        seed in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        crlf in any::<bool>(),
    ) {
        for (format, stream) in RECORDED {
            let whole = decode(format, [stream.as_bytes()]).expect("no error");
            let stream = if crlf { stream.replace('\n', "\r\n") } else { stream.to_owned() };
            let bytes = stream.as_bytes();
            let mut cuts: Vec<_> = seed.iter().map(|cut| cut.index(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let parts = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
            prop_assert_eq!(decode(format, parts), Ok(whole));
        }
    }

    #[test]
    fn gateway_provider_decoders_never_panic(data in "[ -~\u{e9}]{0,60}", event in "[a-z_]{0,12}") {
        for format in [WireFormat::Chat, WireFormat::Messages] {
            let text = format!("event: {event}\ndata: {data}\n\ndata: {{\"choices\":{data}}}\n\n");
            let _ = decode(format, [text.as_bytes()]);
            let _ = AnswerDecoder::new(format, None).decode_whole(data.clone());
        }
    }
}
