//! [`SseReader`]: reads server-sent events from bytes that may be cut anywhere.
//!
//! The format is that of the HTML standard, section 9.2. `id` and `retry` are ignored, because a request to a model is
//! never repeated by its reader. An event that the end of the stream cuts is dropped, as the standard says.

use std::collections::VecDeque;

use memchr::memchr2;
use thiserror::Error;

/// An event of a stream.
#[derive(Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// The name of the event, if it has one.
    pub event: Option<String>,
    /// The lines of data, joined by line feeds. Never empty.
    pub data: String,
}

/// An event is larger than its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an event of the stream is too large")]
pub struct SseEventTooLarge;

/// Reads events. Give it bytes with [`Self::push`], and take the events that they complete with [`Self::next_event`].
pub struct SseReader {
    max_bytes: usize,
    /// The bytes of an incomplete line.
    line: Vec<u8>,
    /// The event so far.
    event: Option<String>,
    data: Option<Vec<u8>>,
    /// The last byte was a carriage return, so that a line feed after it ends no line.
    after_return: bool,
    /// No line was read yet, so that the first may begin with a byte order mark.
    is_first_line: bool,
    complete: VecDeque<SseEvent>,
}

impl SseReader {
    /// `max_bytes` limits the size of a line, and that of the data of an event.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            line: Vec::new(),
            event: None,
            data: None,
            after_return: false,
            is_first_line: true,
            complete: VecDeque::new(),
        }
    }

    /// Reads the next bytes of the stream.
    ///
    /// # Errors
    /// Returns an error if an event exceeds its limit. The reader must not be used after it.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), SseEventTooLarge> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_return)
                && let Some(rest) = bytes.strip_prefix(b"\n")
            {
                bytes = rest;
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', bytes) else {
                self.check(self.line.len() + bytes.len())?;
                self.line.extend_from_slice(bytes);
                return Ok(());
            };
            let (part, rest) = bytes.split_at(end);
            self.check(self.line.len() + part.len())?;
            self.after_return = rest.starts_with(b"\r");
            bytes = rest.get(1..).unwrap_or_default();
            if self.line.is_empty() {
                self.end_line(part)?;
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(part);
                self.end_line(&line)?;
                line.clear();
                self.line = line;
            }
        }
        Ok(())
    }

    /// Takes the oldest complete event.
    pub fn next_event(&mut self) -> Option<SseEvent> {
        self.complete.pop_front()
    }

    const fn check(&self, bytes: usize) -> Result<(), SseEventTooLarge> {
        if bytes > self.max_bytes { Err(SseEventTooLarge) } else { Ok(()) }
    }

    fn end_line(&mut self, line: &[u8]) -> Result<(), SseEventTooLarge> {
        let mut line = line;
        if std::mem::take(&mut self.is_first_line) {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        if line.is_empty() {
            self.end_event();
            return Ok(());
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => line.split_at(colon),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                let size = self.data.as_ref().map_or(0, Vec::len) + value.len() + 1;
                self.check(size)?;
                match &mut self.data {
                    Some(data) => {
                        data.push(b'\n');
                        data.extend_from_slice(value);
                    }
                    none => *none = Some(value.to_vec()),
                }
            }
            b"event" => self.event = Some(text(value.to_vec())),
            // Comments, `id`, `retry` and unknown fields.
            _ => {}
        }
        Ok(())
    }

    fn end_event(&mut self) {
        let event = self.event.take().filter(|event| !event.is_empty());
        let Some(data) = self.data.take().filter(|data| !data.is_empty()) else { return };
        self.complete.push_back(SseEvent { event, data: text(data) });
    }
}

/// Decodes a whole field, so that no cut can be inside a character.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = "\u{feff}: hello\r\ndata: {\"a\":\"é😀\"}\n\nevent: ping\rdata:x\r\rid: 7\nretry: 9\ndata\n\n\
                          data: one\r\ndata:  two\r\n\r\nevent:late\n\ndata: 水\nevent: last\n\ndata: cut";

    fn read<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<(Option<String>, String)> {
        let (mut reader, mut events) = (SseReader::new(1_000), Vec::new());
        for part in parts {
            reader.push(part).expect("small events");
            while let Some(SseEvent { event, data }) = reader.next_event() {
                events.push((event, data));
            }
        }
        events
    }

    fn expected() -> Vec<(Option<String>, String)> {
        [(None, "{\"a\":\"é😀\"}"), (Some("ping"), "x"), (None, "one\n two"), (Some("last"), "水")]
            .map(|(event, data)| (event.map(str::to_owned), data.to_owned()))
            .into()
    }

    #[test]
    fn gateway_sse_events_are_the_same_in_one_piece_and_byte_by_byte() {
        assert_eq!(read([STREAM.as_bytes()]), expected());
        assert_eq!(read(STREAM.as_bytes().chunks(1)), expected());
    }

    #[test]
    fn gateway_sse_event_has_a_limit() {
        let mut reader = SseReader::new(10);
        assert_eq!(reader.push(b"data: 0123456789"), Err(SseEventTooLarge));
        let mut reader = SseReader::new(10);
        assert_eq!(reader.push(b": 01234\ndata: 01"), Ok(()));
        assert_eq!(reader.push(b"23\ndata:4567\ndata:89\n"), Err(SseEventTooLarge));
    }

    proptest! {
        #[test]
        fn gateway_sse_events_do_not_depend_on_the_cuts(
            cuts in prop::collection::vec(0..STREAM.len(), 0..12),
        ) {
            let mut cuts = cuts;
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let parts = cuts.windows(2).map(|cut| &STREAM.as_bytes()[cut[0]..cut[1]]);
            prop_assert_eq!(read(parts), expected());
        }
    }
}
