//! The command line.

use clap::{Parser, Subcommand};

/// Anonymous one-to-one chat between strangers over WhatsApp through Puch AI, as an MCP server.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "Settings come from the environment and from a file .env; see .env.example."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<CliCommand>,
}

impl Cli {
    /// What to do; `serve` unless something else is asked for.
    #[must_use]
    pub fn command(self) -> CliCommand {
        self.command.unwrap_or(CliCommand::Serve)
    }
}

#[derive(Subcommand)]
pub enum CliCommand {
    /// Serve MCP over HTTP (the default)
    ///
    /// Listens on PORT (8086). Without AUTH_TOKEN a token is made for this run and only this
    /// machine can connect; with one, everybody who knows it can. SIGTERM and Ctrl-C stop the
    /// server once calls in flight are answered.
    Serve,
    /// Serve the same tools over standard input and output
    ///
    /// For MCP clients that start the server themselves. Logs go to standard error.
    Stdio,
    /// Hide phone numbers in text: standard input to standard output
    ///
    /// Line by line, as it comes; all else, also line ends and bytes that are no text, stays as it
    /// is. Hides what else leads to a person as well: e-mail addresses, UPI ids, handles, profiles,
    /// card and government numbers.
    Mask {
        /// Read JSON lines: {"id","text"} becomes {"id","masked"}, {"id","messages":[…]} becomes
        /// {"id","masked":[…]}
        #[arg(long)]
        jsonl: bool,
        /// Print what would be hidden instead: line, bytes from-to, rule, text, parted by tabs
        #[arg(long, conflicts_with = "jsonl")]
        explain: bool,
    },
    /// Chat in this terminal, with whoever is at the server
    ///
    /// Lines are sent as they are typed: text for the partner, or commands such as #meet, which Tab
    /// completes. Ctrl-D leaves. Where the input is no terminal, plain lines are read and printed,
    /// and the end of the input ends the chat. The server needs the pen pals' tools, which it has
    /// where it shows the playground, or with TOOLSETS=connect,penpal.
    Chat {
        /// Where the server is
        #[arg(long, default_value = "http://127.0.0.1:8086")]
        url: String,
        /// The server's token; without it AUTH_TOKEN, from the environment or the file .env
        #[arg(long)]
        token: Option<String>,
        /// Show two people talking with each other instead, at a server of its own, and end
        #[arg(long, conflicts_with_all = ["url", "token"])]
        demo: bool,
    },
    /// Print a strong token for AUTH_TOKEN
    Token,
}
