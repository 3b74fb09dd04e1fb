//! A new toolset is a folder and a row: all that the server does for toolsets works for it.

use random_connect::app::toolsets::TOOLSETS;
use random_connect::kernel::toolset::row::ToolsetRow;
use reqwest::StatusCode;
use rmcp::handler::client::ClientHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, ClientCapabilities, ClientConfig, ElicitRequestParams,
    ElicitResult, ElicitationAction, ProtocolVersion,
};
use rmcp::service::RequestContext;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ErrorData, RoleClient, ServiceExt};
use serde_json::{Value, json};

use crate::support::postgres_server::TestPostgres;
use crate::support::server::{TOKEN, TestServer, fetch_json, http_client};
use crate::support::temp_database::TempDatabase;
use crate::tally::TALLY;

const ANN: &str = "a-token-that-belongs-to-ann";
const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn table() -> Vec<ToolsetRow> {
    [TOOLSETS, &[TALLY]].concat()
}

/// Starts a server of Ann's with the new toolset, and returns the answer of `/mcp` to a request.
async fn server(variables: &[(&str, &str)]) -> TestServer {
    let mut settings = vec![
        ("TOOLSETS", "connect,tally"),
        ("OWNER", "ann"),
        ("OWNER_TOKEN", ANN),
        ("RATE_LIMITS", "tally.additions=3"),
        ("TALLY_STEP", "5"),
    ];
    settings.extend(variables);
    let mut server = TestServer::with_table(&settings, &table()).await;
    ANN.clone_into(&mut server.token);
    server
}

async fn request(server: &TestServer, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let (status, answer) = fetch_json(server.post("/mcp").body(body.to_string())).await;
    assert_eq!(status, StatusCode::OK, "{method}: {answer}");
    answer["result"].clone()
}

