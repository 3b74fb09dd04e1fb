//! The binary: parses the command line, reads [`Config`] and runs a command of the library.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use random_connect::app::backup::{BackupError, RestoredBackup, WrittenBackup};
use random_connect::app::check::{CheckedStore, check_stores};
use random_connect::app::credits::CreditDesk;
use random_connect::app::database::read_secrets;
use random_connect::app::demo::{DemoInterrupt, beside_server};
use random_connect::app::serve::{Listening, ServeError, serve_stdio};
use random_connect::app::toolsets::TOOLSETS;
use random_connect::cli::announcement::announcement;
use random_connect::cli::backup::{restored, saved};
use random_connect::cli::chat::chat_token;
use random_connect::cli::check;
use random_connect::cli::check::StoreStatus;
use random_connect::cli::code::{IdSource, codes};
use random_connect::cli::demo::DemoCommand;
use random_connect::cli::gateway::{GatewayCommand, credited};
use random_connect::cli::key::{KeyCommand, KeyOutput};
use random_connect::cli::{Cli, CliCommand};
use random_connect::config::{Config, LoadedConfig, LogFormat};
use random_connect::credentials::signed_tokens::jwt::JwtRequest;
use random_connect::demo::gateway::GatewayDemo;
use random_connect::gateway::accounts::{CreditOrder, parse_owner};
use random_connect::gateway::config as gateway_config;
use random_connect::kernel::clock::{Clock, SystemClock, seeded_rng};
use random_connect::kernel::process::disable_dumps;
use random_connect::kernel::token;
use random_connect::kernel::token::AuthTokens;
use random_connect::mask::filter;
use random_connect::mask::filter::FilterError;
use random_connect::terminal::target::ServerTarget;
use random_connect::{app, cli, telemetry, terminal};
use secrecy::ExposeSecret;

// The HTTP benchmark runs faster with it: see docs/performance.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit status if the settings are invalid.
const EXIT_BAD_CONFIG: u8 = 2;

fn main() -> ExitCode {
    disable_dumps();
    telemetry::install_panic_hook();
    match Cli::parse().command() {
        CliCommand::Serve => with_config(serve),
        CliCommand::Stdio => with_config(serve_stdio),
        CliCommand::Mask { jsonl, explain } => exit_code(mask(jsonl, explain)),
        CliCommand::Chat { demo: true, .. } => {
            run(async { Box::pin(demo_chat()).await.map(|()| ExitCode::SUCCESS) })
        }
        CliCommand::Chat { url, token, token_file, .. } => chat(&url, token, token_file.as_deref()),
        CliCommand::Check => check(),
        CliCommand::Code { id, source } => code(id, source),
        CliCommand::Backup { file, with_secrets, force } => {
            report(async move |config| backup(&config, &file, with_secrets, force).await)
        }
        CliCommand::Restore { file, force } => {
            report(async move |config| restore(&config, &file, force).await)
        }
        CliCommand::Key { command } => key(command),
        CliCommand::Gateway { command: GatewayCommand::Check } => check_gateway(),
        CliCommand::Gateway { command: GatewayCommand::Credit { user, amount, reason, key } } => {
            match CreditOrder::new(amount, None, reason, key) {
                Ok(order) => credit(user, order),
                Err(problem) => report_problems(&[problem]),
            }
        }
        CliCommand::Demo { command: DemoCommand::Gateway } => {
            run(async { Box::pin(demo_gateway()).await.map(|()| ExitCode::SUCCESS) })
        }
        CliCommand::Token => exit_code(print_token()),
        CliCommand::Jwt { sub, role, minutes, scope } => {
            let lifetime = Duration::from_secs(minutes * 60);
            jwt(&JwtRequest { subject: sub, role, scope, lifetime })
        }
    }
}

/// Chats in this terminal. Writes no logs, because the chat owns the terminal.
fn chat(url: &str, token: Option<String>, token_file: Option<&Path>) -> ExitCode {
    let token = match chat_token(TOOLSETS, token, token_file) {
        Ok(token) => token,
        Err(problems) => return report_problems(&problems),
    };
    match ServerTarget::new(url, token.expose_secret()) {
        Ok(server) => {
            run(
                async move { terminal::chat(&server, seeded_rng()).await.map(|()| ExitCode::SUCCESS) },
            )
        }
        Err(problem) => report_problems(&[problem]),
    }
}

/// Plays the chat of two users on a temporary server.
async fn demo_chat() -> Result<(), String> {
    let port = |name: &str| (name == "PORT").then(|| "0".into());
    beside_server(DemoInterrupt::listen()?, port, async |address, token| {
        let address = format!("http://{address}");
        let server = ServerTarget::new(&address, &token).map_err(|problem| problem.to_string())?;
        terminal::demo::play(&server, seeded_rng()).await.map_err(|problem| problem.to_string())
    })
    .await
}

