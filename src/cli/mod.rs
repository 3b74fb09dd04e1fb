//! [`Cli`]: the command line. Its doc comments are the text of `--help`.
//!
//! - [`announcement`](mod@announcement) has the lines that `serve` prints at its start.
//! - [`check`] has the report of `check`, [`code`] the codes of `code`, [`key`] the commands of `key`.
//! - [`chat`] finds the token of `chat`, and [`gateway`] has the commands of `gateway`.
//! - [`demo`](mod@demo) has the commands of `demo`.
//! - [`backup`] has the reports of `backup` and `restore`.

pub mod announcement;
pub mod backup;
pub mod chat;
pub mod check;
pub mod code;
pub mod demo;
pub mod gateway;
pub mod key;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use self::code::IdSource;
use self::demo::DemoCommand;
use self::gateway::GatewayCommand;
use self::key::KeyCommand;

/// Anonymous one-to-one chat between strangers over WhatsApp through Puch AI, as an MCP server.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "Settings come from the environment or a .env file; see .env.example. `check` shows those in effect."
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
    /// Print the settings in effect, warnings, and the state of each store
    ///
    /// Secrets are shown as "set" or "not set". Nothing is changed: no file is created and no schema
    /// updated. The exit status is 0 if the server can start and its stores answer, 1 if a store does
    /// not answer, and 2 if a setting is invalid.
    Check,
    /// Print the eight hex digits that logs and operator tools show for a user
    ///
    /// Needs the same ID_SALT as the server, and REDIS_URL or DATABASE_URL: without them the server hashes
    /// ids with a random key at each start, and a user has another code after each start.
    Code {
        /// The raw id, as the caller passes it [default: the first line of standard input, which keeps
        /// the id out of the list of processes]
        id: Option<String>,
        /// Print only the code of an id from this source
        #[arg(long, value_enum)]
        source: Option<IdSource>,
    },
    /// Save the database in one file, beside a running server
    ///
    /// The file has the database of DATABASE_URL as it is at one moment, and a checksum. It gets its name once it is
    /// complete. It has neither what Redis stores nor the settings; the generated secrets are in it only with
    /// --with-secrets.
    Backup {
        /// The file to write, readable by its owner only
        file: PathBuf,
        /// Also save the generated ID_SALT and INBOX_KEY, with which the evidence of reports can be read
        #[arg(long)]
        with_secrets: bool,
        /// Replace the file if it exists
        #[arg(long)]
        force: bool,
    },
    /// Put back the database from a file of `backup`
    ///
    /// Checks the file first, and changes nothing if it is damaged, was written by a newer version, or does not fit
    /// ID_SALT and INBOX_KEY. Stop the server before. On PostgreSQL, the database must be empty.
    Restore {
        /// The file to read
        file: PathBuf,
        /// Replace the file of the database if it exists
        #[arg(long)]
        force: bool,
    },
    /// Create, list, rotate and revoke API keys, beside a running server
    ///
    /// Keys are in the database of DATABASE_URL. A running server on the same database sees each change: a
    /// new key at its first use, a revocation within 5 seconds.
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Check the configuration of the gateway, and change the credits of its users
    Gateway {
        #[command(subcommand)]
        command: GatewayCommand,
    },
    /// Play a demonstration on a temporary server, then exit
    ///
    /// Needs no settings and no network, listens on loopback only, and leaves no file. Ctrl-C ends it.
    Demo {
        #[command(subcommand)]
        command: DemoCommand,
    },
    /// Print a strong token for AUTH_TOKEN
    Token,
    /// Print a JWT for a trial, signed with JWT_SECRET
    ///
    /// The secret, and the values of JWT_ISSUER and JWT_AUDIENCE, come from the environment or .env, as
    /// for the server. In production, your own server signs the tokens of your users.
    Jwt {
        /// The name of the user, who owns the same data as with OWNER or an API key of this name
        #[arg(long, value_name = "NAME")]
        sub: String,
        /// The role of the user, which decides about limits
        #[arg(long, value_parser = ["trial", "user", "pro", "premium", "admin", "superadmin"])]
        role: Option<String>,
        /// Minutes until the token expires, at most a year
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=525_600))]
        minutes: u64,
        /// Scopes separated by spaces, such as "connect:read penpal:write" [default: everything in all
        /// toolsets except administration]
        #[arg(long)]
        scope: Option<String>,
    },
}
