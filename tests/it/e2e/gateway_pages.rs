//! The page to try the gateway, and the gateway on the dashboard, in a real browser.
//!
//! One test runs all steps, because a browser starts slowly.

use std::time::Duration;

use fantoccini::key::Key;
use random_connect::gateway::money::MicroCredits;
use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::json;

use crate::support::browser::Browser;
use crate::support::gateway_socket::GatewayScene;
use crate::support::provider_stand_in::{AnswerScript, StandInFault};
use crate::support::server::{TOKEN, TestServer, http_client};

const ADMIN_TOKEN: &str = "a-token-for-the-operator";

/// The last answer on the page.
const ANSWER: &str = "#log .answer:last-child";

/// Makes the page's sockets reachable, so that a test can close one.
const RECORD_SOCKETS_JS: &str = "const Socket = WebSocket; window.sockets = [];
    window.WebSocket = class extends Socket {
        constructor(...parts) { super(...parts); window.sockets.push(this); }
    };";

/// Sends a message, once the answer before has ended.
async fn ask(browser: &Browser, text: &str) {
    let is_idle =
        "const send = document.getElementById('send'); return !send.hidden && !send.disabled";
    browser.expect_value(is_idle, &json!(true)).await;
    browser.write("#text", text).await;
}

fn part(of_answer: &str) -> String {
    format!("{ANSWER} {of_answer}")
}

fn failing(status: u16) -> AnswerScript {
    let body = json!({ "error": { "message": "out of order" } });
    AnswerScript::with(StandInFault::Status { status, headers: Vec::new(), body })
}

#[tokio::test]
async fn gateway_page_journey_in_a_real_browser() {
    let admin = [("ADMIN_TOKEN", ADMIN_TOKEN)];
    let scene = GatewayScene::with(&admin, ConnectionLimits::default()).await;
    let browser = Browser::start().await;
    browser.set_size(320, 640).await;
    browser.open(&format!("{}/gateway/try", scene.server.url)).await;
    browser.evaluate(RECORD_SOCKETS_JS).await;
    try_page_explains_tokens_that_it_refuses(&browser, &scene).await;
    try_page_streams_an_answer_and_shows_its_bill(&browser, &scene).await;
    try_page_works_with_the_keyboard(&browser, &scene).await;
    try_page_cancels_an_answer(&browser, &scene).await;
    try_page_names_the_provider_that_takes_over(&browser, &scene).await;
    assert_eq!(browser.console_errors().await, Vec::<String>::new());
    try_page_reads_an_answer_on_after_a_lost_connection(&browser, &scene).await;
    try_page_explains_missing_credits(&browser, &scene).await;
    try_page_renews_a_token(&browser, &scene).await;
    dashboard_shows_the_gateway(&browser, &scene).await;
    browser.close().await;
}

async fn try_page_explains_tokens_that_it_refuses(browser: &Browser, scene: &GatewayScene) {
    browser.text("#gate h2").await;
    browser.has_no_overflow().await;
    browser.check_legibility().await;
    for (token, words) in [
        ("wrong", "no token that is valid"),
        (TOKEN, "belongs to no user"),
        ("a,b", "can't send a token with these characters"),
    ] {
        browser.evaluate("document.getElementById('token').value = ''").await;
        browser.write("#token", token).await;
        browser.expect_text("#wrong", words).await;
    }
    browser.evaluate("document.getElementById('token').value = ''").await;
    browser.write("#token", &scene.token("ann")).await;
    browser.expect_text("#balance", "1 credits").await;
    browser.expect_text("#connection", "Connected").await;
    let address = "return location.href";
    let expected = json!(format!("{}/gateway/try", scene.server.url));
    assert_eq!(browser.evaluate(address).await, expected);
    browser.evaluate("document.getElementById('model').value = 'gpt-6-luna'").await;
}

/// The bill of the last answer: tokens of input and output, charge and balance in millionths.
async fn bill(browser: &Browser) -> [i64; 4] {
    let text = browser.text(&part(".bill")).await;
    let pattern = r"^(\d+) tokens in, (\d+) out(?:, estimated)?: (\S+) credits, (\S+) left$";
    let found = regex::Regex::new(pattern).expect("a pattern");
    let found = found.captures(&text).unwrap_or_else(|| panic!("{text}"));
    let [input, output, charged, balance] = found.extract().1;
    let tokens = |count: &str| count.parse::<i64>().expect("a count");
    let micros = |amount: &str| amount.parse::<MicroCredits>().expect("an amount").as_micros();
    [tokens(input), tokens(output), micros(charged), micros(balance)]
}

