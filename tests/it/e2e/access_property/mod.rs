//! One property for random principals on every path: what is listed is what can be called, read and watched, as
//! the access policy decides.

mod callers;
mod oracle;
mod paths;

use random_connect::app::toolsets::TOOLSETS;
use random_connect::kernel::access::AccessDecision;
use random_connect::kernel::principal::{Owner, Principal};
use serde_json::{Value, json};

use callers::{CallerGenerator, TestCaller};
use oracle::{Oracle, SHORT_METHODS, TOTAL};
use paths::AccessPath;

use crate::support::key_commands::{ADMIN, INBOX_KEY, SALT};
use crate::support::live_client::{LIVE_TRANSPORTS, LiveClient, LiveTransport};
use crate::support::openid_provider::{OpenIdProvider, SigningKey};
use crate::support::server::TestServer;
use crate::support::stdio_client::StdioClient;
use crate::support::temp_database::TempDatabase;
use crate::tally::TALLY;
use crate::vault::VAULT;

const OWNER_TOKEN: &str = "a-token-for-the-owner";
const JWT_SECRET: &str = "a-secret-that-has-at-least-32-bytes";
const PUBLIC_URL: &str = "https://chat.example";

/// A server with all toolsets and all kinds of credentials.
struct AccessServer {
    server: TestServer,
    provider: OpenIdProvider,
    key: SigningKey,
    _folder: TempDatabase,
}

impl AccessServer {
    async fn start(read_only: bool) -> Self {
        let (folder, key) = (TempDatabase::new(), SigningKey::edwards("a"));
        let provider = OpenIdProvider::start(&[&key]).await;
        let url = format!("sqlite:{}", folder.file().display());
        let settings = [
            ("TOOLSETS", "connect,penpal,tally,vault"),
            ("READ_ONLY", if read_only { "on" } else { "off" }),
            ("OWNER", "ann"),
            ("OWNER_TOKEN", OWNER_TOKEN),
            ("ADMIN_TOKEN", ADMIN),
            ("DATABASE_URL", &url),
            ("ID_SALT", SALT),
            ("INBOX_KEY", INBOX_KEY),
            ("JWT_SECRET", JWT_SECRET),
            ("OIDC_ISSUER", &provider.url),
            ("PUBLIC_URL", PUBLIC_URL),
        ];
        let table = [TOOLSETS, &[TALLY, VAULT]].concat();
        let server = TestServer::with_table(&settings, &table).await;
        Self { server, provider, key, _folder: folder }
    }
}

/// The decision that an answer shows about the tool of a call.
fn decision(answer: &Value) -> AccessDecision {
    match answer["error"]["message"].as_str() {
        Some("Unknown tool.") => AccessDecision::Hidden,
        Some(text) if text.starts_with("Unknown method") => AccessDecision::Hidden,
        Some(text) if text.starts_with("The token needs the scope ") => {
            AccessDecision::InsufficientScope
        }
        _ => AccessDecision::Allowed,
    }
}

/// Checks the property on one path.
async fn check(path: &mut AccessPath<'_>, oracle: &Oracle, principal: &Principal) {
    let listed = path.list("tools/list", "tools", "name").await;
    assert_eq!(listed, oracle.listed(principal, &oracle.tools), "tools of {principal:?}");
    for tool @ (_, _, name) in &oracle.tools {
        let call = json!({ "name": name, "arguments": { "timeout_seconds": 0 } });
        let answer = path.request("tools/call", call).await;
        assert_eq!(decision(&answer), oracle.decide(principal, *tool), "{name}: {answer}");
    }
    let listed = path.list("resources/list", "resources", "uri").await;
    assert_eq!(listed, oracle.listed(principal, &oracle.resources), "resources of {principal:?}");
    for (_, _, uri) in &oracle.resources {
        let is_listed = listed.iter().any(|listed| listed == uri);
        check_resource(path, uri, is_listed, *uri != TOTAL).await;
    }
    let listed = path.list("resources/templates/list", "resourceTemplates", "uriTemplate").await;
    for template in &oracle.templates {
        let (_, _, uri_template) = template.uri_template;
        let is_listed = listed.iter().any(|listed| listed == uri_template);
        let expected = oracle.allows(principal, template.uri_template);
        assert_eq!(is_listed, expected, "{uri_template} of {principal:?}");
        check_resource(path, template.example, is_listed, true).await;
    }
    // Another user's inbox answers as a resource that never was.
    if principal.chat_user().is_some() {
        check_resource(path, "penpal://inbox/ben", false, true).await;
    }
    check_resource(path, "vault://none", false, true).await;
    check_prompts(path, oracle, principal).await;
}

