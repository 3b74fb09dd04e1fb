//! The pages in a real browser, against the real server. One browser for all, which is slow to start.

use std::time::Duration;

use fantoccini::key::Key;
use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::json;

use crate::support::browser::Browser;
use crate::support::server::TestServer;

/// The pages' two phones, as selectors.
const FIRST_PHONE: &str = ".phone:nth-of-type(1)";
const SECOND_PHONE: &str = ".phone:nth-of-type(2)";

fn of(phone: &str, part: &str) -> String {
    format!("{phone} {part}")
}

#[tokio::test]
async fn page_journey_in_a_real_browser() {
    let server = TestServer::with(&[("PLAYGROUND", "on")], ConnectionLimits::default()).await;
    let browser = Browser::start().await;
    browser.set_size(1180, 640).await;
    browser.open(&server.url).await;
    browser.has_no_overflow().await;
    browser.is_legible().await;
    browser.pass_the_gate().await;
    playground_chat_hides_a_number(&browser).await;
    playground_shows_typing(&browser).await;
    playground_counts_unread(&browser).await;
    playground_suggests_commands(&browser).await;
    page_keyboard_navigation(&browser).await;
    browser.is_legible().await;
    browser.has_no_overflow().await;
    playground_narrow_screen_shows_one_phone(&browser).await;
    dashboard_shows_pairs(&browser, &server).await;
    dashboard_shows_alerts(&browser, &server).await;
    assert_eq!(browser.console_errors().await, Vec::<String>::new());
    browser.end().await;
}

async fn playground_chat_hides_a_number(browser: &Browser) {
    browser.says(&of(FIRST_PHONE, ".status"), "not in a chat").await;
    browser.write("#text-1", "#meet").await;
    browser.says(&of(FIRST_PHONE, ".status"), "looking for a partner").await;
    browser.write("#text-2", "#meet").await;
    browser.says(&of(SECOND_PHONE, ".status"), "connected").await;
    browser.says(&of(FIRST_PHONE, ".status"), "connected").await;
    browser.write("#text-1", "Hi! Call me at 9876543210").await;
    browser.says(&of(SECOND_PHONE, ".theirs mark"), "hidden").await;
    browser.says(&of(FIRST_PHONE, ".lock"), "number hidden").await;
    browser.write("#text-2", "Hello! Better we stay here").await;
    browser.says(&of(FIRST_PHONE, ".theirs"), "Better we stay here").await;
    browser.text(&of(FIRST_PHONE, ".ticks.seen")).await;
}

async fn playground_shows_typing(browser: &Browser) {
    browser.click("#text-1").await;
    browser.keys("I wonder").await;
    browser.says(&of(SECOND_PHONE, ".status"), "typing…").await;
    browser.text(&of(SECOND_PHONE, ".dots")).await;
    browser.screenshot("playground").await;
    browser.keys(" what").await;
    browser.keys(&char::from(Key::Enter).to_string()).await;
    browser.says(&of(SECOND_PHONE, ".bubble:last-child"), "I wonder what").await;
    browser.has_no(".dots").await;
    browser.says(&of(SECOND_PHONE, ".status"), "connected").await;
}

async fn playground_counts_unread(browser: &Browser) {
    browser.click("#text-2").await;
    browser.has_no(&of(SECOND_PHONE, ".badge")).await;
    browser.click("#text-1").await;
    browser.write("#text-1", "one").await;
    browser.write("#text-1", "two").await;
    browser.says(&of(SECOND_PHONE, ".badge"), "2").await;
    browser.has_no(&of(FIRST_PHONE, ".badge")).await;
    browser.click("#text-2").await;
    browser.has_no(&of(SECOND_PHONE, ".badge")).await;
}

