//! The credits of the gateway on the operator's routes and tools.

use std::time::Duration;

use random_connect::gateway::ledger::ids::{HoldId, NodeId, RequestKey};
use random_connect::gateway::ledger::request::{Reservation, ReserveOutcome, Settlement};
use random_connect::gateway::ledger::usage::{
    GatewayUsage, USAGE_PAGE_LIMIT, UsageSource, UsageStatus,
};
use random_connect::gateway::money::MicroCredits;
use random_connect::gateway::plan::open_accounts;
use random_connect::kernel::clock::Clock;
use random_connect::kernel::id::{IdHasher, Realm, UserId};
use random_connect::kernel::model::ModelUsage;
use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::gateway_operator::{balance, server};
use crate::support::key_commands::{ADMIN, SALT, admin};
use crate::support::server::{TestServer, fetch_json, http_client};

fn account(user: &str) -> UserId {
    IdHasher::from_salt(SALT.as_bytes()).user_id(Realm::Owner, user)
}

async fn post(server: &TestServer, path: &str, body: Value) -> (StatusCode, Value) {
    admin(server, Method::POST, &format!("accounts/{path}"), Some(body)).await
}

/// Calls a tool of the operator; returns its result.
async fn tool(server: &TestServer, name: &str, arguments: Value) -> Value {
    let params = json!({ "name": name, "arguments": arguments });
    rpc(server, "tools/call", params).await["result"].clone()
}

async fn rpc(server: &TestServer, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let request = http_client().post(format!("{}/admin/mcp", server.url)).bearer_auth(ADMIN);
    fetch_json(request.json(&body)).await.1
}

/// An export: its status, its content type and its text.
async fn export(server: &TestServer, query: &str) -> (StatusCode, String, String) {
    let request = http_client().get(format!("{}/admin/usage{query}", server.url));
    let response = request.bearer_auth(ADMIN).send().await.expect("a response");
    let (status, headers) = (response.status(), response.headers().clone());
    let kind = headers["content-type"].to_str().expect("text").to_owned();
    (status, kind, response.text().await.expect("the whole text"))
}

/// Places the hold `number` on the account of a user. Returns its settlement.
async fn reserve(server: &TestServer, user: &str, number: u128) -> Settlement {
    let accounts = open_accounts(server.database.as_ref().expect("a database"));
    let (hold, now) = (HoldId::from_bytes(number.to_be_bytes()), server.clock.now());
    let reservation = Reservation {
        hold,
        account: account(user),
        key: RequestKey::of(&number.to_string()),
        body_hash: [0; 32],
        ask: MicroCredits::from_micros(10),
        least: MicroCredits::from_micros(10),
        start_credits: MicroCredits::from_micros(500_000),
        service: None,
        limits: None,
        tokens: 0,
        provider: "openai".to_owned(),
        model: "=small".to_owned(),
        node: NodeId::from_bytes([1; 16]),
        lease_until: now + Duration::from_secs(60),
        now,
    };
    let reserved = accounts.reserve(reservation).await.expect("the accounts answer");
    assert!(matches!(reserved, ReserveOutcome::Reserved { .. }), "{reserved:?}");
    Settlement {
        hold,
        charge: MicroCredits::from_micros(1),
        usage: GatewayUsage {
            provider: "openai".to_owned(),
            response_model: None,
            tokens: ModelUsage { output_tokens: Some(7), ..ModelUsage::default() },
            source: UsageSource::Provider,
            status: UsageStatus::Done,
            finish: Some("stop".to_owned()),
            first_token_ms: Some(1),
            total_ms: 2,
            attempts: 1,
        },
        reserved_tokens: None,
        result: None,
        releases_key: false,
        now,
    }
}

/// Charges a user for requests with these numbers.
async fn charge(server: &TestServer, user: &str, numbers: std::ops::Range<u128>) {
    let accounts = open_accounts(server.database.as_ref().expect("a database"));
    for number in numbers {
        let settlement = reserve(server, user, number).await;
        accounts.settle(settlement).await.expect("the accounts answer");
    }
}

