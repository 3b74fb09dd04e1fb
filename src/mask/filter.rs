//! The masker as a filter: lines or JSON lines in, the same with numbers hidden out.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::{Memory, mask, mask_next};

/// Why the filter stopped.
#[derive(Debug, Error)]
pub enum FilterError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("line {0}: expected a JSON object with an \"id\" and either \"text\" or \"messages\"")]
    Row(usize),
}

/// Masks plain text line by line; line ends stay as they are.
///
/// # Errors
/// When reading or writing fails, or the input is no UTF-8.
pub fn lines(mut input: impl BufRead, mut output: impl Write) -> Result<(), FilterError> {
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        output.write_all(mask(&line).as_str().as_bytes())?;
        line.clear();
    }
    Ok(output.flush()?)
}

/// One input row: a text, or the messages of one sender in order.
#[derive(Deserialize)]
struct Row {
    id: Value,
    #[serde(flatten)]
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Content {
    Text(String),
    Messages(Vec<String>),
}

#[derive(Serialize)]
struct Answer<T> {
    id: Value,
    masked: T,
}

/// Masks JSON lines: `{"id","text"}` becomes `{"id","masked"}`, `{"id","messages":[…]}` becomes
/// `{"id","masked":[…]}`. Other members are ignored, blank lines are skipped.
///
/// # Errors
/// When reading or writing fails, or a line is no such object (the line is named, not quoted).
pub fn jsonl(input: impl BufRead, mut output: impl Write) -> Result<(), FilterError> {
    for (number, line) in input.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let row: Row = serde_json::from_str(&line).map_err(|_| FilterError::Row(number + 1))?;
        match row.content {
            Content::Text(text) => write_row(&mut output, row.id, mask(&text).as_str())?,
            Content::Messages(all) => {
                let mut memory = Memory::default();
                let masked: Vec<_> = all
                    .iter()
                    .map(|text| {
                        let (masked, next) = mask_next(text, &memory);
                        memory = next;
                        masked
                    })
                    .collect();
                let shown: Vec<_> = masked.iter().map(super::Masked::as_str).collect();
                write_row(&mut output, row.id, shown)?;
            }
        }
    }
    Ok(output.flush()?)
}

fn write_row(output: &mut impl Write, id: Value, masked: impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, &Answer { id, masked })?;
    output.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_jsonl(input: &str) -> Result<String, FilterError> {
        let mut output = Vec::new();
        jsonl(input.as_bytes(), &mut output)?;
        Ok(String::from_utf8(output).expect("the filter writes UTF-8"))
    }

    #[test]
    fn plain_lines_keep_their_ends_and_a_missing_last_one() {
        let mut output = Vec::new();
        lines("a 9876543210\r\nb\n\nc +919876543210".as_bytes(), &mut output).expect("masked");
        assert_eq!(output, b"a [hidden]\r\nb\n\nc [hidden]");
    }

    #[test]
    fn rows_with_a_text_and_rows_with_messages_are_masked() {
        let shown = run_jsonl(concat!(
            "{\"id\":1,\"text\":\"9876543210\",\"extra\":true}\n\n",
            "{\"id\":\"b\",\"messages\":[\"hi\",\"9876543210\"]}\n",
        ));
        let expected =
            "{\"id\":1,\"masked\":\"[hidden]\"}\n{\"id\":\"b\",\"masked\":[\"hi\",\"[hidden]\"]}\n";
        assert_eq!(shown.expect("masked"), expected);
    }

    #[test]
    fn a_bad_row_is_named_by_its_line_and_not_quoted() {
        let error = run_jsonl("{\"id\":1,\"text\":\"x\"}\n{\"secret\":1}\n").expect_err("refused");
        assert!(error.to_string().starts_with("line 2:"));
        assert!(!error.to_string().contains("secret"));
    }
}
