//! A real browser, and what can be asked of a page in it.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::server::{TEST_TIMEOUT, TOKEN};

/// Where screenshots go.
const SCREENSHOTS: &str = "target/screenshots";

/// The texts that can hardly be read: with a contrast to their ground below 4.5, as WCAG 2 counts it.
const LOW_CONTRAST_JS: &str = r#"
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
const UNLABELED_JS: &str = r#"
return [...document.querySelectorAll("input, button, a")].filter((e) => e.checkVisibility()
  && !(e.textContent.trim() || e.ariaLabel || e.labels?.[0]?.textContent.trim()))
  .map((e) => e.outerHTML.slice(0, 80));
"#;

/// What reaches beyond the window, or is too small to be hit with a finger (below 24 pixels, as WCAG 2
/// counts it).
const OVERFLOW_JS: &str = r#"
const wide = document.documentElement.clientWidth;
const told = (e, what) => `${what}: ${e.outerHTML.slice(0, 80)}`;
const seen = [...document.querySelectorAll("body *")].filter((e) => e.checkVisibility());
const box = (e) => e.getBoundingClientRect();
const out = seen.filter((e) => !e.closest(".unseen, svg") && (box(e).right > wide + 0.5 || box(e).left < -0.5));
const small = seen.filter((e) => e.matches("button, a, input") && (box(e).width < 24 || box(e).height < 24));
const scrolls = document.documentElement.scrollWidth > wide ? ["the page scrolls sideways"] : [];
return [...scrolls, ...out.map((e) => told(e, "outside")), ...small.map((e) => told(e, "small"))];
"#;

/// What the keyboard is at, and whether that can be seen.
const FOCUS_JS: &str = r#"
const e = document.activeElement;
const ring = getComputedStyle(e).outlineStyle !== "none" && parseFloat(getComputedStyle(e).outlineWidth) > 0;
return [e.id || e.className || e.tagName, ring];
"#;

/// A browser, and what drives it.
pub struct Browser {
    driver: Child,
    pub client: Client,
}

