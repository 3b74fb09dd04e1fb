//! The binary: reads the command line and the settings, then hands over to the library.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use random_connect::cli::{Cli, CliCommand};
use random_connect::config::{Config, ConfigProblem, LogFormat};
use random_connect::kernel::clock::seeded_rng;
use random_connect::kernel::token;
use random_connect::kernel::token::AuthTokens;
use random_connect::mask::filter;
use random_connect::mask::filter::FilterError;
use random_connect::terminal::target::ServerTarget;
use random_connect::{app, telemetry, terminal};
use secrecy::ExposeSecret;
use tokio::sync::oneshot;

// Measured on the HTTP benchmark: see the table in README.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is wrong is wrong with the settings, not with the machine.
const EXIT_BAD_CONFIG: u8 = 2;

fn main() -> ExitCode {
    telemetry::install_panic_hook();
    match Cli::parse().command() {
        CliCommand::Serve => with_config(serve),
        CliCommand::Stdio => with_config(app::serve_stdio),
        CliCommand::Mask { jsonl, explain } => exit_code(mask(jsonl, explain)),
        CliCommand::Chat { demo: true, .. } => run(demo()),
        CliCommand::Chat { url, token, .. } => chat(&url, token),
        CliCommand::Token => exit_code(print_token()),
    }
}

/// Chats in this terminal. Nothing is logged: the terminal belongs to the chat.
fn chat(url: &str, token: Option<String>) -> ExitCode {
    let token = match token.map_or_else(configured_token, Ok) {
        Ok(token) => token,
        Err(problems) => return report_problems(&problems),
    };
    match ServerTarget::new(url, &token) {
        Ok(server) => run(async move { terminal::chat(&server, seeded_rng()).await }),
        Err(problem) => report_problems(&[problem]),
    }
}

/// Shows two people talking at a server for them alone: on a free port of this machine, with a token
/// made for it, and without what the environment sets.
async fn demo() -> Result<(), String> {
    let port = |name: &str| (name == "PORT").then(|| "0".into());
    let config = Config::from_lookup(port).map_err(|problems| format!("{problems:?}"))?;
    let (tell, told) = oneshot::channel();
    let announce = |address: SocketAddr, token: Option<&AuthTokens>| {
        let token = token.map(|token| token.current().to_owned()).unwrap_or_default();
        // Whoever does not wait for it has ended.
        let _ = tell.send((format!("http://{address}"), token));
    };
    let shown = async {
        let (address, token) = told.await.map_err(|_| "the server did not start")?;
        let server = ServerTarget::new(&address, &token).map_err(|problem| problem.to_string())?;
        terminal::demo::play(&server, seeded_rng()).await.map_err(|problem| problem.to_string())
    };
    tokio::select! {
        served = app::serve(config, announce) => served.map_err(|error| error.to_string()),
        shown = shown => shown,
    }
}

/// The token of the environment or the file of settings; empty where there is none.
fn configured_token() -> Result<String, Vec<ConfigProblem>> {
    let tokens = Config::load(Path::new(".env"))?.auth_tokens;
    Ok(tokens.map_or_else(String::new, |tokens| tokens.current().to_owned()))
}

async fn serve(config: Config) -> Result<(), String> {
    let address = config.address;
    let cannot = |error| format!("can't listen on {address}: {error}");
    app::serve(config, print_address).await.map_err(cannot)
}

/// Tells whoever started the server how to reach it. A token that was made for this run is shown
/// here and nowhere else.
fn print_address(address: SocketAddr, token: Option<&AuthTokens>) {
    let mut out = io::stdout().lock();
    let told = writeln!(out, "Random Connect listens on http://{address}/mcp").and_then(|()| {
        let Some(token) = token.map(AuthTokens::current) else { return Ok(()) };
        let reach = if address.ip().is_loopback() { "this machine" } else { "any machine that can reach it" };
        writeln!(
            out,
            "AUTH_TOKEN is not set, so {reach} can connect with this run's token:\n\n  {token}\n\n\
             Open http://{address}/ in a browser, or try it here:\n\n  curl -s http://{address}/mcp -H 'Authorization: Bearer {token}' \
             -H 'Content-Type: application/json' -d '{EXAMPLE_CALL}'\n"
        )
    });
    // Nobody reads standard output: the server works all the same.
    let _ = told.and_then(|()| out.flush());
}

/// A call in the short form, ready to paste.
const EXAMPLE_CALL: &str = r##"{"method": "handle_message", "params": {"message": "#meet", "puch_user_id": "test_user_1"}}"##;

/// Reads the settings and runs `command` with them.
fn with_config<F: Future<Output = Result<(), String>>>(
    command: impl FnOnce(Config) -> F,
) -> ExitCode {
    let config = match Config::load(Path::new(".env")) {
        Ok(config) => config,
        Err(problems) => return report_problems(&problems),
    };
    let color = config.log_format == LogFormat::Text && io::stderr().is_terminal();
    telemetry::init(config.log_level, config.log_format, color);
    run(command(config))
}

/// Runs until the end of `work`.
fn run<E: Display>(work: impl Future<Output = Result<(), E>>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let ended = runtime.block_on(work);
            // A read of standard input can't be cancelled and would keep the process waiting.
            runtime.shutdown_background();
            exit_code(ended)
        }
        Err(error) => exit_code(Err(error)),
    }
}

/// Names what is wrong with the settings.
fn report_problems(problems: &[impl Display]) -> ExitCode {
    problems.iter().for_each(print_error);
    ExitCode::from(EXIT_BAD_CONFIG)
}

fn mask(jsonl: bool, explain: bool) -> Result<(), FilterError> {
    let (input, output) = (io::stdin().lock(), BufWriter::new(io::stdout().lock()));
    let done = match (jsonl, explain) {
        (true, _) => filter::jsonl(input, output),
        (_, true) => filter::lines_explained(input, output),
        _ => filter::lines(input, output),
    };
    match done {
        // Whoever read the output has seen enough.
        Err(FilterError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

fn print_token() -> io::Result<()> {
    writeln!(io::stdout(), "{}", token::generate(&mut seeded_rng()).expose_secret())
}

fn exit_code<E: Display>(ended: Result<(), E>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Says what is wrong on standard error, which may be closed.
fn print_error(what: &impl Display) {
    let _ = writeln!(io::stderr(), "error: {what}");
}
