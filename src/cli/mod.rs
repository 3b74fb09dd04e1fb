//! [`Cli`]: the command line. Its doc comments are the text of `--help`.
//!
//! - [`announcement`](mod@announcement) has the lines that `serve` prints at its start.

pub mod announcement;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Anonymous one-to-one chat between strangers over WhatsApp through Puch AI, as an MCP server.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "Settings come from the environment or a .env file; see .env.example."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<CliCommand>,
}

impl Cli {
    /// Returns the command, [`CliCommand::Serve`] by default.
    #[must_use]
    pub fn command(self) -> CliCommand {
        self.command.unwrap_or(CliCommand::Serve)
    }
}

#[derive(Subcommand)]
pub enum CliCommand {
    /// Serve MCP over HTTP (the default)
    ///
    /// Listens on PORT (8086). Without AUTH_TOKEN, a token is generated for this run and only this
    /// machine can connect; with AUTH_TOKEN, any client that knows it can. SIGTERM and Ctrl-C stop
    /// the server after in-flight calls have been answered.
    Serve,
    /// Serve the same tools over standard input and output
    ///
    /// For MCP clients that start the server themselves. Logs go to standard error.
    Stdio,
    /// Mask phone numbers in text, from standard input to standard output
    ///
    /// Works line by line. Everything else, including line endings and invalid UTF-8, passes through
    /// unchanged. Also masks other contact details: e-mail addresses, UPI ids, handles, profiles,
    /// card and government numbers.
    Mask {
        /// Read JSON lines: {"id","text"} becomes {"id","masked"}, {"id","messages":[…]} becomes
        /// {"id","masked":[…]}
        #[arg(long)]
        jsonl: bool,
        /// Print the findings instead: line, byte range, rule and text, separated by tabs
        #[arg(long, conflicts_with = "jsonl")]
        explain: bool,
    },
    /// Chat in this terminal with users of the server
    ///
    /// Lines are sent as they are typed: text for the partner, or commands such as #meet, which Tab
    /// completes. Ctrl-D leaves. If standard input is not a terminal, plain lines are read and
    /// printed, and the end of the input ends the chat. The server must have the penpal tools, which
    /// are enabled with the playground or TOOLSETS=connect,penpal.
    Chat {
        /// Server URL
        #[arg(long, default_value = "http://127.0.0.1:8086")]
        url: String,
        /// The server's token, which other users of this machine can then see: prefer --token-file or
        /// RANDOM_CONNECT_TOKEN
        #[arg(long)]
        token: Option<String>,
        /// File with the server's token [default: RANDOM_CONNECT_TOKEN from the environment, or
        /// AUTH_TOKEN from the environment or .env]
        #[arg(long, value_name = "FILE", conflicts_with = "token")]
        token_file: Option<PathBuf>,
        /// Play a scripted chat between two users on a temporary server, then exit
        #[arg(long, conflicts_with_all = ["url", "token", "token_file"])]
        demo: bool,
    },
    /// Print a strong token for AUTH_TOKEN
    Token,
}