#[tokio::test]
async fn gateway_accounts_are_looked_up_and_changed_by_the_operator() {
    let (mut server, _, _folder) = server().await;
    let hex = account("ann-the-user").to_hex();
    let change = json!({ "user": "ann-the-user", "amount": "2", "reason": "a gift", "key": "k" });
    let expected = json!({ "account": hex, "balance": 2.5, "held": 0 });
    for _ in 0..2 {
        assert_eq!(
            post(&server, "credit", change.clone()).await,
            (StatusCode::OK, expected.clone())
        );
    }
    charge(&server, "ann-the-user", 1..3).await;
    reserve(&server, "ann-the-user", 3).await;
    let refund = json!({ "account": hex, "amount": "0.000001", "kind": "refund" });
    let (_, refunded) = post(&server, "credit", refund).await;
    assert_eq!((&refunded["balance"], &refunded["held"]), (&json!(2.499_999), &json!(0.000_01)));
    assert_eq!(balance(&mut server, "ann-the-user").await, json!(2.499_999));

    let (_, seen) = post(&server, "look-up", json!({ "user": "ann-the-user" })).await;
    assert_eq!(seen["account"], hex);
    let kinds: Vec<_> =
        seen["entries"].as_array().expect("entries").iter().map(|e| &e["kind"]).collect();
    assert_eq!(kinds, ["refund", "charge", "charge", "top_up", "start"]);
    assert_eq!(seen["entries"][3]["reason"], "a gift");
    assert_eq!(seen["entries"][1]["hold"].as_str().map(str::len), Some(32));
    assert_eq!(
        (&seen["requests"][0]["charged"], &seen["requests"][1]["output_tokens"]),
        (&json!(0.000_001), &json!(7))
    );
    let older = json!({ "account": hex, "before": 2 });
    let (_, page) = post(&server, "look-up", older.clone()).await;
    assert_eq!((&page["entries"][0]["kind"], &page["next"]), (&json!("start"), &json!(null)));
    let by_tool = tool(&server, "look_up_account", older).await;
    assert_eq!(by_tool["structuredContent"], page);
    let changed = tool(&server, "change_credits", json!({ "account": hex, "amount": "-1" })).await;
    assert_eq!(changed["structuredContent"]["balance"], 1.499_999);
    let (_, holds) = admin(&server, Method::GET, "accounts/holds", None).await;
    assert_eq!((&holds["count"], &holds["amount"]), (&json!(1), &json!(0.000_01)));
    assert_eq!(tool(&server, "open_holds", json!({})).await["structuredContent"], holds);

    let (_, log) = admin(&server, Method::GET, "log", None).await;
    let actions: Vec<_> = log
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| line["what"].as_str().expect("text"))
        .collect();
    let code = account("ann-the-user");
    let expected = [
        format!("topped up account {code} by 2 credits"),
        format!("topped up account {code} by 2 credits"),
        format!("refunded account {code} by 0.000001 credits"),
        format!("looked up account {code}"),
        format!("looked up account {code}"),
        format!("looked up account {code}"),
        format!("adjusted account {code} by -1 credits"),
    ];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn gateway_accounts_refuse_bad_input_and_change_nothing() {
    let (mut server, _, _folder) = server().await;
    let valid = json!({ "user": "ann", "amount": "1" });
    for (field, value, expected) in [
        ("user", json!(""), "the name of an owner"),
        ("user", json!(null), "either user or account"),
        ("account", json!("00"), "either user or account"),
        ("amount", json!(1), "amount must be"),
        ("amount", json!("1e3"), "up to six decimal places"),
        ("amount", json!("0"), "zero"),
        ("kind", json!("gift"), "one of top_up, adjustment, refund"),
        ("reason", json!("a\nb"), "control characters"),
        ("key", json!(""), "a key has"),
        ("amont", json!("1"), "`amont`"),
    ] {
        let mut body = valid.clone();
        body[field] = value;
        let (status, answer) = post(&server, "credit", body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{field}: {answer}");
        assert!(answer["error"].as_str().is_some_and(|error| error.contains(expected)), "{answer}");
    }
    let unknown = json!({ "account": account("never-seen").to_hex(), "amount": "1" });
    let (status, answer) = post(&server, "credit", unknown).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
    for body in [json!({ "account": "00" }), json!({}), json!({ "user": "ann", "before": -1 })] {
        assert_eq!(post(&server, "look-up", body).await.0, StatusCode::BAD_REQUEST);
    }
    for (query, expected) in [
        ("?format=xml", "csv or jsonl"),
        ("?from=yesterday", "a time is a date"),
        ("?to=2026-13-01", "a time is a date"),
        ("?from=2026-11-02&to=2026-11-02", "from must be before to"),
        ("?account=x", "32 hex digits"),
        ("?user=%20ann", "the name of an owner"),
        ("?form=2026-11-02", "no such query"),
    ] {
        let (status, _, answer) = export(&server, query).await;
        assert!(
            status == StatusCode::BAD_REQUEST && answer.contains(expected),
            "{query}: {answer}"
        );
    }
    assert_eq!(admin(&server, Method::GET, "log", None).await.1, json!([]), "no action was run");
    let taken = json!({ "user": "ann", "amount": "-0.500001" });
    let (status, answer) = post(&server, "credit", taken).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    assert_eq!(balance(&mut server, "ann").await, json!(0.5));
}

#[tokio::test]
async fn gateway_usage_export_has_every_request_once() {
    let (server, _, _folder) = server().await;
    let many = u128::try_from(USAGE_PAGE_LIMIT).expect("a number") + 3;
    charge(&server, "ann", 0..many).await;
    server.clock.advance(Duration::from_secs(60));
    let between = server.clock.now().to_iso_8601();
    charge(&server, "ben", many..many + 2).await;
    server.clock.advance(Duration::from_secs(60));
    charge(&server, "ben", many + 2..many + 3).await;

    let (status, kind, csv) = export(&server, "").await;
    assert_eq!((status, kind.as_str()), (StatusCode::OK, "text/csv; charset=utf-8"));
    let mut holds: Vec<_> = csv.lines().skip(1).map(|line| line.split(',').nth(2)).collect();
    assert!(csv.starts_with("at,account,hold,") && csv.contains(",'=small,"), "{csv:.300}");
    holds.sort_unstable();
    holds.dedup();
    // The last request may not be settled in order yet.
    assert_eq!((holds.len(), csv.lines().count()), (USAGE_PAGE_LIMIT + 5, USAGE_PAGE_LIMIT + 6));
    let (_, kind, lines) = export(&server, "?format=jsonl&user=ben").await;
    assert_eq!(kind, "application/jsonl");
    let rows: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["account"] == account("ben").to_hex()));
    let (_, _, before) = export(&server, &format!("?to={between}&format=jsonl")).await;
    assert_eq!(before.lines().count(), USAGE_PAGE_LIMIT + 3);
    let (_, _, after) = export(&server, &format!("?from={between}&format=jsonl")).await;
    assert_eq!(after, lines);
    server.clock.advance(Duration::from_secs(60));
    let ben = account("ben").to_hex();
    let (_, _, later) = export(&server, &format!("?account={ben}&format=jsonl")).await;
    assert_eq!(later.lines().count(), 3);
    let log = admin(&server, Method::GET, "log", None).await.1.to_string();
    assert!(
        log.contains("exported the usage of all accounts") && log.contains("of account"),
        "{log}"
    );
}

