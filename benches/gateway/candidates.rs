//! [`Candidate`]: a gateway that is measured. One that is not installed is left out.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::client::GatewayRoute;
use crate::process::{GatewayProcess, free_address};
use crate::{BenchResult, tokens};

/// The environment of the gateways in Python, and the folder of the one in JavaScript. See docs/performance.md.
const PYTHON: &str = "target/bench/gateways/bin";
const PORTKEY: &str = "target/bench/portkey/node_modules/@portkey-ai/gateway/build/start-server.js";

/// A secret of 32 bytes.
const SECRET: &str = "a-secret-that-has-at-least-32-bytes";

/// Number of users. Each has an account.
const USERS: usize = 64;

/// A gateway, its process and its requests.
pub struct Candidate {
    pub name: &'static str,
    pub route: GatewayRoute,
    /// `None` for the provider itself.
    pub process: Option<GatewayProcess>,
    /// Deleted with the candidate.
    _folder: Option<TempDir>,
    _database: Option<BenchPostgres>,
}

/// A PostgreSQL server for the benchmark, on the core of the gateways. It writes each commit to the disk.
struct BenchPostgres {
    url: String,
    /// The server stops when its standard input is closed.
    _process: Child,
}

impl BenchPostgres {
    fn start() -> BenchResult<Self> {
        let mut process = Command::new("taskset")
            .args(["-c", "1", "sh", "scripts/test-postgres.sh", "durable"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let url = line.split(' ').next().filter(|url| !url.is_empty()).ok_or("no PostgreSQL")?;
        Ok(Self { url: format!("{url}/postgres"), _process: process })
    }
}

impl Candidate {
    /// The provider without a gateway.
    pub fn direct(provider: SocketAddr) -> Self {
        let route = GatewayRoute::new(provider, "/v1/chat/completions", "gpt-6-luna");
        Self { name: "no gateway", route, process: None, _folder: None, _database: None }
    }

    async fn own(
        name: &'static str,
        provider: SocketAddr,
        url: &str,
    ) -> BenchResult<(GatewayRoute, GatewayProcess)> {
        let address = free_address()?;
        let port = address.port().to_string();
        let base_url = format!("http://{provider}/v1");
        let mut variables = vec![
            ("PORT", port.as_str()),
            ("HOST", "127.0.0.1"),
            ("TOOLSETS", "gateway"),
            ("JWT_SECRET", SECRET),
            ("OPENAI_BASE_URL", &base_url),
            ("OPENAI_API_KEY", "sk-bench"),
            ("GATEWAY_START_CREDITS", "100000"),
            ("RATE_LIMITS", "off"),
            ("LOG_LEVEL", "error"),
            ("ID_SALT", "a salt of some length"),
        ];
        let key = "ab".repeat(32);
        variables.push(("INBOX_KEY", &key));
        variables.push(("DATABASE_URL", url));
        let program = Path::new(env!("CARGO_BIN_EXE_random-connect"));
        let process = GatewayProcess::start(address, program, &[], &variables)
            .await
            .map_err(|error| format!("{name}: {error}"))?;
        let mut route = GatewayRoute::new(address, "/v1/chat/completions", "gpt-6-luna");
        let token = |user| tokens::signed(SECRET, &format!("user-{user}"));
        route.tokens = (0..USERS).map(token).collect();
        Ok((route, process))
    }

    pub async fn sqlite(provider: SocketAddr) -> BenchResult<Self> {
        let name = "ours, SQLite";
        // Not in a folder that is in memory.
        let folder = tempfile::tempdir_in("target")?;
        let url = format!("sqlite:{}", folder.path().canonicalize()?.join("state.db").display());
        let (route, process) = Self::own(name, provider, &url).await?;
        Ok(Self { name, route, process: Some(process), _folder: Some(folder), _database: None })
    }

    pub async fn postgres(provider: SocketAddr) -> BenchResult<Self> {
        let name = "ours, PostgreSQL";
        let database = BenchPostgres::start()?;
        let (route, process) = Self::own(name, provider, &database.url).await?;
        Ok(Self { name, route, process: Some(process), _folder: None, _database: Some(database) })
    }

    /// TensorZero without accounting. `None` if it is not installed.
    pub fn tensorzero(provider: SocketAddr) -> BenchResult<Option<Self>> {
        let program = PathBuf::from(PYTHON).join("python");
        if !has_package("tensorzero") {
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        let address = free_address()?;
        let file = folder.path().join("tensorzero.toml");
        let settings = format!(
            "[gateway]\nbind_address = \"{address}\"\nobservability.enabled = false\n\
             [models.m]\nrouting = [\"p\"]\n[models.m.providers.p]\ntype = \"openai\"\n\
             model_name = \"gpt-6-luna\"\napi_base = \"http://{provider}/v1/\"\n\
             api_key_location = \"none\"\n"
        );
        std::fs::write(&file, settings)?;
        // The package starts its gateway, which is in Rust, on a free port.
        let start = "import sys, time, tensorzero.tensorzero as t\n\
             g = t._start_http_gateway(config_file=sys.argv[1], clickhouse_url=None, \
             postgres_url=None, valkey_url=None, async_setup=False)\n\
             print(g.base_url, flush=True)\nwhile True: time.sleep(3600)";
        let file = file.display().to_string();
        let (process, address) = GatewayProcess::start_announced(&program, &["-c", start, &file])?;
        let path = "/openai/v1/chat/completions";
        let route = GatewayRoute::new(address, path, "tensorzero::model_name::m");
        let (process, folder) = (Some(process), Some(folder));
        Ok(Some(Self { name: "TensorZero", route, process, _folder: folder, _database: None }))
    }

    /// `None` if it is not installed.
    pub async fn portkey(provider: SocketAddr) -> BenchResult<Option<Self>> {
        if !Path::new(PORTKEY).exists() {
            return Ok(None);
        }
        let address = free_address()?;
        let port = format!("--port={}", address.port());
        let arguments = [PORTKEY, &port, "--headless"];
        let node = Path::new("target/node/bin/node");
        let process = GatewayProcess::start(address, node, &arguments, &[]).await?;
        let mut route = GatewayRoute::new(address, "/v1/chat/completions", "gpt-6-luna");
        route.headers = format!(
            "x-portkey-provider: openai\r\nx-portkey-custom-host: http://{provider}/v1\r\n"
        );
        route.tokens = vec!["sk-bench".to_owned()];
        let process = Some(process);
        Ok(Some(Self { name: "Portkey", route, process, _folder: None, _database: None }))
    }

    /// LiteLLM without accounting. `None` if it is not installed.
    pub async fn litellm(provider: SocketAddr) -> BenchResult<Option<Self>> {
        let program = PathBuf::from(PYTHON).join("litellm");
        if !program.exists() {
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("litellm.yaml");
        let model = json!({
            "model_name": "gpt-6-luna",
            "litellm_params": {
                "model": "openai/gpt-6-luna", "api_key": "sk-bench",
                "api_base": format!("http://{provider}/v1"),
            },
        });
        // JSON is YAML too.
        std::fs::write(&file, json!({ "model_list": [model] }).to_string())?;
        let address = free_address()?;
        let (port, file) = (address.port().to_string(), file.display().to_string());
        let arguments = [
            "--config",
            &file,
            "--host",
            "127.0.0.1",
            "--port",
            &port,
            "--num_workers",
            "1",
            "--telemetry",
            "False",
        ];
        let variables = [("LITELLM_LOCAL_MODEL_COST_MAP", "True"), ("LITELLM_LOG", "ERROR")];
        let process = GatewayProcess::start(address, &program, &arguments, &variables).await?;
        let route = GatewayRoute::new(address, "/v1/chat/completions", "gpt-6-luna");
        let (process, folder) = (Some(process), Some(folder));
        Ok(Some(Self { name: "LiteLLM", route, process, _folder: folder, _database: None }))
    }
}

fn has_package(name: &str) -> bool {
    let check = Command::new(Path::new(PYTHON).join("python"))
        .args(["-c", &format!("import {name}")])
        .stderr(Stdio::null())
        .status();
    check.is_ok_and(|status| status.success())
}