async fn try_page_streams_an_answer_and_shows_its_bill(browser: &Browser, scene: &GatewayScene) {
    // Hebrew, which is written from right to left.
    let pace = Duration::from_millis(20);
    let script = AnswerScript {
        pace, ..AnswerScript::of(["אור ", "כחול ", "מתפזר ", "יותר"])
    };
    scene.openai.state.add(script);
    ask(browser, "למה השמים כחולים?").await;
    browser.expect_text(&part(".source"), "gpt-6-luna, openai").await;
    browser.expect_text(&part(".text"), "אור כחול מתפזר יותר").await;
    let [input, output, charged, balance] = bill(browser).await;
    let invoice = scene.openai.state.invoice();
    let [row] = &invoice[..] else { panic!("one request") };
    let counted = [input, output].map(|count| u64::try_from(count).expect("a count"));
    assert_eq!(counted, [row.input_tokens, row.output_tokens]);
    assert!(charged > 0 && balance == 1_000_000 - charged, "{charged} {balance}");
    let stored = scene.socket("ann").await.credits().await;
    assert_eq!(stored, (balance, 0));
    let direction = |css: &str| {
        format!("return getComputedStyle(document.querySelector({})).direction", json!(css))
    };
    assert_eq!(browser.evaluate(&direction(&part(".text"))).await, "rtl");
    assert_eq!(browser.evaluate(&direction(&part(".bill"))).await, "ltr");
    // A screen reader hears the whole answer with its price, once.
    browser.expect_text("#announcement", "אור כחול מתפזר יותר").await;
    browser.expect_text("#announcement", "credits").await;
    let busy = format!("return document.querySelector({}).ariaBusy", json!(ANSWER));
    assert_eq!(browser.evaluate(&busy).await, "false");
    browser.has_no_overflow().await;
    browser.check_legibility().await;
    browser.screenshot("gateway-try-narrow").await;
}

async fn try_page_works_with_the_keyboard(browser: &Browser, scene: &GatewayScene) {
    let key = |key: Key| char::from(key).to_string();
    let focused = "return document.activeElement.id";
    assert_eq!(browser.evaluate(focused).await, "text", "the composer has the focus again");
    let line = format!("{}{}{}", key(Key::Shift), key(Key::Enter), key(Key::Null));
    browser.keys(&format!("one{line}two")).await;
    let value = "return document.getElementById('text').value";
    assert_eq!(browser.evaluate(value).await, "one\ntwo");
    browser.keys(&key(Key::Enter)).await;
    browser.expect_text(&part(".text"), "Hello, world.").await;
    let requests = scene.openai.state.requests();
    let messages = &requests.last().expect("a request").body["messages"];
    assert_eq!(messages.as_array().map(Vec::len), Some(3), "the whole conversation");
    assert_eq!(messages[2]["content"], "one\ntwo");
    for wanted in ["send", "quiet", "theme"] {
        browser.tab_to(wanted).await;
    }
    browser.click("#text").await;
}

async fn try_page_cancels_an_answer(browser: &Browser, scene: &GatewayScene) {
    let script = AnswerScript::of(["First ", "second"]).fault(StandInFault::StallAfter(1));
    scene.openai.state.add(script);
    ask(browser, "Go on without an end").await;
    browser.expect_text(&part(".text"), "First").await;
    browser.expect_hidden("#send").await;
    browser.click("#cancel").await;
    browser.expect_text(&part(".problem"), "Cancelled.").await;
    let [_, output, charged, balance] = bill(browser).await;
    assert!(output > 0 && charged > 0, "what was received is charged");
    assert_eq!(scene.socket("ann").await.credits().await, (balance, 0));
    browser.expect_hidden("#cancel").await;
}

async fn try_page_names_the_provider_that_takes_over(browser: &Browser, scene: &GatewayScene) {
    scene.openai.state.add(failing(529));
    ask(browser, "Still working?").await;
    browser.expect_text(&part(".source"), "claude-haiku-5-5, claude").await;
    browser.expect_text(&part(".text"), "Hello, world.").await;
    for provider in [&scene.openai, &scene.claude] {
        (0..4).for_each(|_| provider.state.add(failing(500)));
    }
    ask(browser, "And now?").await;
    browser.expect_text(&part(".problem"), "No provider of this model answers.").await;
    browser.check_legibility().await;
    browser.click("#restart").await;
    browser.expect_hidden("#log li").await;
}