#[tokio::test]
async fn gateway_usage_export_breaks_off_if_the_accounts_fail() {
    let (server, _, _folder) = server().await;
    server.database.as_ref().expect("a database").close().await;
    let (status, _, answer) = export(&server, "").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    let ready = http_client().get(format!("{}/ready", server.url)).send().await;
    let ready = ready.expect("a response").text().await.expect("text");
    assert!(ready.contains("gateway"), "{ready}");
}

#[tokio::test]
async fn gateway_account_tools_exist_only_with_the_gateway() {
    let (server, _, _folder) = server().await;
    let listed = rpc(&server, "tools/list", json!({})).await;
    let tools = listed["result"]["tools"].as_array().expect("tools").clone();
    let own = ["change_credits", "look_up_account", "open_holds"];
    for tool in &tools {
        let name = tool["name"].as_str().expect("a name");
        if own.contains(&name) {
            insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
                insta::assert_json_snapshot!(format!("admin_{name}"), tool);
            });
        }
    }
    let has = |tools: &[Value], name: &str| tools.iter().any(|tool| tool["name"] == name);
    assert!(own.iter().all(|name| has(&tools, name)) && has(&tools, "ban"), "{tools:?}");
    let without = TestServer::with(&[("ADMIN_TOKEN", ADMIN)], ConnectionLimits::default()).await;
    let listed = rpc(&without, "tools/list", json!({})).await;
    let tools = listed["result"]["tools"].as_array().expect("tools").clone();
    assert!(own.iter().all(|name| !has(&tools, name)) && has(&tools, "ban"));
    let status = async |path: &str| {
        let request = http_client().get(format!("{}/admin/{path}", without.url));
        request.bearer_auth(ADMIN).send().await.expect("a response").status()
    };
    let unknown = status("nothing").await;
    assert_eq!((status("usage").await, status("accounts/holds").await), (unknown, unknown));
}
