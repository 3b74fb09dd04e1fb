//! Requests that a credit service pays for: `CREDIT_SERVICE_URL`.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use random_connect::gateway::ledger::store::GatewayLedger;
use random_connect::gateway::plan::open_accounts;
use random_connect::kernel::clock::Clock;
use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::Method;
use serde_json::json;
use tokio::time::timeout;

use crate::support::backends::memory_only;
use crate::support::credit_service::{CreditServiceStandIn, ServiceFault};
use crate::support::gateway_socket::{GatewayScene, GatewaySocket, gateway_request, micros};
use crate::support::key_commands::{ADMIN, admin};
use crate::support::postgres_server::TestPostgres;
use crate::support::provider_stand_in::AnswerScript;
use crate::support::server::TEST_TIMEOUT;

/// The price of the default answer and its request, in millionths.
const PRICE: i64 = 39;

async fn scene(service: &CreditServiceStandIn, variables: &[(&str, &str)]) -> GatewayScene {
    let settings = [&service.settings()[..], variables].concat();
    GatewayScene::with(&settings, ConnectionLimits::default()).await
}

fn accounts(scene: &GatewayScene) -> Arc<dyn GatewayLedger> {
    open_accounts(scene.server.database.as_ref().expect("a database"))
}

/// Waits until the service has confirmed all charges.
async fn all_deducted(accounts: &dyn GatewayLedger) {
    let deducted = async {
        while accounts.due_deductions().await.expect("the accounts answer").count > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(TEST_TIMEOUT, deducted).await.expect("deductions in time");
}

/// A new database for a server, with what must live as long.
async fn postgres() -> Option<TestPostgres> {
    if memory_only() { None } else { Some(TestPostgres::create().await) }
}

#[tokio::test]
async fn gateway_credit_service_pays_each_request_once() {
    for postgres in [None, postgres().await] {
        let service = CreditServiceStandIn::start(&[("ann", 1_000_000)]).await;
        let url = postgres.as_ref().map(|database| ("DATABASE_URL", database.url.as_str()));
        let scene = scene(&service, &url.into_iter().collect::<Vec<_>>()).await;
        let mut socket = scene.socket("ann").await;
        assert_eq!(socket.ready["balance"], 1, "{}", socket.ready);
        let reply = socket.ask(&gateway_request(1, json!({ "idempotencyKey": "a" }))).await;
        let charged = reply.charged();
        assert!(charged > 0 && reply.text == "Hello, world.", "{reply:?}");
        assert_eq!(micros(&reply.end["credits"]["balance"]), 1_000_000 - charged);
        all_deducted(accounts(&scene).as_ref()).await;
        assert_eq!(service.books.balance("ann"), 1_000_000 - charged);
        // A repeated request costs nothing, and the balance is that of the service.
        assert_eq!(
            socket.ask(&gateway_request(2, json!({ "idempotencyKey": "a" }))).await.text,
            reply.text
        );
        service.books.set("ann", 500_000);
        assert_eq!(socket.credits().await, (500_000, 0));
        let deductions = service.books.calls("/deduct");
        assert_eq!(deductions.len(), 1, "{deductions:?}");
        let key = deductions[0].key.as_deref().expect("a key");
        assert!(key.len() == 32 && deductions[0].user == "ann" && deductions[0].amount == charged);
        let audit = accounts(&scene).audit().await.expect("the accounts answer");
        assert!(audit.is_balanced(), "{audit:?}");
    }
}

#[tokio::test]
async fn gateway_credit_service_that_fails_refuses_requests_before_a_provider_is_asked() {
    let service = CreditServiceStandIn::start(&[("ann", 1_000_000)]).await;
    let scene = scene(&service, &[]).await;
    let mut socket = scene.socket("ann").await;
    let texts = [
        "",
        "{",
        "[]",
        "null",
        r#"{"balance":1}"#,
        r#"{"balance":"-1"}"#,
        r#"{"balance":"NaN"}"#,
        r#"{"balance":"0.0000001"}"#,
        r#"{"balance":"1e3"}"#,
        r#"{"balance":"1000000001"}"#,
        r#"{"credits":"5"}"#,
        r#"{"balance":null}"#,
        r#"{"balance":""}"#,
        "<html>5</html>",
    ];
    let faults = texts.map(ServiceFault::Text).into_iter().chain(
        [500, 503, 404, 401, 402, 301]
            .map(ServiceFault::Status)
            .into_iter()
            .chain([ServiceFault::Hang]),
    );
    for (id, fault) in faults.enumerate() {
        service.books.fail_checks(fault.clone());
        let reply = socket.ask(&gateway_request(id, json!({}))).await;
        assert_eq!(reply.code(), "LEDGER_UNAVAILABLE", "{fault:?}: {reply:?}");
        assert_eq!(reply.end["error"]["retryable"], true);
    }
    socket.send(&json!({ "type": "balance", "id": "b" })).await;
    assert_eq!(socket.next_of("error").await["error"]["code"], "LEDGER_UNAVAILABLE");
    let token = format!("Bearer {}", scene.token("ann"));
    let headers = [("authorization", token.as_str())];
    let refused = GatewaySocket::try_open(scene.server.address(), "/gateway", &headers);
    assert_eq!(refused.await.err().expect("refused").0, 503);
    assert_eq!(scene.openai.state.requests().len() + scene.claude.state.requests().len(), 0);
    service.books.fail_checks(ServiceFault::None);
    assert_eq!(socket.ask(&gateway_request("up", json!({}))).await.text, "Hello, world.");
    drop(service);
    let reply = socket.ask(&gateway_request("down", json!({}))).await;
    assert_eq!(reply.code(), "LEDGER_UNAVAILABLE", "{reply:?}");
}

#[tokio::test]
async fn gateway_credit_service_with_too_little_refuses_with_the_numbers() {
    let service = CreditServiceStandIn::start(&[("ann", 20)]).await;
    let scene = scene(&service, &[]).await;
    for user in ["ann", "of another place"] {
        let reply = scene.socket(user).await.ask(&gateway_request(1, json!({}))).await;
        assert_eq!(reply.code(), "INSUFFICIENT_CREDITS", "{reply:?}");
        let available = if user == "ann" { json!(0.00002) } else { json!(0) };
        assert_eq!(reply.end["error"]["available"], available);
    }
    assert_eq!(scene.openai.state.requests().len(), 0);
    assert_eq!(service.books.calls("/deduct").len(), 0);
}

#[tokio::test]
async fn gateway_deduction_is_repeated_until_the_service_confirms_its_amount() {
    let service = CreditServiceStandIn::start(&[("ann", 1_000_000)]).await;
    let scene = scene(&service, &[]).await;
    let mut socket = scene.socket("ann").await;
    let accounts = accounts(&scene);
    service.books.fail_deductions(ServiceFault::Status(500));
    let charged = socket.ask(&gateway_request(1, json!({}))).await.charged();
    let faults = [
        ServiceFault::Text("<html>"),
        ServiceFault::Text(r#"{"deducted":"0.000001"}"#),
        ServiceFault::Text(r#"{"deducted":0.5}"#),
        ServiceFault::Text(r#"{"balance":"5"}"#),
        ServiceFault::Status(402),
        ServiceFault::Status(409),
    ];
    let mut attempts = 1;
    for fault in faults {
        let count = move |service: &CreditServiceStandIn| service.books.calls("/deduct").len();
        wait_until(|| count(&service) >= attempts).await;
        assert_eq!(accounts.due_deductions().await.expect("an answer").amount.as_micros(), charged);
        // Before the deduction, the charge is subtracted here.
        assert_eq!(socket.credits().await, (1_000_000 - charged, 0), "{fault:?}");
        service.books.fail_deductions(fault);
        attempts = count(&service) + 1;
        scene.server.clock.advance(Duration::from_secs(300));
    }
    wait_until(|| service.books.calls("/deduct").len() >= attempts).await;
    // Its effect is lost on the way back, and the next attempt has the same key.
    service.books.fail_deductions(ServiceFault::LoseAnswer);
    scene.server.clock.advance(Duration::from_secs(300));
    service.books.wait_for_deductions(1).await;
    service.books.fail_deductions(ServiceFault::None);
    let advance = async {
        loop {
            scene.server.clock.advance(Duration::from_secs(300));
            timeout(Duration::from_millis(50), std::future::pending::<()>()).await.ok();
        }
    };
    tokio::select! {
        () = all_deducted(accounts.as_ref()) => {}
        () = advance => {}
    }
    assert_eq!(service.books.deducted("ann"), (charged, 1));
    let keys: Vec<_> = service.books.calls("/deduct").into_iter().map(|call| call.key).collect();
    assert!(keys.iter().all(|key| key == &keys[0]) && keys.len() > 7, "{keys:?}");
    assert_eq!(socket.credits().await, (1_000_000 - charged, 0));
}

async fn wait_until(is_reached: impl Fn() -> bool) {
    let reached = async {
        while !is_reached() {
            tokio::task::yield_now().await;
        }
    };
    timeout(TEST_TIMEOUT, reached).await.expect("in time");
}

#[tokio::test]
async fn gateway_holds_bound_concurrent_requests_over_two_instances_with_one_credit_service() {
    let Some(postgres) = postgres().await else { return };
    let service = CreditServiceStandIn::start(&[("ann", 20 * PRICE)]).await;
    let variables = [("DATABASE_URL", postgres.url.as_str())];
    let scenes = [scene(&service, &variables).await, scene(&service, &variables).await];
    for scene in &scenes {
        for _ in 0..30 {
            let mut script = AnswerScript::of(["Hello", ", ", "world", "."]);
            script.pace = Duration::from_millis(5);
            scene.openai.state.add(script);
        }
    }
    let asked = (0..40).map(|number| {
        let scene = &scenes[number % 2];
        async move {
            let reply = scene
                .socket("ann")
                .await
                .ask(&gateway_request(1, json!({ "maxTokens": 64 })))
                .await;
            (reply.code().to_owned(), reply.charged())
        }
    });
    let ends = join_all(asked).await;
    let charged: i64 = ends.iter().map(|(_, charged)| charged).sum();
    let is_known = |code: &str| matches!(code, "" | "INSUFFICIENT_CREDITS");
    assert!(ends.iter().all(|(code, _)| is_known(code)), "{ends:?}");
    assert!(charged > 0 && ends.iter().any(|(code, _)| !code.is_empty()), "{ends:?}");
    all_deducted(accounts(&scenes[0]).as_ref()).await;
    assert_eq!(service.books.balance("ann"), 20 * PRICE - charged);
    let done = ends.iter().filter(|(code, _)| code.is_empty()).count();
    assert_eq!(service.books.deducted("ann"), (charged, done));
    // The key would absorb a second call, but there is none.
    assert_eq!(service.books.calls("/deduct").len(), done);
    let audit = accounts(&scenes[1]).audit().await.expect("the accounts answer");
    assert!(audit.is_balanced() && audit.held.as_micros() == 0, "{audit:?}");
}

#[tokio::test]
async fn gateway_balances_of_a_credit_service_are_shown_and_not_changed() {
    let service = CreditServiceStandIn::start(&[("ann", 2_500_000)]).await;
    let scene = scene(&service, &[("ADMIN_TOKEN", ADMIN)]).await;
    service.books.fail_deductions(ServiceFault::Status(503));
    let charged = scene.socket("ann").await.ask(&gateway_request(1, json!({}))).await.charged();
    let post = async |path: &str, body| {
        admin(&scene.server, Method::POST, &format!("accounts/{path}"), Some(body)).await
    };
    let (_, account) = post("look-up", json!({ "user": "ann" })).await;
    assert_eq!(micros(&account["balance"]), 2_500_000 - charged, "{account}");
    let (status, refusal) = post("credit", json!({ "user": "ann", "amount": "5" })).await;
    assert_eq!(status.as_u16(), 409);
    assert!(refusal.to_string().contains("CREDIT_SERVICE_URL"), "{refusal}");
    let holds = admin(&scene.server, Method::GET, "accounts/holds", None).await.1;
    assert_eq!(holds["deductions"]["count"], 1, "{holds}");
    assert_eq!(holds["deductions"]["oldest"], scene.server.clock.now().to_iso_8601());
    service.books.fail_checks(ServiceFault::Status(500));
    assert_eq!(post("look-up", json!({ "user": "ann" })).await.0.as_u16(), 503);
    // By its code alone, the account has the balance of its last entry.
    let (status, account) = post("look-up", json!({ "account": account["account"] })).await;
    assert_eq!((status.as_u16(), &account["entries"][1]["kind"]), (200, &json!("service")));
}
