//! The masker as a filter: [`lines`] masks plain text, [`jsonl`] masks JSON lines.
//!
//! This module reads, writes and handles line endings. It must not decide what to hide. To add a
//! format, add a function next to [`lines`] and [`jsonl`], with a test.

use std::io::{self, BufRead, BufReader, Read, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::{Masked, Memory, explain, mask, mask_next};

/// Maximum bytes of a line to mask in one step. A longer line is masked in chunks, which end at a
/// space if they contain one.
const MAX_LINE_CHUNK: usize = 1 << 20;

/// The error of a filter.
#[derive(Debug, Error)]
pub enum FilterError {
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The line, and the column where reading stopped.
    #[error(
        "line {0}, column {1}: expected a JSON object with an \"id\" and either \"text\" or \"messages\""
    )]
    Row(usize, usize),
}

/// Masks plain text line by line. Line endings, a missing last one and invalid UTF-8 are unchanged.
///
/// # Errors
/// Returns [`FilterError::Io`] if reading or writing fails.
pub fn lines(input: impl Read, output: impl Write) -> Result<(), FilterError> {
    each_line(input, output, |output, _, line| {
        for part in line.utf8_chunks() {
            output.write_all(mask(part.valid()).as_str().as_bytes())?;
            output.write_all(part.invalid())?;
        }
        Ok(())
    })
}

/// Lists the ranges that [`lines`] would hide, one finding per line.
///
/// The fields, separated by tabs, are the line (from 1), the byte range within the line (from 0,
/// end excluded), the rule and the text. The text is quoted and escaped.
///
/// # Errors
/// Returns [`FilterError::Io`] if reading or writing fails.
pub fn lines_explained(input: impl Read, output: impl Write) -> Result<(), FilterError> {
    each_line(input, output, |output, line_number, line| {
        let mut from = 0;
        for part in line.utf8_chunks() {
            for finding in explain(part.valid()) {
                let (start, end) = (finding.range.start, finding.range.end);
                let text = &part.valid()[finding.range];
                let rule = finding.rule;
                writeln!(
                    output,
                    "{line_number}\t{}-{}\t{rule}\t{text:?}",
                    from + start,
                    from + end
                )?;
            }
            from += part.valid().len() + part.invalid().len();
        }
        Ok(())
    })
}

/// Calls `write_line` with the output, the line number (from 1) and the bytes of each line or
/// chunk, including the line ending. Flushes the output before every read that may block.
fn each_line<W: Write>(
    input: impl Read,
    mut output: W,
    mut write_line: impl FnMut(&mut W, usize, &[u8]) -> io::Result<()>,
) -> Result<(), FilterError> {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    let mut line_number = 1;
    loop {
        if input.buffer().is_empty() {
            output.flush()?;
        }
        let budget = MAX_LINE_CHUNK - line.len().min(MAX_LINE_CHUNK - 1);
        let read = input.by_ref().take(budget as u64).read_until(b'\n', &mut line)?;
        let is_complete = read == 0 || line.ends_with(b"\n");
        if line.is_empty() {
            return Ok(output.flush()?);
        }
        if !is_complete && line.len() < MAX_LINE_CHUNK {
            continue;
        }
        let end = if is_complete { line.len() } else { cut(&line) };
        write_line(&mut output, line_number, &line[..end])?;
        line_number += usize::from(line[..end].ends_with(b"\n"));
        line.drain(..end);
    }
}

/// Returns the end of a chunk: after its last space, or else before its last incomplete character.
fn cut(chunk: &[u8]) -> usize {
    let space = chunk.iter().rposition(u8::is_ascii_whitespace).map(|index| index + 1);
    let character = chunk.iter().rposition(|byte| !(0x80..0xc0).contains(byte));
    space.or(character.filter(|index| *index > 0)).unwrap_or(chunk.len())
}

