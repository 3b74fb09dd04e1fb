//! [`AnswerScript`]: the answer to one request, with its faults.

use std::collections::VecDeque;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::tokens::count_tokens;

/// A call of a tool, whose arguments come in pieces.
#[derive(Clone)]
pub(crate) struct ScriptedCall {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) arguments: Vec<&'static str>,
}

/// When a stream has its usage. `Last` is that of the vendors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScriptedUsage {
    Last,
    /// In an event with `choices: null`, as some compatible servers do.
    NullChoices,
    /// Totals in each event, as some compatible servers do.
    EachDelta,
    /// After a pause behind the finish.
    Late(Duration),
    /// Present, but with null in each field.
    Nulls,
    /// Present, but with 0 in each field, as servers that do not count write it.
    Zeros,
    Never,
}

#[derive(Clone)]
pub(crate) enum StandInFault {
    /// An answer with this status and these headers.
    Status {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Value,
    },
    /// An error in the stream, after this number of deltas.
    ErrorAfter {
        deltas: usize,
        error: Value,
    },
    /// Each byte of the stream is written on its own.
    SplitBytes,
    /// Comments without end, after this number of deltas.
    CommentsAfter(usize),
    /// Pings without end, after this number of deltas.
    PingsAfter(usize),
    /// The stream ends as if it were complete, after this number of deltas.
    TruncateAfter(usize),
    /// The stream pauses without end, after this number of deltas.
    StallAfter(usize),
    /// The connection closes without the end of the body, after this number of deltas.
    DisconnectAfter(usize),
    SlowHeaders(Duration),
    SlowFirstToken(Duration),
    /// Events and fields of no known version.
    UnknownEvents,
    /// No `[DONE]` or `message_stop`.
    NoEnd,
    /// No data after the finish, but the connection stays open.
    HangAfterFinish,
    /// A pause between the end of the answer and the end of its bytes.
    LateEnd(Duration),
    /// One JSON, although a stream was asked for.
    Whole,
    /// An event with no JSON, after this number of deltas.
    BrokenJson(usize),
}

/// The answer to one request.
#[derive(Clone)]
pub(crate) struct AnswerScript {
    pub(crate) deltas: Vec<String>,
    pub(crate) reasoning: Vec<String>,
    pub(crate) calls: Vec<ScriptedCall>,
    /// `stop`, `length`, `tool_calls`, `content_filter`; converted for messages.
    pub(crate) finish: &'static str,
    pub(crate) usage: ScriptedUsage,
    /// Part of the input that comes from the cache.
    pub(crate) cached_tokens: u64,
    /// Pause before each delta.
    pub(crate) pace: Duration,
    pub(crate) faults: Vec<StandInFault>,
}

impl AnswerScript {
    /// An answer of these pieces of text.
    pub(crate) fn of<'a>(deltas: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            deltas: deltas.into_iter().map(str::to_owned).collect(),
            reasoning: Vec::new(),
            calls: Vec::new(),
            finish: "stop",
            usage: ScriptedUsage::Last,
            cached_tokens: 0,
            pace: Duration::ZERO,
            faults: Vec::new(),
        }
    }

    /// A plain answer with a fault.
    pub(crate) fn with(fault: StandInFault) -> Self {
        let mut script = Self::of(["Hello", ", ", "world", "."]);
        script.faults.push(fault);
        script
    }

    pub(crate) fn usage(mut self, usage: ScriptedUsage) -> Self {
        self.usage = usage;
        self
    }

    pub(crate) fn fault(mut self, fault: StandInFault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Returns the first value that `pick` finds in a fault.
    pub(super) fn find<T>(&self, pick: impl Fn(&StandInFault) -> Option<T>) -> Option<T> {
        self.faults.iter().find_map(pick)
    }

    pub(super) fn headers_pause(&self) -> Option<Duration> {
        self.find(|fault| match fault {
            StandInFault::SlowHeaders(pause) => Some(*pause),
            _ => None,
        })
    }

    pub(super) fn refusal(&self) -> Option<(u16, HeaderMap, Value)> {
        self.find(|fault| match fault {
            StandInFault::Status { status, headers, body } => {
                let headers = headers.iter().map(|(name, value)| {
                    let value = HeaderValue::from_str(value).expect("a value of a header");
                    (HeaderName::from_static(name), value)
                });
                Some((*status, headers.collect(), body.clone()))
            }
            _ => None,
        })
    }

    pub(super) fn answers_whole(&self) -> bool {
        self.has(|fault| matches!(fault, StandInFault::Whole))
    }

    pub(super) fn has(&self, is: impl Fn(&StandInFault) -> bool) -> bool {
        self.faults.iter().any(is)
    }

    /// The tokens of the whole answer, and the part of it that is reasoning.
    pub(super) fn output(&self) -> (u64, u64) {
        let count = |texts: &[String]| texts.iter().map(|text| count_tokens(text)).sum::<u64>();
        let calls = self.calls.iter().map(ScriptedCall::tokens).sum::<u64>();
        let reasoning = count(&self.reasoning);
        (count(&self.deltas) + reasoning + calls, reasoning)
    }
}

