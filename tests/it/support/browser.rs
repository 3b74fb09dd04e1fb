//! [`Browser`]: a headless Chromium behind chromedriver, with checks of the page in it.
//!
//! The checks assert and return nothing; the waits fail after
//! [`TEST_TIMEOUT`](super::server::TEST_TIMEOUT). Steps of one page are in `e2e/pages.rs`.

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

/// Folder for screenshots.
const SCREENSHOTS: &str = "target/screenshots";

/// Returns the texts whose contrast with their background is below 4.5, by the WCAG 2 formula.
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

/// Returns the controls without an accessible name.
const UNLABELED_JS: &str = r#"
return [...document.querySelectorAll("input, button, a")].filter((e) => e.checkVisibility()
  && !(e.textContent.trim() || e.ariaLabel || e.labels?.[0]?.textContent.trim()))
  .map((e) => e.outerHTML.slice(0, 80));
"#;

/// Returns the elements outside of the window and the controls that are too small for a finger:
/// below 24 pixels, the minimum of WCAG 2.
const OVERFLOW_JS: &str = r#"
const wide = document.documentElement.clientWidth;
const entry = (e, what) => `${what}: ${e.outerHTML.slice(0, 80)}`;
const seen = [...document.querySelectorAll("body *")].filter((e) => e.checkVisibility());
const box = (e) => e.getBoundingClientRect();
const out = seen.filter((e) => !e.closest(".unseen, svg") && (box(e).right > wide + 0.5 || box(e).left < -0.5));
const small = seen.filter((e) => e.matches("button, a, input") && (box(e).width < 24 || box(e).height < 24));
const scrolls = document.documentElement.scrollWidth > wide ? ["the page scrolls sideways"] : [];
return [...scrolls, ...out.map((e) => entry(e, "outside")), ...small.map((e) => entry(e, "small"))];
"#;

/// Returns the focused element and whether its focus ring is visible.
const FOCUS_JS: &str = r#"
const e = document.activeElement;
const ring = getComputedStyle(e).outlineStyle !== "none" && parseFloat(getComputedStyle(e).outlineWidth) > 0;
return [e.id || e.className || e.tagName, ring];
"#;

/// A browser with its driver process. Dropping it kills the driver, also after a failed test.
pub struct Browser {
    driver: Child,
    pub client: Client,
}