async fn playground_suggests_commands(browser: &Browser) {
    let key = |key: Key| char::from(key).to_string();
    browser.click("#text-1").await;
    browser.keys("#").await;
    browser.says("#suggestions-1", "#meet").await;
    browser.says("#suggestions-1", "#report").await;
    browser.screenshot("suggestions").await;
    browser.keys("w").await;
    browser.says("#suggestions-1 [aria-selected=true]", "#who").await;
    let expanded = "return document.getElementById('text-1').getAttribute('aria-expanded')";
    assert_eq!(browser.list(expanded).await, json!("true"));
    browser.keys(&key(Key::Escape)).await;
    browser.has_no("#suggestions-1").await;
    assert_eq!(browser.list(expanded).await, json!("false"));
    browser.keys(&format!("{}#b", key(Key::Backspace).repeat(2))).await;
    browser.says("#suggestions-1 [aria-selected=true]", "#bye").await;
    browser.keys(&key(Key::Down)).await;
    browser.says("#suggestions-1 [aria-selected=true]", "#block").await;
    browser.keys(&format!("{}{}", key(Key::Up), key(Key::Tab))).await;
    browser.has_no("#suggestions-1").await;
    let value = "return document.getElementById('text-1').value";
    assert_eq!(browser.list(value).await, json!("#bye"));
    browser.keys(&key(Key::Backspace).repeat(4)).await;
}

async fn page_keyboard_navigation(browser: &Browser) {
    browser.list("document.activeElement.blur(); getSelection().removeAllRanges()").await;
    browser.list("document.getElementById('add').focus()").await;
    for wanted in ["quiet", "theme", "text-1", "send", "text-2"] {
        browser.tabs_to(wanted).await;
    }
}

async fn playground_narrow_screen_shows_one_phone(browser: &Browser) {
    browser.set_size(360, 740).await;
    browser.click(".tab:nth-of-type(1)").await;
    browser.has_no(SECOND_PHONE).await;
    browser.write("#text-1", "from the narrow side").await;
    browser.says(".tab:nth-of-type(2)", "Phone 2 (1)").await;
    browser.has_no_overflow().await;
    browser.screenshot("narrow").await;
    browser.click(".tab:nth-of-type(2)").await;
    browser.has_no(FIRST_PHONE).await;
    browser.says(&of(SECOND_PHONE, ".bubble:last-child"), "from the narrow side").await;
    browser.keys("#").await;
    browser.says("#suggestions-2", "#meet").await;
    browser.has_no_overflow().await;
    let last = "const log = document.querySelector('.phone.active .log');
        const last = log.querySelector('.bubble:last-child').getBoundingClientRect();
        return last.bottom <= log.getBoundingClientRect().bottom + 0.5";
    browser.becomes(last, &json!(true)).await;
    browser.screenshot("narrow-suggestions").await;
    browser.keys(&char::from(Key::Backspace).to_string()).await;
    browser.set_size(1180, 640).await;
}

async fn dashboard_shows_pairs(browser: &Browser, server: &TestServer) {
    let dashboard = format!("{}/dashboard", server.url);
    browser.open(&dashboard).await;
    browser.says("#figure-pairs", "1").await;
    browser.says("#figure-numbers-hidden", "1").await;
    browser.has_no("#alerts li").await;
    browser.is_legible().await;
    browser.has_no_overflow().await;
    browser.screenshot("dashboard").await;
    browser.open(&server.url).await;
    browser.says(&of(FIRST_PHONE, ".status"), "connected").await;
    browser.write("#text-1", "#bye").await;
    browser.says(&of(SECOND_PHONE, ".system"), "left the chat").await;
    browser.open(&dashboard).await;
    browser.says("#figure-pairs", "0").await;
}

/// Two who have blocked each other and wait, and nobody else: that is a queue that stalls.
async fn dashboard_shows_alerts(browser: &Browser, server: &TestServer) {
    for (who, says) in
        [("ann", "#meet"), ("ben", "#meet"), ("ann", "#block"), ("ann", "#meet"), ("ben", "#meet")]
    {
        server.say(who, says).await;
    }
    browser.says("#figure-waiting", "2").await;
    server.clock.advance(Duration::from_secs(180));
    browser.says("#alerts li", "The queue is stalled: 2 users are waiting, the longest for 3 min.").await;
    browser.is_legible().await;
    browser.set_size(360, 740).await;
    browser.has_no_overflow().await;
    browser.screenshot("narrow-dashboard").await;
}