/// Checks that a resource can be read and, if it `is_watchable`, watched, or else is unknown.
async fn check_resource(path: &mut AccessPath<'_>, uri: &str, exists: bool, is_watchable: bool) {
    let mut methods = vec!["resources/read"];
    if path.has_session() && is_watchable {
        methods.push("resources/subscribe");
    }
    for method in methods {
        let answer = path.request(method, json!({ "uri": uri })).await;
        let is_known = answer["error"]["message"] != "Unknown resource.";
        assert_eq!(is_known, exists, "{method} of {uri}: {answer}");
        assert_eq!(answer.get("result").is_some(), exists, "{method} of {uri}: {answer}");
    }
}

async fn check_prompts(path: &mut AccessPath<'_>, oracle: &Oracle, principal: &Principal) {
    let listed = path.list("prompts/list", "prompts", "name").await;
    for prompt @ (_, _, name) in &oracle.prompts {
        let is_listed = listed.iter().any(|listed| listed == name);
        assert_eq!(is_listed, oracle.allows_prompt(principal, *prompt), "{name} of {principal:?}");
        let get = json!({ "name": name, "arguments": { "name": "apples" } });
        let reference = json!({ "type": "ref/prompt", "name": name });
        let complete = json!({ "ref": reference, "argument": { "name": "name", "value": "a" } });
        for (method, params) in [("prompts/get", get), ("completion/complete", complete)] {
            let answer = path.request(method, params).await;
            assert_eq!(answer.get("result").is_some(), is_listed, "{method} of {name}: {answer}");
        }
    }
}

/// Checks that the subscription filter of protocol 2026-07-28 accepts the resources that can be read.
async fn check_filter(server: &TestServer, oracle: &Oracle, principal: &Principal) {
    let mut expected = Vec::new();
    let mut requested = vec!["vault://none"];
    let resources = oracle.resources.iter().map(|part| (part.2, *part));
    let templates = oracle.templates.iter().map(|part| (part.example, part.uri_template));
    for (uri, part) in resources.chain(templates).filter(|(uri, _)| *uri != TOTAL) {
        requested.push(uri);
        expected.extend(oracle.allows(principal, part).then_some(uri));
    }
    if principal.chat_user().is_some() {
        requested.push("penpal://inbox/ben");
    }
    let mut accepted = paths::accepted_subscriptions(server, &requested).await;
    accepted.sort_unstable();
    expected.sort_unstable();
    assert_eq!(accepted, expected, "subscriptions of {principal:?}");
}

/// Checks the property for a caller on every path of a server.
async fn check_caller(server: &TestServer, oracle: &Oracle, caller: &TestCaller) {
    let mut paths =
        vec![AccessPath::Stateless(server), AccessPath::Rmcp(server), AccessPath::Batch(server)];
    for transport in LIVE_TRANSPORTS {
        // The clients over HTTP expect no challenge, which is a response without an answer in their stream.
        if transport == LiveTransport::WebSocket || !caller.is_oidc() {
            paths.push(AccessPath::Live(LiveClient::connect(server, transport).await));
        }
    }
    for path in &mut paths {
        check(path, oracle, &caller.principal).await;
    }
    check_filter(server, oracle, &caller.principal).await;
    for method @ (_, _, name) in SHORT_METHODS {
        let (_, answer) = server.short_form(name, json!({ "message": "#help" })).await;
        assert_eq!(decision(&answer), oracle.decide(&caller.principal, method), "{name}: {answer}");
    }
}

/// Checks the property for random callers: the connector, the owner, and this many of each other kind.
async fn check_callers(read_only: bool, each: usize, seed: u64) {
    let mut server = AccessServer::start(read_only).await;
    let oracle = Oracle::of_all(read_only);
    let callers = CallerGenerator::new(&server, &oracle, seed).callers(each).await;
    for caller in &callers {
        server.server.token.clone_from(&caller.token);
        check_caller(&server.server, &oracle, caller).await;
    }
}

#[tokio::test]
async fn access_of_random_principals_is_the_same_on_every_path() {
    check_callers(false, 7, 20).await;
}

#[tokio::test]
async fn access_of_random_principals_to_a_read_only_server_is_the_same_on_every_path() {
    check_callers(true, 4, 21).await;
}

#[tokio::test]
async fn access_over_stdio_is_that_of_the_environment() {
    for read_only in [false, true] {
        let variables = [
            ("TOOLSETS", "connect,penpal"),
            ("PLAYGROUND", "off"),
            ("READ_ONLY", if read_only { "on" } else { "off" }),
        ];
        let mut path = AccessPath::Stdio(StdioClient::connect(&variables).await);
        let principal = Principal::environment(Owner::named("me").expect("valid"));
        check(&mut path, &Oracle::of_chat(read_only), &principal).await;
    }
}