impl Browser {
    pub async fn start() -> Self {
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
        timeout(TEST_TIMEOUT, up).await.expect("chromedriver starts");
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

    pub async fn open(&self, address: &str) {
        self.client.goto(address).await.expect("a page");
    }

    /// Waits until the first element of this kind is there, and returns what it says. It is found and read
    /// in one script: between two the page may draw it anew.
    pub async fn text(&self, css: &str) -> String {
        let script = format!(
            "const e = document.querySelector({}); return e && (e.checkVisibility() ? e.innerText : '')",
            json!(css)
        );
        let until = async {
            loop {
                if let Value::String(text) = self.list(&script).await {
                    return text;
                }
                yield_now().await;
            }
        };
        timeout(TEST_TIMEOUT, until).await.unwrap_or_else(|_| panic!("there is no {css}"))
    }

    /// Waits until the first element of this kind says this.
    pub async fn says(&self, css: &str, text: &str) {
        let until = async {
            while !self.text(css).await.contains(text) {
                yield_now().await;
            }
        };
        let last = timeout(TEST_TIMEOUT, until).await;
        assert!(last.is_ok(), "{css} says {:?} and not {text:?}", self.text(css).await);
    }

    pub async fn write(&self, css: &str, text: &str) {
        let input = self.client.wait().at_most(TEST_TIMEOUT).for_element(Locator::Css(css)).await;
        let input = input.expect("an input");
        input.send_keys(&format!("{text}{}", char::from(Key::Enter))).await.expect("keys");
    }

    /// Whoever asks for the token gets it.
    pub async fn pass_the_gate(&self) {
        self.text("#gate h2").await;
        self.write("#token", "wrong").await;
        self.says("#wrong", "Wrong token").await;
        self.write("#token", TOKEN).await;
    }

    pub async fn list(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect("a script that runs")
    }

    /// Everything can be read and has a name, in light and dark, by the system's scheme and by choice.
    pub async fn is_legible(&self) {
        for scheme in ["light", "dark"] {
            self.prefers(scheme).await;
            let ground = self.list("return getComputedStyle(document.body).backgroundColor").await;
            assert_eq!(self.list(LOW_CONTRAST_JS).await, json!([]), "where the system is {scheme}");
            assert_eq!(self.list(UNLABELED_JS).await, json!([]));
            self.prefers("light").await;
            self.list(&format!("document.documentElement.dataset.theme = '{scheme}'")).await;
            let chosen = self.list("return getComputedStyle(document.body).backgroundColor").await;
            assert_eq!(ground, chosen, "the {scheme} theme is the same however it is chosen");
            self.list("delete document.documentElement.dataset.theme").await;
        }
    }

    /// Has the system prefer a colour scheme.
    async fn prefers(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Makes the screen so large, in CSS pixels; below 500 a window of its own could not be.
    pub async fn set_size(&self, width: u32, height: u32) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Nothing reaches beyond the screen, and everything can be hit with a finger.
    pub async fn has_no_overflow(&self) {
        assert_eq!(self.list(OVERFLOW_JS).await, json!([]));
    }

    /// Types keys, wherever the keyboard is at.
    pub async fn keys(&self, keys: &str) {
        let focused = self.client.active_element().await.expect("an element");
        focused.send_keys(keys).await.expect("keys");
    }

    /// Moves on with the Tab key until it is at this, and sees it at every step.
    pub async fn tabs_to(&self, wanted: &str) {
        for _ in 0..30 {
            let at = self.list(FOCUS_JS).await;
            if at[0] == wanted {
                return;
            }
            self.keys(&char::from(Key::Tab).to_string()).await;
            let at = self.list(FOCUS_JS).await;
            assert!(at[1] == true || at[0] == "BODY", "{at} shows no focus");
        }
        panic!("Tab does not lead to {wanted}");
    }

    pub async fn click(&self, css: &str) {
        let found = self.client.wait().at_most(TEST_TIMEOUT).for_element(Locator::Css(css)).await;
        found.expect("something to click").click().await.expect("a click");
    }

    /// Waits until there is nothing of this kind that can be seen.
    pub async fn has_no(&self, css: &str) {
        let seen = format!(
            "return [...document.querySelectorAll({})].filter((e) => e.checkVisibility()).length",
            json!(css)
        );
        self.becomes(&seen, &json!(0)).await;
    }

    /// Waits until a script answers this.
    pub async fn becomes(&self, script: &str, wanted: &Value) {
        let until = async {
            while self.list(script).await != *wanted {
                yield_now().await;
            }
        };
        timeout(TEST_TIMEOUT, until).await.unwrap_or_else(|_| panic!("{script} is not {wanted}"));
    }

    async fn devtools(&self, command: &'static str, parameters: Value) {
        let done = self.client.issue_cmd(DevTools(command, parameters)).await;
        done.unwrap_or_else(|error| panic!("{command}: {error}"));
    }

    pub async fn screenshot(&self, name: &str) {
        let picture = self.client.screenshot().await.expect("a picture");
        fs::create_dir_all(SCREENSHOTS).expect("a folder");
        fs::write(format!("{SCREENSHOTS}/{name}.png"), picture).expect("a file");
    }

    /// What the browser complains of. That a wrong token is refused it counts as a complaint.
    pub async fn console_errors(&self) -> Vec<String> {
        let log = self.client.issue_cmd(BrowserLog).await.expect("a log");
        let told = |entry: &Value| entry["message"].as_str().unwrap_or_default().to_owned();
        let all = log.as_array().expect("a list").iter().map(told);
        all.filter(|told| !told.contains("401 (Unauthorized)")).collect()
    }

    pub async fn end(self) {
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

/// A command of the browser's own protocol.
#[derive(Debug)]
struct DevTools(&'static str, Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _address: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "cmd": self.0, "params": self.1 }).to_string()))
    }
}
