//! The pages in a real browser, against the real server. One browser for all, which is slow to start.

use std::time::Duration;

use fantoccini::key::Key;
use random_connect::transport::state::ConnectionLimits;
use serde_json::json;

use crate::support::browser::Browser;
use crate::support::server::TestServer;

/// The pages' two phones, as selectors.
const FIRST: &str = ".phone:nth-of-type(1)";
const SECOND: &str = ".phone:nth-of-type(2)";

fn of(phone: &str, part: &str) -> String {
    format!("{phone} {part}")
}

#[tokio::test]
async fn what_the_pages_promise_they_keep() {
    let server = TestServer::with(&[("PLAYGROUND", "on")], ConnectionLimits::default()).await;
    let browser = Browser::start().await;
    browser.is_sized(1180, 640).await;
    browser.open(&server.url).await;
    browser.fits().await;
    browser.is_legible().await;
    browser.pass_the_gate().await;
    two_phones_meet_and_a_number_is_hidden(&browser).await;
    dots_tell_that_somebody_types(&browser).await;
    what_is_not_looked_at_is_counted(&browser).await;
    commands_are_suggested_and_chosen_by_key(&browser).await;
    everything_is_reached_by_keyboard(&browser).await;
    browser.is_legible().await;
    browser.fits().await;
    on_a_narrow_screen_there_is_one_phone_at_a_time(&browser).await;
    the_dashboard_shows_a_pair_and_then_none(&browser, &server).await;
    the_dashboard_says_in_words_what_is_wrong(&browser, &server).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.end().await;
}

async fn two_phones_meet_and_a_number_is_hidden(browser: &Browser) {
    browser.says(&of(FIRST, ".status"), "not in a chat").await;
    browser.write("#text-1", "#meet").await;
    browser.says(&of(FIRST, ".status"), "looking for somebody").await;
    browser.write("#text-2", "#meet").await;
    browser.says(&of(SECOND, ".status"), "connected").await;
    browser.says(&of(FIRST, ".status"), "connected").await;
    browser.write("#text-1", "Hi! Call me at 9876543210").await;
    browser.says(&of(SECOND, ".theirs mark"), "hidden").await;
    browser.says(&of(FIRST, ".lock"), "number hidden").await;
    browser.write("#text-2", "Hello! Better we stay here").await;
    browser.says(&of(FIRST, ".theirs"), "Better we stay here").await;
    browser.text(&of(FIRST, ".ticks.seen")).await;
}

async fn dots_tell_that_somebody_types(browser: &Browser) {
    browser.click("#text-1").await;
    browser.keys("I wonder").await;
    browser.says(&of(SECOND, ".status"), "typing…").await;
    browser.text(&of(SECOND, ".dots")).await;
    browser.screenshot("playground").await;
    browser.keys(" what").await;
    browser.keys(&char::from(Key::Enter).to_string()).await;
    browser.says(&of(SECOND, ".bubble:last-child"), "I wonder what").await;
    browser.has_no(".dots").await;
    browser.says(&of(SECOND, ".status"), "connected").await;
}

async fn what_is_not_looked_at_is_counted(browser: &Browser) {
    browser.click("#text-2").await;
    browser.has_no(&of(SECOND, ".badge")).await;
    browser.click("#text-1").await;
    browser.write("#text-1", "one").await;
    browser.write("#text-1", "two").await;
    browser.says(&of(SECOND, ".badge"), "2").await;
    browser.has_no(&of(FIRST, ".badge")).await;
    browser.click("#text-2").await;
    browser.has_no(&of(SECOND, ".badge")).await;
}

async fn commands_are_suggested_and_chosen_by_key(browser: &Browser) {
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

async fn everything_is_reached_by_keyboard(browser: &Browser) {
    browser.list("document.activeElement.blur(); getSelection().removeAllRanges()").await;
    browser.list("document.getElementById('add').focus()").await;
    for wanted in ["quiet", "theme", "text-1", "send", "text-2"] {
        browser.tabs_to(wanted).await;
    }
}

async fn on_a_narrow_screen_there_is_one_phone_at_a_time(browser: &Browser) {
    browser.is_sized(360, 740).await;
    browser.click(".tab:nth-of-type(1)").await;
    browser.has_no(SECOND).await;
    browser.write("#text-1", "from the narrow side").await;
    browser.says(".tab:nth-of-type(2)", "Phone 2 (1)").await;
    browser.fits().await;
    browser.screenshot("narrow").await;
    browser.click(".tab:nth-of-type(2)").await;
    browser.has_no(FIRST).await;
    browser.says(&of(SECOND, ".bubble:last-child"), "from the narrow side").await;
    browser.keys("#").await;
    browser.says("#suggestions-2", "#meet").await;
    browser.fits().await;
    let last = "const log = document.querySelector('.phone.active .log');
        const last = log.querySelector('.bubble:last-child').getBoundingClientRect();
        return last.bottom <= log.getBoundingClientRect().bottom + 0.5";
    browser.becomes(last, &json!(true)).await;
    browser.screenshot("narrow-suggestions").await;
    browser.keys(&char::from(Key::Backspace).to_string()).await;
    browser.is_sized(1180, 640).await;
}

async fn the_dashboard_shows_a_pair_and_then_none(browser: &Browser, server: &TestServer) {
    let dashboard = format!("{}/dashboard", server.url);
    browser.open(&dashboard).await;
    browser.says("#figure-pairs", "1").await;
    browser.says("#figure-numbers-hidden", "1").await;
    browser.has_no("#alerts li").await;
    browser.is_legible().await;
    browser.fits().await;
    browser.screenshot("dashboard").await;
    browser.open(&server.url).await;
    browser.says(&of(FIRST, ".status"), "connected").await;
    browser.write("#text-1", "#bye").await;
    browser.says(&of(SECOND, ".told"), "left the chat").await;
    browser.open(&dashboard).await;
    browser.says("#figure-pairs", "0").await;
}

/// Two who have blocked each other and wait, and nobody else: that is a queue that stalls.
async fn the_dashboard_says_in_words_what_is_wrong(browser: &Browser, server: &TestServer) {
    for (who, says) in
        [("ann", "#meet"), ("ben", "#meet"), ("ann", "#block"), ("ann", "#meet"), ("ben", "#meet")]
    {
        server.say(who, says).await;
    }
    browser.says("#figure-waiting", "2").await;
    server.clock.advance(Duration::from_secs(180));
    browser.says("#alerts li", "The queue stalls: 2 people wait, the longest for 3 min.").await;
    browser.is_legible().await;
    browser.is_sized(360, 740).await;
    browser.fits().await;
    browser.screenshot("narrow-dashboard").await;
}
