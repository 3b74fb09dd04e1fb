//! The documentation: generated tables match the code, and links have a target.
//!
//! `UPDATE_DOCS=1 cargo test --test it docs_` writes the tables. To generate another one, put its
//! markers into a document and add a test here.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use random_connect::app::toolsets::TOOLSETS;
use random_connect::config::SETTINGS;
use random_connect::goals::service::GoalsService;
use random_connect::goals::store_memory::MemoryGoalsStore;
use random_connect::goals::tools::GoalsTools;
use random_connect::kernel::clock::{Clock, ManualClock, seeded_rng};
use random_connect::kernel::permissions::AccessPermissions;
use random_connect::kernel::settings::Setting;
use random_connect::kernel::toolset::Toolset;
use random_connect::transport::http::limits::ConnectionLimits;
use regex::Regex;
use serde_json::{Value, json};

use crate::support::server::{TOKEN, TestServer, http_client};

const ADMIN_TOKEN: &str = "an-admin-token-for-tests";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compares `table` with the one between the markers of `name` in `document`, or writes it.
fn check_table(document: &str, name: &str, table: &str) {
    let path = root().join(document);
    let text = fs::read_to_string(&path).expect("a document");
    let start = format!("<!-- generated: {name} -->\n");
    let (before, rest) = text.split_once(&start).expect("a start marker");
    let (current, after) = rest.split_once("<!-- end generated -->").expect("an end marker");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let text = format!("{before}{start}{table}<!-- end generated -->{after}");
        fs::write(&path, text).expect("a writable document");
    } else {
        assert_eq!(current, table, "{document} is outdated: run the tests with UPDATE_DOCS=1");
    }
}

fn settings_table(settings: &[Setting]) -> String {
    let mut table = String::from("| Setting | Default | Meaning |\n|---|---|---|\n");
    for Setting { name, default, meaning } in settings {
        writeln!(table, "| `{name}` | {default} | {meaning} |").expect("a string");
    }
    table
}

#[test]
fn docs_settings_table_matches_the_code() {
    let mut tables = settings_table(SETTINGS);
    for row in TOOLSETS.iter().filter(|row| !row.settings.is_empty()) {
        let page = row.docs.trim_start_matches("docs/");
        write!(tables, "\n### Toolset [{}]({page})\n\n", row.name).expect("a string");
        tables.push_str(&settings_table(row.settings));
    }
    check_table("docs/settings.md", "settings", &tables);
}

#[test]
fn docs_toolsets_page_names_every_toolset_and_its_page() {
    let text = fs::read_to_string(root().join("docs/toolsets.md")).expect("a page");
    for row in TOOLSETS {
        assert!(root().join(row.docs).exists(), "{}", row.docs);
        let page = row.docs.trim_start_matches("docs/");
        let line = text.lines().find(|line| line.starts_with(&format!("| `{}`", row.name)));
        assert!(line.is_some_and(|line| line.contains(&format!("({page})"))), "{}", row.name);
    }
}

async fn list_tools(server: &TestServer, path: &str, token: &str) -> Vec<Value> {
    let request = http_client()
        .post(format!("{}{path}", server.url))
        .bearer_auth(token)
        .header("content-type", "application/json")
        .body(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string());
    let text = request.send().await.expect("a response").text().await.expect("a body");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    answer["result"]["tools"].as_array().expect("tools").clone()
}

fn tool_row(tool: &Value) -> String {
    let schema = &tool["inputSchema"];
    let required: BTreeSet<_> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let names = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name);
    let arguments: Vec<_> = names
        .map(|name| format!("`{name}{}`", if required.contains(name.as_str()) { "" } else { "?" }))
        .collect();
    let description = tool["description"].as_str().expect("a description");
    // The tools that Puch calls have a JSON text with several keys.
    let short = serde_json::from_str::<Value>(description)
        .ok()
        .and_then(|keys| keys["description"].as_str().map(str::to_owned));
    let name = tool["name"].as_str().expect("a name");
    let description = short.unwrap_or_else(|| description.to_owned());
    format!("| `{name}` | {} | {description} |\n", arguments.join(", "))
}

#[tokio::test]
async fn docs_tools_table_matches_the_server() {
    let settings = [("TOOLSETS", "connect,penpal"), ("ADMIN_TOKEN", ADMIN_TOKEN)];
    let server = TestServer::with(&settings, ConnectionLimits::default()).await;
    let connect = list_tools(&TestServer::start().await, "/mcp", TOKEN).await;
    let all = list_tools(&server, "/mcp", TOKEN).await;
    let penpal = all.iter().filter(|tool| !connect.contains(tool));
    let admin = list_tools(&server, "/admin/mcp", ADMIN_TOKEN).await;
    let mut table = String::from("| Tool | Arguments | What it does |\n|---|---|---|\n");
    table.extend(connect.iter().chain(penpal).chain(&admin).map(tool_row));
    check_table("docs/tools.md", "tools", &table);
}

/// The documents at the root and in `docs/`.
fn documents() -> Vec<PathBuf> {
    [root().to_owned(), root().join("docs")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("a readable folder"))
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// The anchors of the headings of `text`, by GitHub's rules.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut is_fenced = false;
    let headings = text.lines().filter(|line| {
        is_fenced ^= line.starts_with("```");
        !is_fenced && line.starts_with('#')
    });
    let anchor = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        text.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
    };
    headings.map(anchor).collect()
}

/// The tools of goals that an API key of each level has.
#[test]
fn docs_goals_permissions_match_the_code() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    let store = Arc::new(MemoryGoalsStore::default());
    let service = GoalsService::new(store, Arc::clone(&clock), seeded_rng(), TimeZone::UTC);
    let goals = GoalsTools::new(Arc::new(service), clock);
    let levels = ["read_only", "read_write", "admin"]
        .map(|name| AccessPermissions::level(name.parse().expect("a level")));
    let mut tools = goals.tools();
    tools.sort_by(|one, other| one.name.cmp(&other.name));
    let mut table = String::from("| Tool | read_only | read_write | admin |\n|---|---|---|---|\n");
    for tool in tools {
        let class = goals.tool_class(&tool);
        let has = levels
            .each_ref()
            .map(|level| if level.include(goals.name(), false, class) { "yes" } else { "–" });
        writeln!(table, "| `{}` | {} |", tool.name, has.join(" | ")).expect("a string");
    }
    check_table("docs/goals.md", "permissions", &table);
}

#[test]
fn docs_links_have_a_target() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
    let documents = documents();
    assert!(documents.len() > 10, "{documents:?}");
    for path in documents {
        let text = fs::read_to_string(&path).expect("a document");
        for captures in link.captures_iter(&text) {
            let target = &captures[1];
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = match file {
                "" => path.clone(),
                file => path.parent().expect("a folder").join(file),
            };
            assert!(file.exists(), "{}: no file {target}", path.display());
            if !anchor.is_empty() {
                let text = fs::read_to_string(&file).expect("a document");
                assert!(anchors(&text).contains(anchor), "{}: no {target}", path.display());
            }
        }
    }
}