/// Plays the demonstration of the gateway on a temporary server.
async fn demo_gateway() -> Result<(), String> {
    // First, so that it deletes its folder.
    let interrupt = DemoInterrupt::listen()?;
    let demo = GatewayDemo::start(&mut seeded_rng()).await.map_err(|error| error.to_string())?;
    let settings = demo.settings();
    beside_server(
        interrupt,
        |name| settings.get(name).map(Into::into),
        async |address, _| demo.play(address).await.map_err(|error| error.to_string()),
    )
    .await
}

async fn serve(config: Config) -> Result<(), ServeError> {
    app::serve::serve(config, print_announcement).await
}

/// Prints how to reach the server. A token generated for this run is printed here and nowhere else.
fn print_announcement(listening: &Listening) {
    let Listening { address, playground, generated_token } = listening;
    let token = generated_token.as_ref().map(AuthTokens::current);
    // The server works without a reader of standard output.
    let _ = print(&announcement(*address, *playground, token));
}

/// Reads the settings, starts logging and runs `command`.
fn with_config<F: Future<Output = Result<(), ServeError>>>(
    command: impl FnOnce(Config) -> F,
) -> ExitCode {
    let LoadedConfig { config, warnings, .. } = match Config::load(TOOLSETS, Path::new(".env")) {
        Ok(loaded) => loaded,
        Err(problems) => return report_problems(&problems),
    };
    let color = config.log_format == LogFormat::Text && io::stderr().is_terminal();
    telemetry::init(config.log_level, config.log_format, color);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    run(async {
        match command(config).await {
            Err(error) if error.is_bad_setting() => Ok(report_problems(&[error])),
            result => result.map(|()| ExitCode::SUCCESS),
        }
    })
}