impl Browser {
    /// Starts chromedriver and opens a browser window.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
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
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let url = format!("http://127.0.0.1:{port}");
        let client = builder.capabilities(capabilities).connect(&url).await;
        let client = client.expect("chromium is installed: run `make tools`");
        Self { driver, client }
    }

    /// Opens a page.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.expect("a page");
    }

    /// Waits for the first element that matches and returns its text.
    ///
    /// One script finds and reads it, because the page may redraw it between two scripts.
    pub async fn text(&self, css: &str) -> String {
        let script = format!(
            "const e = document.querySelector({}); return e && (e.checkVisibility() ? e.innerText : '')",
            json!(css)
        );
        let found = async {
            loop {
                if let Value::String(text) = self.evaluate(&script).await {
                    return text;
                }
                yield_now().await;
            }
        };
        timeout(TEST_TIMEOUT, found).await.unwrap_or_else(|_| panic!("no element matches {css}"))
    }

    /// Waits until the text of the first element that matches contains `text`.
    pub async fn expect_text(&self, css: &str, text: &str) {
        let shown = async {
            while !self.text(css).await.contains(text) {
                yield_now().await;
            }
        };
        let shown = timeout(TEST_TIMEOUT, shown).await;
        assert!(shown.is_ok(), "{css} shows {:?} instead of {text:?}", self.text(css).await);
    }

    /// Types a text and Enter into an input.
    pub async fn write(&self, css: &str, text: &str) {
        let input = self.client.wait().at_most(TEST_TIMEOUT).for_element(Locator::Css(css)).await;
        let input = input.expect("an input");
        input.send_keys(&format!("{text}{}", char::from(Key::Enter))).await.expect("keys");
    }

    /// Enters a wrong token, then the right one, where the page asks for it.
    pub async fn enter_token(&self) {
        self.text("#gate h2").await;
        self.write("#token", "wrong").await;
        self.expect_text("#wrong", "Wrong token").await;
        self.write("#token", TOKEN).await;
    }

    /// Runs a script and returns its result.
    pub async fn evaluate(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect("a script that runs")
    }

    /// Asserts contrast and accessible names in the light and the dark theme.
    ///
    /// Also asserts that a theme is the same by system preference and by the page's switch.
    pub async fn check_legibility(&self) {
        for scheme in ["light", "dark"] {
            self.set_color_scheme(scheme).await;
            let background =
                self.evaluate("return getComputedStyle(document.body).backgroundColor").await;
            assert_eq!(self.evaluate(LOW_CONTRAST_JS).await, json!([]), "system theme {scheme}");
            assert_eq!(self.evaluate(UNLABELED_JS).await, json!([]));
            self.set_color_scheme("light").await;
            self.evaluate(&format!("document.documentElement.dataset.theme = '{scheme}'")).await;
            let chosen =
                self.evaluate("return getComputedStyle(document.body).backgroundColor").await;
            assert_eq!(background, chosen, "the {scheme} theme differs by how it is chosen");
            self.evaluate("delete document.documentElement.dataset.theme").await;
        }
    }

    /// Emulates a color scheme preference of the system.
    async fn set_color_scheme(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Emulates a screen of this size, in CSS pixels.
    ///
    /// A real window can't be narrower than 500.
    pub async fn set_size(&self, width: u32, height: u32) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Asserts that no element is outside of the screen and that every control is large enough.
    pub async fn has_no_overflow(&self) {
        assert_eq!(self.evaluate(OVERFLOW_JS).await, json!([]));
    }

    /// Sends keys to the focused element.
    pub async fn keys(&self, keys: &str) {
        let focused = self.client.active_element().await.expect("an element");
        focused.send_keys(keys).await.expect("keys");
    }

    /// Presses Tab until this element has the focus; asserts a visible focus at every step.
    pub async fn tab_to(&self, wanted: &str) {
        for _ in 0..30 {
            let focus = self.evaluate(FOCUS_JS).await;
            if focus[0] == wanted {
                return;
            }
            self.keys(&char::from(Key::Tab).to_string()).await;
            let focus = self.evaluate(FOCUS_JS).await;
            assert!(focus[1] == true || focus[0] == "BODY", "{focus} shows no focus");
        }
        panic!("Tab does not reach {wanted}");
    }

    /// Clicks the first element that matches.
    pub async fn click(&self, css: &str) {
        let found = self.client.wait().at_most(TEST_TIMEOUT).for_element(Locator::Css(css)).await;
        found.expect("an element").click().await.expect("a click");
    }

    /// Waits until no matching element is visible.
    pub async fn expect_hidden(&self, css: &str) {
        let visible = format!(
            "return [...document.querySelectorAll({})].filter((e) => e.checkVisibility()).length",
            json!(css)
        );
        self.expect_value(&visible, &json!(0)).await;
    }

    /// Waits until a script returns this value.
    pub async fn expect_value(&self, script: &str, wanted: &Value) {
        let equal = async {
            while self.evaluate(script).await != *wanted {
                yield_now().await;
            }
        };
        timeout(TEST_TIMEOUT, equal).await.unwrap_or_else(|_| panic!("{script} is not {wanted}"));
    }

    /// Sends a command of the Chrome DevTools Protocol.
    async fn devtools(&self, command: &'static str, parameters: Value) {
        let result = self.client.issue_cmd(DevTools(command, parameters)).await;
        result.unwrap_or_else(|error| panic!("{command}: {error}"));
    }

    /// Stores a screenshot in [`SCREENSHOTS`].
    pub async fn screenshot(&self, name: &str) {
        let image = self.client.screenshot().await.expect("a screenshot");
        fs::create_dir_all(SCREENSHOTS).expect("a folder");
        fs::write(format!("{SCREENSHOTS}/{name}.png"), image).expect("a file");
    }

    /// Returns the messages of the browser console.
    ///
    /// Leaves out the 401 of [`Self::enter_token`], which the browser logs as an error.
    pub async fn console_errors(&self) -> Vec<String> {
        let log = self.client.issue_cmd(BrowserLog).await.expect("a log");
        let text = |entry: &Value| entry["message"].as_str().unwrap_or_default().to_owned();
        let messages = log.as_array().expect("a list").iter().map(text);
        messages.filter(|message| !message.contains("401 (Unauthorized)")).collect()
    }

    /// Closes the browser.
    pub async fn close(self) {
        self.client.clone().close().await.expect("the browser closes");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver may have exited already.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Reads the console messages since the last call.
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

/// A command of the Chrome DevTools Protocol, with its parameters.
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