async fn add(server: &TestServer, name: &str) -> String {
    let call = json!({ "name": "tally_add", "arguments": { "name": name } });
    let result = request(server, "tools/call", call).await;
    result["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}

/// Uses everything that the toolset offers.
async fn use_all(server: &TestServer) {
    let tools = request(server, "tools/list", json!({})).await;
    assert!(tools.to_string().contains("\"tally_add\""), "{tools}");
    assert_eq!(add(server, "apples").await, "5", "the setting counts");
    assert_eq!(add(server, "apples").await, "10");
    assert_eq!(add(server, "pears").await, "5");
    assert!(add(server, "pears").await.starts_with("Too often"), "the limit counts");
    let total = request(server, "resources/read", json!({ "uri": "tally://total" })).await;
    assert_eq!(total["contents"][0]["text"], "15");
    let prompt = json!({ "name": "tally_praise", "arguments": { "name": "apples" } });
    let prompt = request(server, "prompts/get", prompt).await;
    assert_eq!(prompt["messages"][0]["content"]["text"], "Praise apples of 15.");
    let completed = json!({
        "ref": { "type": "ref/prompt", "name": "tally_praise" },
        "argument": { "name": "name", "value": "pe" },
    });
    let completed = request(server, "completion/complete", completed).await;
    assert_eq!(completed["completion"]["values"], json!(["pears"]));
    let metrics = http_client().get(format!("{}/metrics", server.url)).bearer_auth(TOKEN).send();
    let metrics = metrics.await.expect("a response").text().await.expect("text");
    for line in [
        "random_connect_tally_additions_total{toolset=\"tally\"} 3",
        "random_connect_store_up{store=\"tally\"} 1",
        "random_connect_tool_calls_total{tool=\"tally_add\",toolset=\"tally\",outcome=\"ok\"} 3",
        "random_connect_tool_calls_total{tool=\"get_stats\",toolset=\"connect\",outcome=\"ok\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[tokio::test]
async fn new_toolset_needs_a_row_and_nothing_else_on_sqlite() {
    let folder = TempDatabase::new();
    let url = format!("sqlite:{}", folder.file().display());
    let server = server(&[("DATABASE_URL", &url)]).await;
    use_all(&server).await;
}

#[tokio::test]
async fn new_toolset_needs_a_row_and_nothing_else_on_postgresql() {
    let database = TestPostgres::create().await;
    let settings = [
        ("DATABASE_URL", &*database.url),
        ("ID_SALT", "a-salt-of-some-length"),
        ("INBOX_KEY", KEY),
    ];
    use_all(&server(&settings).await).await;
}

#[tokio::test]
async fn new_toolset_belongs_to_owners_and_not_to_connectors() {
    let folder = TempDatabase::new();
    let url = format!("sqlite:{}", folder.file().display());
    let mut server = server(&[("DATABASE_URL", &url)]).await;
    TOKEN.clone_into(&mut server.token);
    let tools = request(&server, "tools/list", json!({})).await.to_string();
    assert!(tools.contains("handle_message") && !tools.contains("tally_add"), "{tools}");
    let resources = request(&server, "resources/list", json!({})).await;
    assert_eq!(resources["resources"], json!([]));
    let prompts = request(&server, "prompts/list", json!({})).await;
    assert_eq!(prompts["prompts"], json!([]));
}

/// The sets of toolsets that a server may enable.
fn combinations(rows: &[ToolsetRow]) -> Vec<Vec<ToolsetRow>> {
    let sets = 1_usize << rows.len();
    let has = |set: usize, index: usize| set >> index & 1 == 1;
    let rows = |set| (0..rows.len()).filter(move |index| has(set, *index)).map(|i| rows[i]);
    (1..sets).map(|set| rows(set).collect()).collect()
}

#[tokio::test]
async fn new_toolset_names_are_unique_in_every_combination() {
    for rows in combinations(&table()) {
        let folder = TempDatabase::new();
        let url = format!("sqlite:{}", folder.file().display());
        let names: Vec<_> = rows.iter().map(|row| row.name).collect();
        let names = names.join(",");
        let settings = [
            ("TOOLSETS", &*names),
            ("PLAYGROUND", "off"),
            ("OWNER", "ann"),
            ("OWNER_TOKEN", ANN),
            ("DATABASE_URL", &url),
        ];
        let mut server = TestServer::with_table(&settings, &table()).await;
        ANN.clone_into(&mut server.token);
        for (method, list, key) in [
            ("tools/list", "tools", "name"),
            ("prompts/list", "prompts", "name"),
            ("resources/list", "resources", "uri"),
            ("resources/templates/list", "resourceTemplates", "uriTemplate"),
        ] {
            let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method });
            let (_, answer) = fetch_json(server.post("/mcp").body(body.to_string())).await;
            let items = answer["result"][list].as_array().cloned().unwrap_or_default();
            let mut keys: Vec<_> = items.iter().map(|item| item[key].to_string()).collect();
            let count = keys.len();
            keys.sort();
            keys.dedup();
            assert_eq!(keys.len(), count, "{names}: {method}");
        }
    }
}

#[tokio::test]
async fn new_toolset_is_in_the_instructions_for_those_who_have_its_tools() {
    let folder = TempDatabase::new();
    let url = format!("sqlite:{}", folder.file().display());
    let mut server = server(&[("DATABASE_URL", &url)]).await;
    let client = json!({ "name": "test", "version": "1" });
    let hello =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    for (token, has_tally) in [(ANN, true), (TOKEN, false)] {
        token.clone_into(&mut server.token);
        let info = request(&server, "initialize", hello.clone()).await;
        let instructions = info["instructions"].as_str().expect("a text");
        assert!(instructions.contains("handle_message"));
        assert_eq!(instructions.contains("tally_add"), has_tally, "{instructions}");
        let icon = info["serverInfo"]["icons"][0]["src"].as_str().expect("an icon");
        assert!(icon.starts_with("data:image/svg+xml;base64,"));
    }
}

#[tokio::test]
async fn new_toolset_lists_are_private_to_the_principal() {
    let folder = TempDatabase::new();
    let url = format!("sqlite:{}", folder.file().display());
    let server = server(&[("DATABASE_URL", &url)]).await;
    let client = server.client(ProtocolVersion::V_2026_07_28).await.0;
    let tools = client.list_tools(None).await.expect("a list");
    assert_eq!((tools.ttl_ms, tools.cache_scope), (Some(60_000), Some(CacheScope::Private)));
    let resources = client.list_resources(None).await.expect("a list");
    assert_eq!(resources.cache_scope, Some(CacheScope::Private));
    let prompts = client.list_prompts(None).await.expect("a list");
    assert_eq!(prompts.cache_scope, Some(CacheScope::Private));
}

/// Answers every question with this action and content.
#[derive(Clone)]
struct Answering(ElicitResult);

impl ClientHandler for Answering {
    fn get_info(&self) -> ClientConfig {
        let mut info = ClientConfig::default();
        info.capabilities = ClientCapabilities::builder().enable_elicitation().build();
        info
    }

    async fn create_elicitation(
        &self,
        _request: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        Ok(self.0.clone())
    }
}

async fn total(server: &TestServer) -> String {
    let total = request(server, "resources/read", json!({ "uri": "tally://total" })).await;
    total["contents"][0]["text"].as_str().expect("a total").to_owned()
}

#[tokio::test]
async fn new_toolset_asks_the_user_in_a_session_before_it_removes_data() {
    let folder = TempDatabase::new();
    let url = format!("sqlite:{}", folder.file().display());
    let server = server(&[("DATABASE_URL", &url)]).await;
    add(&server, "apples").await;
    let accepted = |confirm: bool| {
        ElicitResult::new(ElicitationAction::Accept).with_content(json!({ "confirm": confirm }))
    };
    for (answer, left) in [
        (ElicitResult::new(ElicitationAction::Decline), "5"),
        (accepted(false), "5"),
        (accepted(true), "0"),
    ] {
        let uri = format!("{}/mcp/session", server.url);
        let config = StreamableHttpClientTransportConfig::with_uri(uri).auth_header(ANN);
        let transport = StreamableHttpClientTransport::with_client(http_client(), config);
        let client = Answering(answer).serve(transport).await.expect("connects");
        let call = CallToolRequestParams::new("tally_clear");
        client.call_tool(call).await.expect("a result");
        assert_eq!(total(&server).await, left);
    }
}

#[tokio::test]
async fn new_toolset_asks_by_a_result_and_falls_back_without_questions() {
    let folder = TempDatabase::new();
    let url = format!("sqlite:{}", folder.file().display());
    let server = server(&[("DATABASE_URL", &url)]).await;
    add(&server, "apples").await;
    let clear = json!({ "name": "tally_clear" });
    let unable = request(&server, "tools/call", clear).await;
    assert_eq!(unable["content"][0]["text"], "Remove them in the browser.");
    let call = |modes: Value, answer: Option<Value>| {
        let client = json!({ "name": "test", "version": "1" });
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": client,
            "io.modelcontextprotocol/clientCapabilities": { "elicitation": modes },
        });
        let mut params = json!({ "name": "tally_clear", "_meta": meta });
        if let Some(answer) = answer {
            params["inputResponses"] = json!({ "confirmation": answer });
        }
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let request = server.post("/mcp").header("MCP-Protocol-Version", "2026-07-28");
        let request = request.header("Mcp-Method", "tools/call").header("Mcp-Name", "tally_clear");
        let request = request.header("Accept", "application/json, text/event-stream");
        async move { fetch_json(request.body(body.to_string())).await.1["result"].clone() }
    };
    let unable = call(json!({ "url": {} }), None).await;
    assert_eq!(unable["content"][0]["text"], "Remove them in the browser.");
    // A client that names no mode shows forms.
    for modes in [json!({}), json!({ "url": {}, "form": {} })] {
        assert_eq!(call(modes, None).await["resultType"], "input_required");
    }
    let call = |answer: Option<Value>| call(json!({ "form": {} }), answer);
    let question = call(None).await;
    assert!(question["inputRequests"]["confirmation"].to_string().contains("Remove all counts?"));
    call(Some(json!({ "action": "cancel" }))).await;
    assert_eq!(total(&server).await, "5");
    call(Some(json!({ "action": "accept", "content": { "confirm": true } }))).await;
    assert_eq!(total(&server).await, "0");
}