/// One input row: a text, or one sender's messages in order.
#[derive(Deserialize)]
struct InputRow {
    id: Value,
    #[serde(flatten)]
    content: RowContent,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RowContent {
    Text(String),
    Messages(Vec<String>),
}

#[derive(Serialize)]
struct MaskedRow<T> {
    id: Value,
    masked: T,
}

/// Masks JSON lines: `{"id","text"}` becomes `{"id","masked"}`, `{"id","messages":[…]}` becomes
/// `{"id","masked":[…]}`.
///
/// Each message is masked with the memory of the messages before it in its row. Other members are
/// ignored, and blank lines are skipped.
///
/// # Errors
/// Returns [`FilterError::Io`] if reading or writing fails. Returns [`FilterError::Row`] if a line
/// is not such an object; the error contains the line number, but not the line.
pub fn jsonl(input: impl Read, mut output: impl Write) -> Result<(), FilterError> {
    let mut input = BufReader::new(input);
    let mut line = String::new();
    for line_number in 1.. {
        if input.buffer().is_empty() {
            output.flush()?;
        }
        line.clear();
        if input.read_line(&mut line)? == 0 {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        let row: InputRow = serde_json::from_str(&line)
            .map_err(|error| FilterError::Row(line_number, error.column()))?;
        match row.content {
            RowContent::Text(text) => write_row(&mut output, row.id, mask(&text).as_str())?,
            RowContent::Messages(messages) => {
                let masked = mask_messages(&messages);
                let texts: Vec<_> = masked.iter().map(Masked::as_str).collect();
                write_row(&mut output, row.id, texts)?;
            }
        }
    }
    Ok(output.flush()?)
}

/// Masks one sender's messages in order.
fn mask_messages(messages: &[String]) -> Vec<Masked> {
    let mut memory = Memory::default();
    let next = |text: &String| {
        let (masked, next) = mask_next(text, &memory);
        memory = next;
        masked
    };
    messages.iter().map(next).collect()
}

fn write_row(output: &mut impl Write, id: Value, masked: impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, &MaskedRow { id, masked })?;
    output.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_lines(input: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        lines(input, &mut output).expect("the filter succeeds");
        output
    }

    fn run_jsonl(input: &str) -> Result<String, FilterError> {
        let mut output = Vec::new();
        jsonl(input.as_bytes(), &mut output)?;
        Ok(String::from_utf8(output).expect("the filter writes UTF-8"))
    }

    #[test]
    fn filter_keeps_line_ends() {
        let output = run_lines(b"a 9876543210\r\nb\n\nc +919876543210");
        assert_eq!(output, b"a [hidden]\r\nb\n\nc [hidden]");
    }

    #[test]
    fn filter_passes_invalid_utf8_through() {
        assert_eq!(
            run_lines(b"\xff 9876543210 \xc3\nok\xe0\xa4"),
            b"\xff [hidden] \xc3\nok\xe0\xa4"
        );
    }

    #[test]
    fn filter_handles_lines_of_any_length() {
        let long = "été ".repeat(MAX_LINE_CHUNK / 2);
        assert_eq!(run_lines(long.as_bytes()), long.as_bytes());
        let unbroken = "é".repeat(MAX_LINE_CHUNK);
        assert_eq!(run_lines(unbroken.as_bytes()), unbroken.as_bytes());
        let hidden = [&"x ".repeat(MAX_LINE_CHUNK / 2), "9876543210\nb"].concat();
        assert!(run_lines(hidden.as_bytes()).ends_with(b"x [hidden]\nb"));
    }

    #[test]
    fn filter_explain_prints_line_range_rule_and_text() {
        let mut output = Vec::new();
        lines_explained("hi\n\u{e9} 9876543210 a@b.org\n".as_bytes(), &mut output)
            .expect("the filter succeeds");
        let explained = String::from_utf8(output).expect("the filter writes UTF-8");
        assert_eq!(explained, "2\t3-13\tnational\t\"9876543210\"\n2\t14-21\temail\t\"a@b.org\"\n");
    }

    #[test]
    fn filter_jsonl_masks_text_and_messages() {
        let output = run_jsonl(concat!(
            "{\"id\":1,\"text\":\"9876543210\",\"extra\":true}\n\n",
            "{\"id\":\"b\",\"messages\":[\"hi\",\"98765\",\"43210\"]}\n",
            "{\"id\":\"c\",\"messages\":[\"43210\"]}\n",
        ));
        let expected = concat!(
            "{\"id\":1,\"masked\":\"[hidden]\"}\n",
            "{\"id\":\"b\",\"masked\":[\"hi\",\"98765\",\"[hidden]\"]}\n",
            "{\"id\":\"c\",\"masked\":[\"43210\"]}\n",
        );
        assert_eq!(output.expect("the filter succeeds"), expected);
    }

    #[test]
    fn filter_jsonl_error_names_the_line_only() {
        let error = run_jsonl("{\"id\":1,\"text\":\"x\"}\n{\"secret\":1}\n")
            .expect_err("the second row is invalid");
        assert!(error.to_string().starts_with("line 2, column 12:"), "{error}");
        assert!(!error.to_string().contains("secret"));
    }
}
