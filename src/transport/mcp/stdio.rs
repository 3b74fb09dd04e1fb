//! [`serve`] runs an [`McpServer`] over standard input and output, for clients that start the
//! process. Each line is one message.
//!
//! An answer counts as delivered once its line is written. The process ends when the input ends or by a
//! signal, after it has answered the calls in flight.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use thiserror::Error;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::rpc_error::{INVALID_REQUEST, RpcError};
use super::server::McpServer;
use super::session_pipe::{InboundSender, PendingAnswers, ServerMessage, channels, end_session};
use crate::kernel::principal::Principal;
use crate::kernel::receipt::Receipt;
use crate::transport::http::limits::MAX_BODY_BYTES;

/// Interval of the pings to the client.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(100);

/// Why a session over standard input and output failed. The causes are omitted, because they may
/// quote the client's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StdioError {
    #[error("the client did not begin with a valid MCP initialize request")]
    Initialize,
    #[error("the MCP session ended abnormally")]
    Aborted,
}

/// Serves `principal` until the input ends or `shutdown` is cancelled, and then for at most `grace` until the calls in
/// flight are answered. Cancels `input_ended` at the end of the input, so that calls that wait end.
///
/// # Errors
/// Returns [`StdioError`] if the client does not speak MCP.
pub async fn serve(
    server: McpServer,
    principal: Principal,
    shutdown: &CancellationToken,
    input_ended: CancellationToken,
    grace: Duration,
) -> Result<(), StdioError> {
    // The process has one client, which stays connected.
    let (inbound, outbound, half) = channels(None);
    let pending = inbound.pending().clone();
    // rmcp cancels its token at the end of the session, before the output is written.
    let session_end = CancellationToken::new();
    let ended = end_session(shutdown.clone(), pending.clone(), grace, session_end.clone());
    let ending = tokio::spawn(ended);
    let session = async move {
        let server = server.for_session(HEARTBEAT_INTERVAL);
        let server = server.with_principal(Some(Arc::new(principal)));
        match server.serve_with_ct(half, session_end).await {
            Ok(running) => running.waiting().await.map(drop).map_err(|_| StdioError::Aborted),
            // The input ended or a signal came before the first message, so no client expects an error.
            Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => {
                Ok(())
            }
            Err(_) => Err(StdioError::Initialize),
        }
    };
    let input = async move {
        read_lines(BufReader::new(tokio::io::stdin()), inbound).await;
        input_ended.cancel();
    };
    let input = tokio::spawn(input);
    let output = tokio::spawn(write_lines(tokio::io::stdout(), outbound, pending));
    let result = session.await;
    // A read of standard input can't be cancelled, so this waits for the output only.
    input.abort();
    ending.abort();
    // It ends with the session, which owns its sender.
    let _ = output.await;
    result
}

/// Passes lines to the server until the input or the session ends.
async fn read_lines(mut input: impl AsyncBufRead + Unpin, inbound: InboundSender) {
    let mut line = Vec::new();
    loop {
        let errors = match read_line(&mut input, &mut line).await {
            Ok(Line::End) | Err(_) => return,
            Ok(Line::TooLong) => {
                let message = "Invalid request: the message is too long.";
                vec![RpcError::framed(None, INVALID_REQUEST, message)]
            }
            Ok(Line::Complete) if line.trim_ascii().is_empty() => continue,
            Ok(Line::Complete) => match inbound.receive(line.trim_ascii()).await {
                Ok(errors) => errors,
                Err(_) => return,
            },
        };
        for error in errors {
            if inbound.refuse(error).await.is_err() {
                return;
            }
        }
    }
}

enum Line {
    Complete,
    /// Longer than [`MAX_BODY_BYTES`]. It is skipped.
    TooLong,
    End,
}

/// Reads a line. An incomplete last line counts as one, because the client may have no newline at the end.
async fn read_line(
    input: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
) -> io::Result<Line> {
    line.clear();
    let mut is_too_long = false;
    loop {
        let chunk = input.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(if line.is_empty() { Line::End } else { Line::Complete });
        }
        let newline = chunk.iter().position(|byte| *byte == b'\n');
        let length = newline.map_or(chunk.len(), |newline| newline + 1);
        is_too_long |= line.len() + length > MAX_BODY_BYTES;
        if is_too_long {
            line.clear();
        } else {
            line.extend_from_slice(&chunk[..length]);
        }
        input.consume(length);
        if newline.is_some() {
            return Ok(if is_too_long { Line::TooLong } else { Line::Complete });
        }
    }
}

/// Writes the server's messages, and confirms the receipts of each answer that is written.
async fn write_lines(
    mut output: impl AsyncWrite + Unpin,
    mut messages: mpsc::Receiver<ServerMessage>,
    pending: PendingAnswers,
) {
    while let Some(message) = messages.recv().await {
        let receipts = pending.take_receipts(&message);
        let Ok(mut line) = serde_json::to_vec(&message) else { continue };
        line.push(b'\n');
        // The client is gone, so its input ends too. Dropping the receipts returns the items.
        if output.write_all(&line).await.is_err() || output.flush().await.is_err() {
            return;
        }
        receipts.into_iter().for_each(Receipt::confirm);
    }
}
