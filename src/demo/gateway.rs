//! [`GatewayDemo`]: a client asks two providers through the gateway, one of them breaks, and the bill adds up.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rand::rngs::StdRng;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message, http};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::DemoError;
use super::provider::DemoProvider;
use super::story::{DemoStory, MessageSide};
use crate::gateway::catalog::model::Catalog;
use crate::gateway::money::MicroCredits;
use crate::kernel::model::ModelUsage;
use crate::kernel::token;

const MODEL: &str = "gpt-6.1-terra";
const QUESTION: &str = "Why is the sky blue?";

const OPENAI_ANSWER: &str = "Sunlight has all colors. The molecules of the air scatter the short waves of blue \
    light far more than the long waves of red light, so that blue reaches your eyes from every part of the sky.";
const CLAUDE_ANSWER: &str = "Air scatters blue light about five times as strongly as red light. At sunset the light \
    crosses so much air that most of the blue is gone, and red and orange remain.";

/// Credits of the user at the start.
const START_CREDITS: &str = "1";

/// Time limit of a message.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(15);

/// Pause of the providers before each piece of an answer, for a reader at a terminal.
const PIECE_PAUSE: Duration = Duration::from_millis(60);

/// The providers and the settings of the gateway.
pub struct GatewayDemo {
    openai: DemoProvider,
    claude: DemoProvider,
    /// Has the database, and is deleted on drop.
    folder: TempDir,
    token: SecretString,
}

/// An answer with its charge.
struct ChargedAnswer {
    model: String,
    charged: MicroCredits,
    balance: MicroCredits,
}

impl GatewayDemo {
    /// Starts the providers.
    ///
    /// # Errors
    /// Returns [`DemoError::Start`] if they can't listen, or if no folder can be created.
    pub async fn start(rng: &mut StdRng) -> Result<Self, DemoError> {
        let pause = if DemoStory::detect().is_interactive { PIECE_PAUSE } else { Duration::ZERO };
        let openai = DemoProvider::start(OPENAI_ANSWER, pause).await.map_err(DemoError::Start)?;
        let claude = DemoProvider::start(CLAUDE_ANSWER, pause).await.map_err(DemoError::Start)?;
        let folder = tempfile::tempdir().map_err(DemoError::Start)?;
        Ok(Self { openai, claude, folder, token: token::generate(rng) })
    }

    /// The settings of the server, by their names.
    #[must_use]
    pub fn settings(&self) -> BTreeMap<&'static str, String> {
        let database = self.folder.path().join("demo.db");
        BTreeMap::from([
            ("PORT", "0".to_owned()),
            ("PLAYGROUND", "off".to_owned()),
            ("TOOLSETS", "gateway".to_owned()),
            ("OWNER", "ann".to_owned()),
            ("OWNER_TOKEN", self.token.expose_secret().to_owned()),
            ("DATABASE_URL", format!("sqlite:{}", database.display())),
            ("GATEWAY_START_CREDITS", START_CREDITS.to_owned()),
            ("OPENAI_API_KEY", "demo".to_owned()),
            ("OPENAI_BASE_URL", format!("{}/v1", self.openai.url)),
            ("CLAUDE_API_KEY", "demo".to_owned()),
            ("CLAUDE_BASE_URL", self.claude.url.clone()),
        ])
    }

    /// Plays the script at the server with [`Self::settings`].
    ///
    /// # Errors
    /// Returns a [`DemoError`] if a step fails or a sum is wrong.
    pub async fn play(&self, server: SocketAddr) -> Result<(), DemoError> {
        match self.play_script(server).await {
            // A reader that closes the pipe ends the demonstration.
            Err(DemoError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            played => played,
        }
    }

    async fn play_script(&self, server: SocketAddr) -> Result<(), DemoError> {
        let mut story = DemoStory::detect();
        DemoStory::line("Gateway: language models for users with credits")?;
        let scene = "The server, one provider in place of OpenAI, one in place of Anthropic and a client \
            run in this process, on loopback. A credit pays for one US dollar at list price.";
        story.remark(scene).await?;
        let mut client = DemoClient::connect(server, &self.token).await?;
        let ready = client.next().await?;
        let start = amount(&ready["balance"])?;
        story.message(MessageSide::Server, "ready", &format!("balance {start}"))?;

        story.remark(&format!("Ann asks {MODEL}, whichever provider has it.")).await?;
        let first = client.ask(1, &mut story).await?;

        self.openai.fail();
        story.remark("OpenAI breaks: every request gets status 503. Ann asks again.").await?;
        let second = client.ask(2, &mut story).await?;

        let bill = "The bill. A request holds the most that it can cost, and its charge replaces the hold once; \
            the attempt that failed costs nothing.";
        story.remark(bill).await?;
        let accounts = client.balance().await?;
        self.print_bill(start, accounts, &[first, second])?;
        let outro = "That's it. Your turn: docs/gateway.md has the settings for your own keys, and \
            the page /gateway/try of your server lets you ask.";
        story.remark(outro).await
    }

    /// Prints the charges, and compares them to the invoices of the providers and to the accounts.
    fn print_bill(
        &self,
        start: MicroCredits,
        accounts: MicroCredits,
        answers: &[ChargedAnswer],
    ) -> Result<(), DemoError> {
        let catalog =
            Catalog::load(None).map_err(|error| DemoError::WrongSum(error.to_string()))?;
        let invoice = self.openai.invoice().into_iter().chain(self.claude.invoice());
        let (mut invoiced, mut charged) = (MicroCredits::ZERO, MicroCredits::ZERO);
        DemoStory::line("  model               tokens and price of a million            charged")?;
        for (answer, (model, usage)) in answers.iter().zip(invoice) {
            let price = catalog.model(&model).ok().map(|found| &found.price);
            let (Some(price), true) = (price, model == answer.model) else {
                return Err(DemoError::WrongSum(format!("no price of {model}")));
            };
            invoiced = invoiced.plus(price.cost(&usage));
            charged = charged.plus(answer.charged);
            let ModelUsage { input_tokens, output_tokens, .. } = usage;
            let million = |picos| MicroCredits::from_micros(picos).to_string();
            let sum = format!(
                "{} in × {} + {} out × {}",
                input_tokens.unwrap_or_default(),
                million(price.base().input.as_picos()),
                output_tokens.unwrap_or_default(),
                million(price.base().output.as_picos()),
            );
            DemoStory::line(&format!("  {model:<18}  {sum:<37}  {:>9}", answer.charged))?;
        }
        let left = start.minus(charged);
        DemoStory::line(&format!("\n  {start} − {charged} = {left}"))?;
        DemoStory::line(&format!("  balance of the account   {accounts}"))?;
        DemoStory::line(&format!("  invoices of providers    {invoiced}"))?;
        let last = answers.last().map(|answer| answer.balance);
        if accounts != left || last != Some(left) {
            return Err(DemoError::WrongSum(format!("{left} and a balance of {accounts}")));
        }
        if invoiced != charged {
            return Err(DemoError::WrongSum(format!("{charged} and invoices of {invoiced}")));
        }
        Ok(())
    }
}

