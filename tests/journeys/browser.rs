//! The pages in a real browser, against the real server.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use random_connect::transport::core::Limits;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::support::{PATIENCE, Server, TOKEN};

/// Where screenshots go.
const SCREENSHOTS: &str = "target/screenshots";

/// The texts that can hardly be read: with a contrast to their ground below 4.5, as WCAG 2 counts it.
const FAINT: &str = r#"
const light = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const of = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
const parts = (color) => color.match(/[\d.]+/g).map(Number);
const ground = (e) => {
  for (; e; e = e.parentElement) {
    const color = parts(getComputedStyle(e).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
return [...document.querySelectorAll("body *")].filter((e) => {
  const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own || !e.checkVisibility() || e.disabled) return false;
  const [a, b] = [of(parts(getComputedStyle(e).color)), of(ground(e))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
}).map((e) => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 30)}`);
"#;

/// What can be operated and has no name.
const NAMELESS: &str = r#"
return [...document.querySelectorAll("input, button, a")].filter((e) => e.checkVisibility()
  && !(e.textContent.trim() || e.ariaLabel || e.labels?.[0]?.textContent.trim()))
  .map((e) => e.outerHTML.slice(0, 80));
"#;

/// A browser, and what drives it.
struct Browser {
    driver: Child,
    client: Client,
}

impl Browser {
    async fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: run `make tools`");
        let up = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                yield_now().await;
            }
        };
        timeout(PATIENCE, up).await.expect("chromedriver starts");
        let options = json!({ "args": [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1180,820",
        ] });
        let mut wanted = serde_json::Map::new();
        wanted.insert("goog:chromeOptions".to_owned(), options);
        wanted.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let at = format!("http://127.0.0.1:{port}");
        let client = builder.capabilities(wanted).connect(&at).await;
        let client = client.expect("chromium is installed: run `make tools`");
        Self { driver, client }
    }

    async fn open(&self, address: &str) {
        self.client.goto(address).await.expect("a page");
    }

    /// Waits until the first element of this kind is there, and returns what it says.
    async fn text(&self, css: &str) -> String {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        let found = found.unwrap_or_else(|error| panic!("{css}: {error}"));
        found.text().await.expect("a text")
    }

    /// Waits until the first element of this kind says this.
    async fn says(&self, css: &str, text: &str) {
        let until = async {
            while !self.text(css).await.contains(text) {
                yield_now().await;
            }
        };
        let last = timeout(PATIENCE, until).await;
        assert!(last.is_ok(), "{css} says {:?} and not {text:?}", self.text(css).await);
    }

    async fn write(&self, css: &str, text: &str) {
        let input = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        let input = input.expect("an input");
        input.send_keys(&format!("{text}{}", char::from(Key::Enter))).await.expect("keys");
    }

    /// Whoever asks for the token gets it.
    async fn pass_the_gate(&self) {
        self.text("#gate h2").await;
        self.write("#token", "wrong").await;
        self.says("#wrong", "not the token").await;
        self.write("#token", TOKEN).await;
    }

    async fn list(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect("a script that runs")
    }

    /// Everything can be read and has a name, in both themes.
    async fn is_legible(&self) {
        for theme in ["light", "dark"] {
            let chosen = format!("document.documentElement.dataset.theme = '{theme}'");
            self.list(&chosen).await;
            assert_eq!(self.list(FAINT).await, json!([]), "in the {theme} theme");
            assert_eq!(self.list(NAMELESS).await, json!([]));
        }
        self.list("delete document.documentElement.dataset.theme").await;
    }

    async fn screenshot(&self, name: &str) {
        let picture = self.client.screenshot().await.expect("a picture");
        fs::create_dir_all(SCREENSHOTS).expect("a folder");
        fs::write(format!("{SCREENSHOTS}/{name}.png"), picture).expect("a file");
    }

    /// What the browser complains of. That a wrong token is refused it counts as a complaint.
    async fn complaints(&self) -> Vec<String> {
        let log = self.client.issue_cmd(BrowserLog).await.expect("a log");
        let told = |entry: &Value| entry["message"].as_str().unwrap_or_default().to_owned();
        let all = log.as_array().expect("a list").iter().map(told);
        all.filter(|told| !told.contains("401 (Unauthorized)")).collect()
    }

    async fn end(self) {
        self.client.clone().close().await.expect("an end");
    }
}

/// Also after a test that failed.
impl Drop for Browser {
    fn drop(&mut self) {
        // One that has ended already needs no ending.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Asks for what the browser logged since it was last asked.
#[derive(Debug)]
struct BrowserLog;

impl WebDriverCompatibleCommand for BrowserLog {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _address: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

#[tokio::test]
async fn two_phones_on_the_page_meet_talk_and_part_and_the_dashboard_shows_it() {
    let server = Server::with(&[("PLAYGROUND", "on")], Limits::default()).await;
    let browser = Browser::start().await;
    browser.open(&server.url).await;
    browser.pass_the_gate().await;
    let [first, second] = [1, 2].map(|n| format!(".phone:nth-of-type({n})"));
    browser.says(&format!("{first} .status"), "not in a chat").await;
    browser.write("#text-1", "#meet").await;
    browser.says(&format!("{first} .status"), "looking for somebody").await;
    browser.write("#text-2", "#meet").await;
    browser.says(&format!("{second} .status"), "connected").await;
    browser.says(&format!("{first} .status"), "connected").await;
    browser.write("#text-1", "Hi! Call me at 9876543210").await;
    browser.says(&format!("{second} .theirs mark"), "hidden").await;
    browser.says(&format!("{first} .lock"), "number hidden").await;
    browser.write("#text-2", "Hello! Better we stay here").await;
    browser.says(&format!("{first} .theirs"), "Better we stay here").await;
    browser.text(&format!("{first} .ticks.seen")).await;
    browser.is_legible().await;
    browser.screenshot("playground").await;

    browser.open(&format!("{}/dashboard", server.url)).await;
    browser.says("#figure-pairs", "1").await;
    browser.is_legible().await;
    browser.screenshot("dashboard").await;

    browser.open(&server.url).await;
    browser.says(&format!("{first} .status"), "connected").await;
    browser.write("#text-1", "#bye").await;
    browser.says(&format!("{second} .told"), "left the chat").await;
    browser.open(&format!("{}/dashboard", server.url)).await;
    browser.says("#figure-pairs", "0").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.end().await;
}
