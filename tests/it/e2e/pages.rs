//! The playground and the dashboard in a real browser.
//!
//! One test runs all steps, because a browser starts slowly. To add a step, write a function named
//! `<feature>_<behavior>` and call it from the test.

use std::time::Duration;

use fantoccini::key::Key;
use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::json;

use crate::support::browser::Browser;
use crate::support::server::{TOKEN, TestServer};

/// CSS selectors of the two phones of the playground.
const FIRST_PHONE: &str = ".phone:nth-of-type(1)";
const SECOND_PHONE: &str = ".phone:nth-of-type(2)";

/// Returns the selector of a part of a phone.
fn in_phone(phone: &str, part: &str) -> String {
    format!("{phone} {part}")
}

#[tokio::test]
async fn page_journey_in_a_real_browser() {
    let server = TestServer::with(&[("PLAYGROUND", "on")], ConnectionLimits::default()).await;
    let browser = Browser::start().await;
    browser.set_size(1180, 640).await;
    browser.open(&server.url).await;
    browser.has_no_overflow().await;
    browser.check_legibility().await;
    browser.enter_token().await;
    playground_chat_hides_a_number(&browser).await;
    playground_shows_typing(&browser).await;
    playground_counts_unread(&browser).await;
    playground_suggests_commands(&browser).await;
    page_keyboard_navigation(&browser).await;
    browser.check_legibility().await;
    browser.has_no_overflow().await;
    playground_narrow_screen_shows_one_phone(&browser).await;
    dashboard_shows_pairs(&browser, &server).await;
    dashboard_shows_alerts(&browser, &server).await;
    page_takes_the_token_from_the_address(&browser, &server).await;
    assert_eq!(browser.console_errors().await, Vec::<String>::new());
    browser.close().await;
}

async fn playground_chat_hides_a_number(browser: &Browser) {
    browser.expect_text(&in_phone(FIRST_PHONE, ".status"), "not in a chat").await;
    browser.write("#text-1", "#meet").await;
    browser.expect_text(&in_phone(FIRST_PHONE, ".status"), "looking for a partner").await;
    browser.write("#text-2", "#meet").await;
    browser.expect_text(&in_phone(SECOND_PHONE, ".status"), "connected").await;
    browser.expect_text(&in_phone(FIRST_PHONE, ".status"), "connected").await;
    browser.write("#text-1", "Hi! Call me at 9876543210").await;
    browser.expect_text(&in_phone(SECOND_PHONE, ".theirs mark"), "hidden").await;
    browser.expect_text(&in_phone(FIRST_PHONE, ".lock"), "number hidden").await;
    browser.write("#text-2", "Hello! Better we stay here").await;
    browser.expect_text(&in_phone(FIRST_PHONE, ".theirs"), "Better we stay here").await;
    browser.text(&in_phone(FIRST_PHONE, ".ticks.seen")).await;
}

async fn playground_shows_typing(browser: &Browser) {
    browser.click("#text-1").await;
    browser.keys("I wonder").await;
    browser.expect_text(&in_phone(SECOND_PHONE, ".status"), "typing…").await;
    browser.text(&in_phone(SECOND_PHONE, ".dots")).await;
    browser.screenshot("playground").await;
    browser.keys(" what").await;
    browser.keys(&char::from(Key::Enter).to_string()).await;
    browser.expect_text(&in_phone(SECOND_PHONE, ".bubble:last-child"), "I wonder what").await;
    browser.expect_hidden(".dots").await;
    browser.expect_text(&in_phone(SECOND_PHONE, ".status"), "connected").await;
}

async fn playground_counts_unread(browser: &Browser) {
    browser.click("#text-2").await;
    browser.expect_hidden(&in_phone(SECOND_PHONE, ".badge")).await;
    browser.click("#text-1").await;
    browser.write("#text-1", "one").await;
    browser.write("#text-1", "two").await;
    browser.expect_text(&in_phone(SECOND_PHONE, ".badge"), "2").await;
    browser.expect_hidden(&in_phone(FIRST_PHONE, ".badge")).await;
    browser.click("#text-2").await;
    browser.expect_hidden(&in_phone(SECOND_PHONE, ".badge")).await;
}

async fn playground_suggests_commands(browser: &Browser) {
    let key = |key: Key| char::from(key).to_string();
    browser.click("#text-1").await;
    browser.keys("#").await;
    browser.expect_text("#suggestions-1", "#meet").await;
    browser.expect_text("#suggestions-1", "#report").await;
    browser.screenshot("suggestions").await;
    browser.keys("w").await;
    browser.expect_text("#suggestions-1 [aria-selected=true]", "#who").await;
    let expanded = "return document.getElementById('text-1').getAttribute('aria-expanded')";
    assert_eq!(browser.evaluate(expanded).await, json!("true"));
    browser.keys(&key(Key::Escape)).await;
    browser.expect_hidden("#suggestions-1").await;
    assert_eq!(browser.evaluate(expanded).await, json!("false"));
    browser.keys(&format!("{}#b", key(Key::Backspace).repeat(2))).await;
    browser.expect_text("#suggestions-1 [aria-selected=true]", "#bye").await;
    browser.keys(&key(Key::Down)).await;
    browser.expect_text("#suggestions-1 [aria-selected=true]", "#block").await;
    browser.keys(&format!("{}{}", key(Key::Up), key(Key::Tab))).await;
    browser.expect_hidden("#suggestions-1").await;
    let value = "return document.getElementById('text-1').value";
    assert_eq!(browser.evaluate(value).await, json!("#bye"));
    browser.keys(&key(Key::Backspace).repeat(4)).await;
}