async fn try_page_reads_an_answer_on_after_a_lost_connection(
    browser: &Browser,
    scene: &GatewayScene,
) {
    let words: Vec<_> = (0..40).map(|n| format!("word{n} ")).collect();
    let pace = Duration::from_millis(30);
    let script = AnswerScript { pace, ..AnswerScript::of(words.iter().map(String::as_str)) };
    // Answers that were scripted for attempts which were not made.
    scene.openai.state.clear();
    scene.claude.state.clear();
    scene.openai.state.add(script);
    ask(browser, "Count").await;
    browser.expect_text(&part(".text"), "word2").await;
    browser.evaluate("window.sockets.at(-1).close()").await;
    browser.expect_text(&part(".text"), "word39").await;
    let text = browser.text(&part(".text")).await;
    assert_eq!(text.trim(), words.concat().trim(), "no piece is missing or repeated");
    bill(browser).await;
    browser.expect_value("return window.sockets.length", &json!(2)).await;
    browser.expect_text("#connection", "Connected").await;
}

async fn try_page_explains_missing_credits(browser: &Browser, scene: &GatewayScene) {
    let balance = MicroCredits::from_micros(scene.socket("ann").await.credits().await.0 - 1);
    let change = json!({ "user": "ann", "amount": format!("-{balance}"), "kind": "adjustment" });
    let url = format!("{}/admin/accounts/credit", scene.server.url);
    let response = http_client().post(url).bearer_auth(ADMIN_TOKEN).json(&change).send().await;
    assert_eq!(response.expect("a response").status(), 200);
    ask(browser, "Anything left?").await;
    browser.expect_text(&part(".problem"), "Not enough credits").await;
    browser.expect_text(&part(".problem"), "you have 0.000001").await;
    browser.check_legibility().await;
}

/// The token of ben ends within a minute, so that the page asks for another one.
async fn try_page_renews_a_token(browser: &Browser, scene: &GatewayScene) {
    browser.evaluate("sessionStorage.clear()").await;
    browser.open(&format!("{}/gateway/try", scene.server.url)).await;
    browser.write("#token", &scene.token_for("ben", Duration::from_secs(30))).await;
    browser.expect_text("#renewal-reason", "Your token expires within a minute").await;
    browser.has_no_overflow().await;
    browser.check_legibility().await;
    browser.write("#renewed", "wrong").await;
    browser.expect_text("#renewal-reason", "no token that is valid").await;
    browser.evaluate("document.getElementById('renewed').value = ''").await;
    let token = scene.token("ben");
    browser.write("#renewed", &token).await;
    browser.expect_hidden("#renewal").await;
    scene.server.clock.advance(Duration::from_secs(31));
    browser.evaluate("document.getElementById('model').value = 'gpt-6-luna'").await;
    ask(browser, "Does it work?").await;
    browser.expect_text(&part(".text"), "Hello, world.").await;
    let stored = "return sessionStorage.getItem('gateway-token')";
    assert_eq!(browser.evaluate(stored).await, json!(token));
}

async fn dashboard_shows_the_gateway(browser: &Browser, scene: &GatewayScene) {
    browser.open(&format!("{}/dashboard#token={TOKEN}", scene.server.url)).await;
    browser.expect_text("#providers", "openai").await;
    browser.expect_text("#providers", "claude").await;
    browser.expect_text("#gateway-figure-open-holds", "0").await;
    browser.expect_text("#gateway-figure-first-token-median", "ms").await;
    let positive = "return ['requests', 'tokens', 'credits'].every((name) =>
        parseFloat(document.getElementById(`gateway-figure-${name}-per-minute`).textContent) > 0)";
    browser.expect_value(positive, &json!(true)).await;
    browser.has_no_overflow().await;
    browser.check_legibility().await;
    browser.set_size(1180, 820).await;
    browser.has_no_overflow().await;
    browser.screenshot("dashboard-gateway").await;
    browser.click("#gateway a").await;
    browser.expect_text("#connection", "Connected").await;
    browser.screenshot("gateway-try").await;
}

#[tokio::test]
async fn gateway_pages_exist_with_the_toolset_only() {
    let plain = TestServer::start().await;
    let scene = GatewayScene::start().await;
    for (server, status) in [(&plain, 404), (&scene.server, 200)] {
        let page = http_client().get(format!("{}/gateway/try", server.url)).send().await;
        let page = page.expect("a response");
        assert_eq!(page.status(), status);
        let policy = page.headers()["content-security-policy"].to_str().expect("text");
        assert!(policy.contains("default-src 'none'; script-src 'self'"), "{policy}");
    }
}