/// A client of the gateway's WebSocket.
struct DemoClient(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl DemoClient {
    async fn connect(server: SocketAddr, token: &SecretString) -> Result<Self, DemoError> {
        let uri = format!("ws://{server}/gateway").parse::<http::Uri>();
        let uri = uri.map_err(|error| DemoError::Unexpected(error.to_string()))?;
        let bearer = format!("Bearer {}", token.expose_secret());
        let request = ClientRequestBuilder::new(uri).with_header("Authorization", bearer);
        let connected = timeout(MESSAGE_TIMEOUT, connect_async(request)).await;
        let (socket, _) = connected.map_err(|_| DemoError::TimedOut)?.map_err(lost)?;
        Ok(Self(socket))
    }

    async fn send(&mut self, message: &Value) -> Result<(), DemoError> {
        self.0.send(Message::text(message.to_string())).await.map_err(lost)
    }

    async fn next(&mut self) -> Result<Value, DemoError> {
        loop {
            let next = timeout(MESSAGE_TIMEOUT, self.0.next()).await;
            let next = next.map_err(|_| DemoError::TimedOut)?;
            let next = next.unwrap_or(Err(SocketError::ConnectionClosed)).map_err(lost)?;
            if let Message::Text(text) = next {
                let message = serde_json::from_str(&text);
                return message.map_err(|error| DemoError::Unexpected(error.to_string()));
            }
        }
    }

    /// Asks the question, and prints the messages of the answer.
    async fn ask(&mut self, id: u32, story: &mut DemoStory) -> Result<ChargedAnswer, DemoError> {
        let messages = json!([{ "role": "user", "content": QUESTION }]);
        let request = json!({
            "id": id, "type": "chat", "provider": "auto", "model": MODEL, "messages": messages,
            "stream": true, "maxTokens": 160,
        });
        self.send(&request).await?;
        let fields = format!("provider auto, {MODEL}, “{QUESTION}”");
        story.message(MessageSide::Client, "chat", &fields)?;
        loop {
            let message = self.next().await?;
            let (provider, model) = (text(&message["provider"]), text(&message["model"]));
            let fields = match text(&message["type"]) {
                "chunk" => {
                    story.piece(text(&message["data"]))?;
                    continue;
                }
                "accepted" => {
                    let held = amount(&message["held"])?;
                    format!("{provider}, {model}: {held} held")
                }
                "notice" => {
                    format!("{} to {provider}, {model}", text(&message["kind"]))
                }
                "done" => {
                    story.end_text()?;
                    let (usage, credits) = (&message["usage"], &message["credits"]);
                    let (charged, balance) =
                        (amount(&credits["charged"])?, amount(&credits["balance"])?);
                    let fields = format!(
                        "{provider}, {model}: {} tokens in, {} out; {charged} charged, balance {balance}",
                        usage["promptTokens"], usage["completionTokens"],
                    );
                    story.message(MessageSide::Server, "done", &fields)?;
                    return Ok(ChargedAnswer { model: model.to_owned(), charged, balance });
                }
                _ => return Err(DemoError::Unexpected(message.to_string())),
            };
            story.message(MessageSide::Server, text(&message["type"]), &fields)?;
        }
    }

    async fn balance(&mut self) -> Result<MicroCredits, DemoError> {
        self.send(&json!({ "type": "balance" })).await?;
        amount(&self.next().await?["balance"])
    }
}

fn lost(error: SocketError) -> DemoError {
    DemoError::Connection(Box::new(error))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// An amount of a message.
fn amount(value: &Value) -> Result<MicroCredits, DemoError> {
    let amount = value.as_f64().and_then(|number| format!("{number:.6}").parse().ok());
    amount.ok_or_else(|| DemoError::Unexpected(format!("the amount {value}")))
}
