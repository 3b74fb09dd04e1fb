//! The masker as a filter: lines or JSON lines in, the same with numbers hidden out.
//!
//! What lives here: reading, writing and line ends. What must not: what is hidden. To add a
//! format: a function beside [`lines`] and [`jsonl`] with a test of its own.

use std::io::{self, BufRead, BufReader, Read, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::{Masked, Memory, explain, mask, mask_next};

/// The most bytes of a line that are read at once; a longer line is masked in pieces, cut at a
/// space where there is one.
const MAX_LINE_CHUNK: usize = 1 << 20;

/// Why the filter stopped.
#[derive(Debug, Error)]
pub enum FilterError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("line {0}: expected a JSON object with an \"id\" and either \"text\" or \"messages\"")]
    Row(usize),
}

/// Masks plain text line by line. Line ends, also missing ones, and bytes that are no UTF-8 stay
/// as they are.
///
/// # Errors
/// When reading or writing fails.
pub fn lines(input: impl Read, output: impl Write) -> Result<(), FilterError> {
    each_line(input, output, |output, _, line| {
        for part in line.utf8_chunks() {
            output.write_all(mask(part.valid()).as_str().as_bytes())?;
            output.write_all(part.invalid())?;
        }
        Ok(())
    })
}

/// Tells what [`lines`] would hide: per finding the line (from 1), its bytes within the line (from
/// 0, the end excluded), the rule and the text, parted by tabs; the text is quoted and escaped.
///
/// # Errors
/// When reading or writing fails.
pub fn lines_explained(input: impl Read, output: impl Write) -> Result<(), FilterError> {
    each_line(input, output, |output, number, line| {
        let mut from = 0;
        for part in line.utf8_chunks() {
            for finding in explain(part.valid()) {
                let (start, end) = (finding.range.start, finding.range.end);
                let text = &part.valid()[finding.range];
                let rule = finding.rule;
                writeln!(output, "{number}\t{}-{}\t{rule}\t{text:?}", from + start, from + end)?;
            }
            from += part.valid().len() + part.invalid().len();
        }
        Ok(())
    })
}

/// Calls `take` with the output, the number (from 1) and the bytes of each line or piece of one,
/// line end included. The output is flushed whenever the input may keep us waiting.
fn each_line<W: Write>(
    input: impl Read,
    mut output: W,
    mut take: impl FnMut(&mut W, usize, &[u8]) -> io::Result<()>,
) -> Result<(), FilterError> {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    let mut number = 1;
    loop {
        if input.buffer().is_empty() {
            output.flush()?;
        }
        let room = MAX_LINE_CHUNK - line.len().min(MAX_LINE_CHUNK - 1);
        let read = input.by_ref().take(room as u64).read_until(b'\n', &mut line)?;
        let whole = read == 0 || line.ends_with(b"\n");
        if line.is_empty() {
            return Ok(output.flush()?);
        }
        if !whole && line.len() < MAX_LINE_CHUNK {
            continue;
        }
        let end = if whole { line.len() } else { cut(&line) };
        take(&mut output, number, &line[..end])?;
        number += usize::from(line[..end].ends_with(b"\n"));
        line.drain(..end);
    }
}

/// Where to cut a piece: behind its last space, else before its last unfinished character.
fn cut(piece: &[u8]) -> usize {
    let space = piece.iter().rposition(u8::is_ascii_whitespace).map(|at| at + 1);
    let character = piece.iter().rposition(|byte| !(0x80..0xc0).contains(byte));
    space.or(character.filter(|at| *at > 0)).unwrap_or(piece.len())
}

/// One input row: a text, or the messages of one sender in order.
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
/// `{"id","masked":[…]}`, each message with the memory of those before it in its row. Other
/// members are ignored, blank lines are skipped.
///
/// # Errors
/// When reading or writing fails, or a line is no such object (the line is named, not quoted).
pub fn jsonl(input: impl Read, mut output: impl Write) -> Result<(), FilterError> {
    let mut input = BufReader::new(input);
    let mut line = String::new();
    for number in 1.. {
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
        let row: InputRow = serde_json::from_str(&line).map_err(|_| FilterError::Row(number))?;
        match row.content {
            RowContent::Text(text) => write_row(&mut output, row.id, mask(&text).as_str())?,
            RowContent::Messages(all) => {
                let masked = conversation(&all);
                let shown: Vec<_> = masked.iter().map(Masked::as_str).collect();
                write_row(&mut output, row.id, shown)?;
            }
        }
    }
    Ok(output.flush()?)
}

/// Masks one sender's messages in order.
fn conversation(messages: &[String]) -> Vec<Masked> {
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
        lines(input, &mut output).expect("masked");
        output
    }

    fn run_jsonl(input: &str) -> Result<String, FilterError> {
        let mut output = Vec::new();
        jsonl(input.as_bytes(), &mut output)?;
        Ok(String::from_utf8(output).expect("the filter writes UTF-8"))
    }

    #[test]
    fn filter_keeps_line_ends() {
        let shown = run_lines(b"a 9876543210\r\nb\n\nc +919876543210");
        assert_eq!(shown, b"a [hidden]\r\nb\n\nc [hidden]");
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
        lines_explained("hi\n\u{e9} 9876543210 a@b.org\n".as_bytes(), &mut output).expect("told");
        let told = String::from_utf8(output).expect("UTF-8");
        assert_eq!(told, "2\t3-13\tnational\t\"9876543210\"\n2\t14-21\temail\t\"a@b.org\"\n");
    }

    #[test]
    fn filter_jsonl_masks_text_and_messages() {
        let shown = run_jsonl(concat!(
            "{\"id\":1,\"text\":\"9876543210\",\"extra\":true}\n\n",
            "{\"id\":\"b\",\"messages\":[\"hi\",\"98765\",\"43210\"]}\n",
            "{\"id\":\"c\",\"messages\":[\"43210\"]}\n",
        ));
        let expected = concat!(
            "{\"id\":1,\"masked\":\"[hidden]\"}\n",
            "{\"id\":\"b\",\"masked\":[\"hi\",\"98765\",\"[hidden]\"]}\n",
            "{\"id\":\"c\",\"masked\":[\"43210\"]}\n",
        );
        assert_eq!(shown.expect("masked"), expected);
    }

    #[test]
    fn filter_jsonl_error_names_the_line_only() {
        let error = run_jsonl("{\"id\":1,\"text\":\"x\"}\n{\"secret\":1}\n").expect_err("refused");
        assert!(error.to_string().starts_with("line 2:"));
        assert!(!error.to_string().contains("secret"));
    }
}