/// Prints the settings in effect, warnings, and the state of each store.
fn check() -> ExitCode {
    let mut loaded = match Config::load(TOOLSETS, Path::new(".env")) {
        Ok(loaded) => loaded,
        Err(problems) => return report_problems(&problems),
    };
    run(async move {
        let stores: Vec<_> =
            check_stores(&mut loaded.config).await.into_iter().map(status).collect();
        print(&check::report(&loaded, &stores))?;
        let failed = stores.iter().filter(|store| store.result.is_err()).count();
        if failed > 0 {
            return Err(io::Error::other("a store can't be used"));
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn status(CheckedStore { name, backend, result, evicting }: CheckedStore) -> StoreStatus {
    let remark = |exists| match evicting {
        Some(policy) => format!(", but Redis may evict keys: maxmemory-policy is {policy}"),
        None if exists => String::new(),
        None => ", the server will create the file".to_owned(),
    };
    StoreStatus { name, backend, result: result.map(remark) }
}

/// Prints the codes of a raw id.
fn code(id: Option<String>, source: Option<IdSource>) -> ExitCode {
    let mut config = match Config::load(TOOLSETS, Path::new(".env")) {
        Ok(loaded) => loaded.config,
        Err(problems) => return report_problems(&problems),
    };
    if let Err(problem) = read_secrets(&mut config) {
        return report_problems(&[problem]);
    }
    let printed = || {
        let id = match id {
            Some(id) => id,
            None => read_line()?,
        };
        print(&codes(&config, &id, source).map_err(io::Error::other)?)
    };
    exit_code(printed())
}

async fn backup(
    config: &Config,
    file: &Path,
    with_secrets: bool,
    force: bool,
) -> Result<String, BackupError> {
    let written = app::backup::backup(config, file, with_secrets, force).await?;
    let WrittenBackup { place, bytes, left_out } = written;
    Ok(saved(&place, file, bytes, left_out.as_deref(), config.redis.is_some()))
}

async fn restore(config: &Config, file: &Path, force: bool) -> Result<String, BackupError> {
    let RestoredBackup { place, created_at, missing } =
        app::backup::restore(config, file, force).await?;
    Ok(restored(&place, &created_at, missing.as_deref()))
}

/// Reads the settings, runs `command` and prints its report.
fn report<F: Future<Output = Result<String, E>>, E: Display>(
    command: impl FnOnce(Config) -> F,
) -> ExitCode {
    let config = match Config::load(TOOLSETS, Path::new(".env")) {
        Ok(loaded) => loaded.config,
        Err(problems) => return report_problems(&problems),
    };
    run(async {
        let text = command(config).await.map_err(|error| error.to_string())?;
        print(&text).map(|()| ExitCode::SUCCESS).map_err(|error| error.to_string())
    })
}

/// Executes a command of `key`. Writes no logs: the command has one result.
fn key(command: KeyCommand) -> ExitCode {
    let mut config = match Config::load(TOOLSETS, Path::new(".env")) {
        Ok(loaded) => loaded.config,
        Err(problems) => return report_problems(&problems),
    };
    run(async move {
        let (keys, database) = match app::keys::open(&mut config).await {
            Ok(opened) => opened,
            Err(error) if error.is_bad_setting() => return Ok(report_problems(&[error])),
            Err(error) => return Err(error.to_string()),
        };
        let result = cli::key::run(&keys, command).await;
        database.close().await;
        print_output(&result.map_err(|error| error.to_string())?)
    })
}

/// Prints what the settings of the gateway make.
fn check_gateway() -> ExitCode {
    match Config::load_section(TOOLSETS, Path::new(".env"), gateway_config::read) {
        Ok(loaded) => exit_code(print(&cli::gateway::report(&loaded))),
        Err(problems) => report_problems(&problems),
    }
}

/// Changes the credits of a user. Writes no logs: the command has one result.
fn credit(user: String, order: CreditOrder) -> ExitCode {
    let file = Path::new(".env");
    let section = Config::load_section(TOOLSETS, file, gateway_config::read);
    let loaded = section.and_then(|gateway| Ok((gateway.section, Config::load(TOOLSETS, file)?)));
    let (gateway, mut config) = match loaded {
        Ok((gateway, loaded)) => (gateway, loaded.config),
        Err(problems) => return report_problems(&problems),
    };
    run(async move {
        let user = match user.as_str() {
            "-" => read_only_line().map_err(|error| error.to_string())?,
            _ => Some(user),
        };
        let Some(user) = user else {
            return Ok(report_problems(&["standard input has several lines: pass one user"]));
        };
        let owner = match parse_owner(&user) {
            Ok(owner) => owner,
            Err(problem) => return Ok(report_problems(&[problem])),
        };
        let desk = match CreditDesk::open(&mut config, &gateway).await {
            Ok(desk) => desk,
            Err(error) if error.is_bad_setting() => return Ok(report_problems(&[error])),
            Err(error) => return Err(error.to_string()),
        };
        let result = desk.change(&owner, &order).await;
        desk.close().await;
        let (account, amounts) = result.map_err(|error| error.to_string())?;
        print_output(&credited(account, amounts))
    })
}

/// Prints the output of a command that has one result.
fn print_output(KeyOutput { text, note }: &KeyOutput) -> Result<ExitCode, String> {
    print(text).map_err(|error| error.to_string())?;
    let _ = io::stderr().write_all(note.as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// The first line of standard input.
fn read_line() -> io::Result<String> {
    Ok(io::stdin().lines().next().transpose()?.unwrap_or_default())
}

/// The line of standard input. `None` if there is another one. A person at a terminal enters one.
fn read_only_line() -> io::Result<Option<String>> {
    let line = read_line()?;
    let rest =
        if io::stdin().is_terminal() { String::new() } else { io::read_to_string(io::stdin())? };
    Ok(rest.trim().is_empty().then_some(line))
}

/// Prints `text` on standard output.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Runs `work` to its end on a new runtime.
fn run<E: Display>(work: impl Future<Output = Result<ExitCode, E>>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let result = runtime.block_on(work);
            // A read of standard input can't be cancelled and would keep the process waiting.
            runtime.shutdown_background();
            result.unwrap_or_else(|error| exit_code(Err(error)))
        }
        Err(error) => exit_code(Err(error)),
    }
}

/// Prints the problems of the settings.
fn report_problems(problems: &[impl Display]) -> ExitCode {
    problems.iter().for_each(print_error);
    ExitCode::from(EXIT_BAD_CONFIG)
}

fn mask(jsonl: bool, explain: bool) -> Result<(), FilterError> {
    let (input, output) = (io::stdin().lock(), BufWriter::new(io::stdout().lock()));
    let result = match (jsonl, explain) {
        (true, _) => filter::jsonl(input, output),
        (_, true) => filter::lines_explained(input, output),
        _ => filter::lines(input, output),
    };
    match result {
        // A reader that closes the pipe ends the filter, as in any pipeline.
        Err(FilterError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn print_token() -> io::Result<()> {
    writeln!(io::stdout(), "{}", token::generate(&mut seeded_rng()).expose_secret())
}

/// Prints a token that is signed with the secret of the settings.
fn jwt(request: &JwtRequest) -> ExitCode {
    let config = match Config::load(TOOLSETS, Path::new(".env")) {
        Ok(loaded) => loaded.config,
        Err(problems) => return report_problems(&problems),
    };
    let Some(settings) = &config.credentials.signed_tokens.jwt else {
        return report_problems(&["JWT_SECRET=(not set): expected a secret to sign with"]);
    };
    match request.sign(settings, SystemClock::new().now()) {
        Ok(token) => exit_code(print(&format!("{}\n", token.expose_secret()))),
        Err(problem) => report_problems(&[problem]),
    }
}

fn exit_code<E: Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Prints `error` on standard error, which may be closed.
fn print_error(error: &impl Display) {
    let _ = writeln!(io::stderr(), "error: {error}");
}