async fn page_keyboard_navigation(browser: &Browser) {
    browser.evaluate("document.activeElement.blur(); getSelection().removeAllRanges()").await;
    browser.evaluate("document.getElementById('add').focus()").await;
    for wanted in ["quiet", "theme", "text-1", "send", "text-2"] {
        browser.tab_to(wanted).await;
    }
}

async fn playground_narrow_screen_shows_one_phone(browser: &Browser) {
    browser.set_size(360, 740).await;
    browser.click(".tab:nth-of-type(1)").await;
    browser.expect_hidden(SECOND_PHONE).await;
    browser.write("#text-1", "from the narrow side").await;
    browser.expect_text(".tab:nth-of-type(2)", "Phone 2 (1)").await;
    browser.has_no_overflow().await;
    browser.screenshot("narrow").await;
    browser.click(".tab:nth-of-type(2)").await;
    browser.expect_hidden(FIRST_PHONE).await;
    browser
        .expect_text(&in_phone(SECOND_PHONE, ".bubble:last-child"), "from the narrow side")
        .await;
    browser.keys("#").await;
    browser.expect_text("#suggestions-2", "#meet").await;
    browser.has_no_overflow().await;
    let last = "const log = document.querySelector('.phone.active .log');
        const last = log.querySelector('.bubble:last-child').getBoundingClientRect();
        return last.bottom <= log.getBoundingClientRect().bottom + 0.5";
    browser.expect_value(last, &json!(true)).await;
    browser.screenshot("narrow-suggestions").await;
    browser.keys(&char::from(Key::Backspace).to_string()).await;
    browser.set_size(1180, 640).await;
}

async fn dashboard_shows_pairs(browser: &Browser, server: &TestServer) {
    let dashboard = format!("{}/dashboard", server.url);
    browser.open(&dashboard).await;
    browser.expect_text("#figure-pairs", "1").await;
    browser.expect_text("#figure-numbers-hidden", "1").await;
    browser.expect_hidden("#alerts li").await;
    browser.check_legibility().await;
    browser.has_no_overflow().await;
    browser.screenshot("dashboard").await;
    browser.open(&server.url).await;
    browser.expect_text(&in_phone(FIRST_PHONE, ".status"), "connected").await;
    browser.write("#text-1", "#bye").await;
    browser.expect_text(&in_phone(SECOND_PHONE, ".system"), "left the chat").await;
    browser.open(&dashboard).await;
    browser.expect_text("#figure-pairs", "0").await;
}

/// Two users that blocked each other are the only ones in the queue, so that it is stalled.
async fn dashboard_shows_alerts(browser: &Browser, server: &TestServer) {
    for (user, message) in
        [("ann", "#meet"), ("ben", "#meet"), ("ann", "#block"), ("ann", "#meet"), ("ben", "#meet")]
    {
        server.say(user, message).await;
    }
    browser.expect_text("#figure-waiting", "2").await;
    server.clock.advance(Duration::from_secs(180));
    browser
        .expect_text(
            "#alerts li",
            "The queue is stalled: 2 users are waiting, the longest for 3 min.",
        )
        .await;
    browser.check_legibility().await;
    browser.set_size(360, 740).await;
    browser.has_no_overflow().await;
    browser.screenshot("narrow-dashboard").await;
}

/// The address that the server prints has the token as its fragment.
async fn page_takes_the_token_from_the_address(browser: &Browser, server: &TestServer) {
    let (address, key) = ("return location.href", "return sessionStorage.getItem('token')");
    browser.evaluate("sessionStorage.clear()").await;
    browser.open("about:blank").await;
    browser.open(&format!("{}/dashboard#token=wrong", server.url)).await;
    browser.text("#gate h2").await;
    browser.expect_value(address, &json!(format!("{}/dashboard", server.url))).await;
    // The page is open already, so that only the fragment changes.
    browser.open(&format!("{}/dashboard#token={TOKEN}", server.url)).await;
    browser.expect_text("#figure-waiting", "2").await;
    assert_eq!(browser.evaluate(address).await, json!(format!("{}/dashboard", server.url)));
    assert_eq!(browser.evaluate(key).await, json!(TOKEN));
    browser.open(&server.url).await;
    browser.expect_text(&in_phone(FIRST_PHONE, ".status"), "not in a chat").await;
}