impl ScriptedCall {
    pub(super) fn tokens(&self) -> u64 {
        count_tokens(self.name) + count_tokens(&self.arguments.concat())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StandInFormat {
    Chat,
    Messages,
}

impl StandInFormat {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
        }
    }

    pub(super) const fn id_header(self) -> &'static str {
        match self {
            Self::Chat => "x-request-id",
            Self::Messages => "request-id",
        }
    }

    pub(super) fn key(self, headers: &HeaderMap) -> String {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let key = match self {
            Self::Chat => text("authorization").and_then(|value| value.strip_prefix("Bearer ")),
            Self::Messages => text("x-api-key"),
        };
        key.unwrap_or_default().to_owned()
    }
}

/// A step of a stream.
pub(super) enum PlayedStep {
    /// Bytes, the tokens that they hold, and whether the caller can read the usage in them.
    Data {
        bytes: Vec<u8>,
        output: u64,
        has_usage: bool,
    },
    Wait(Duration),
    Hang,
    Disconnect,
}

/// Collects the steps of a stream, and puts the faults in.
pub(super) struct Steps<'a> {
    script: &'a AnswerScript,
    ping: &'static str,
    queue: VecDeque<PlayedStep>,
    deltas: usize,
    /// The faults have ended the stream.
    is_over: bool,
}

/// The number of comments or pings "without end". A test's limits are far shorter.
const ENDLESS: usize = 2_000;
const ENDLESS_PAUSE: Duration = Duration::from_millis(5);

impl<'a> Steps<'a> {
    pub(super) fn new(script: &'a AnswerScript, ping: &'static str) -> Self {
        Self { script, ping, queue: VecDeque::new(), deltas: 0, is_over: false }
    }

    pub(super) fn push(&mut self, text: &str, output: u64, has_usage: bool) {
        if self.is_over {
            return;
        }
        let bytes = text.as_bytes();
        let splits = self.script.has(|fault| matches!(fault, StandInFault::SplitBytes));
        let size = if splits { 1 } else { bytes.len() };
        let count = bytes.len().div_ceil(size.max(1));
        for (index, part) in bytes.chunks(size.max(1)).enumerate() {
            let is_last = index + 1 == count;
            self.queue.push_back(PlayedStep::Data {
                bytes: part.to_vec(),
                output: if is_last { output } else { 0 },
                has_usage: is_last && has_usage,
            });
        }
    }

    pub(super) fn wait(&mut self, pause: Duration) {
        if !self.is_over {
            self.queue.push_back(PlayedStep::Wait(pause));
        }
    }

    pub(super) fn hang(&mut self) {
        if !self.is_over {
            self.queue.push_back(PlayedStep::Hang);
            self.is_over = true;
        }
    }

    /// Adds a delta after the faults that come before it. `error` formats an error of the stream.
    pub(super) fn delta(&mut self, text: &str, output: u64, error: impl Fn(&Value) -> String) {
        self.faults(error);
        self.push(text, output, false);
        self.deltas += 1;
    }

    /// Adds the faults at this number of deltas.
    pub(super) fn faults(&mut self, error: impl Fn(&Value) -> String) {
        let deltas = self.deltas;
        for fault in &self.script.faults {
            match fault {
                StandInFault::SlowFirstToken(pause) if deltas == 0 => self.wait(*pause),
                StandInFault::ErrorAfter { deltas: after, error: body } if *after == deltas => {
                    self.push(&error(body), 0, false);
                    self.is_over = true;
                }
                StandInFault::CommentsAfter(after) if *after == deltas => {
                    self.endless(": keep-alive\n\n");
                }
                StandInFault::PingsAfter(after) if *after == deltas => self.endless(self.ping),
                StandInFault::TruncateAfter(after) if *after == deltas => self.is_over = true,
                StandInFault::StallAfter(after) if *after == deltas => self.hang(),
                StandInFault::BrokenJson(after) if *after == deltas => {
                    self.push("data: {\"choices\": [{\n\n", 0, false);
                }
                StandInFault::DisconnectAfter(after) if *after == deltas && !self.is_over => {
                    // A pause, without which the bytes before it would not be written.
                    self.wait(ENDLESS_PAUSE);
                    self.queue.push_back(PlayedStep::Disconnect);
                    self.is_over = true;
                }
                _ => {}
            }
        }
    }

    fn endless(&mut self, text: &str) {
        for _ in 0..ENDLESS {
            self.push(text, 0, false);
            self.wait(ENDLESS_PAUSE);
        }
        self.is_over = true;
    }

    pub(super) fn into_steps(mut self) -> VecDeque<PlayedStep> {
        for fault in &self.script.faults {
            if let StandInFault::LateEnd(pause) = fault {
                self.queue.push_back(PlayedStep::Wait(*pause));
            }
        }
        self.queue
    }
}
