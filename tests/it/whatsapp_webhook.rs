//! [`WhatsApp::accept`] without the network: accepted messages are handled after the response, and
//! all of them before shutdown.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use random_connect::connect::lobby::action::LobbyStats;
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::lobby::{Directory, LobbyBackend};
use random_connect::connect::push::lobby_couriers;
use random_connect::connect::service::{ConnectOptions, ConnectService};
use random_connect::kernel::clock::{Clock, ManualClock, seeded_rng};
use random_connect::kernel::id::IdHasher;
use random_connect::transport::channels::outbound::{OutboundClient, SendPolicy};
use random_connect::transport::channels::whatsapp::{WhatsApp, WhatsAppDeps, WhatsAppSettings};
use random_connect::transport::ops::metrics::{Metrics, WebhookOutcome};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::moderated::moderated;

/// The WhatsApp channel over a memory lobby.
struct WebhookFixture {
    whatsapp: Arc<WhatsApp>,
    directory: Arc<dyn Directory>,
    clock: Arc<dyn Clock>,
}

impl WebhookFixture {
    fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
        let idle = Duration::from_secs(60);
        let backend = LobbyBackend::new(Arc::new(MemoryLobby::new(idle, seeded_rng())));
        let ids = IdHasher::random(&mut seeded_rng());
        let connect = ConnectService::new(
            moderated(Arc::clone(&backend.lobby)),
            backend.clone(),
            Arc::clone(&clock),
            ids.clone(),
            ConnectOptions::default(),
        );
        let settings = WhatsAppSettings {
            token: "token".into(),
            phone_number_id: "106".to_owned(),
            verify_token: "verify".into(),
            app_secret: "secret".into(),
            // Nothing listens at this address, because outgoing messages are not tested here.
            api_base: "http://127.0.0.1:1".to_owned(),
        };
        let deps = WhatsAppDeps {
            connect: Arc::new(connect),
            couriers: lobby_couriers(&backend.mailbox, &clock),
            clock: Arc::clone(&clock),
            ids,
            metrics: Arc::new(Metrics::default()),
            http: OutboundClient::new(None).expect("a client"),
            send_policy: SendPolicy::default(),
            rng: seeded_rng(),
        };
        Self {
            whatsapp: Arc::new(WhatsApp::new(settings, deps)),
            directory: backend.directory,
            clock,
        }
    }

    /// Posts a webhook with texts of one user; message ids count up from `first_id`.
    fn accept(&self, from: &str, first_id: usize, texts: &[String]) -> WebhookOutcome {
        let messages = texts.iter().zip(first_id..).map(|(text, id)| {
            json!({ "from": from, "id": id.to_string(), "type": "text", "text": { "body": text } })
        });
        let value = json!({ "messages": messages.collect::<Value>() });
        let body = json!({ "entry": [{ "changes": [{ "value": value }] }] }).to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").expect("a key");
        mac.update(body.as_bytes());
        let digest = mac.finalize().into_bytes();
        let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        self.whatsapp.accept(body.as_bytes(), format!("sha256={hex}").as_bytes())
    }

    async fn stats(&self) -> LobbyStats {
        self.directory.stats(self.clock.now()).await.expect("the lobby works")
    }
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|_| "hello".to_owned()).collect()
}

#[tokio::test]
async fn webhook_accepted_messages_are_handled_before_shutdown() {
    let fixture = WebhookFixture::new();
    let meet = ["#meet".to_owned()];
    assert_eq!(fixture.accept("1", 0, &meet), WebhookOutcome::Accepted);
    assert_eq!(fixture.accept("2", 1, &meet), WebhookOutcome::Accepted);
    fixture.whatsapp.wait_idle().await;
    assert_eq!(fixture.accept("1", 2, &texts(50)), WebhookOutcome::Accepted);
    assert_eq!(fixture.stats().await.relayed, 0, "accepted messages are handled later");
    fixture.whatsapp.wait_idle().await;
    assert_eq!((fixture.stats().await.pairs, fixture.stats().await.relayed), (1, 50));
}

#[tokio::test]
async fn webhook_full_backlog_rejects_the_whole_body() {
    let fixture = WebhookFixture::new();
    assert_eq!(fixture.accept("1", 0, &texts(10_000)), WebhookOutcome::Accepted);
    assert_eq!(fixture.accept("2", 10_000, &["#meet".to_owned()]), WebhookOutcome::Busy);
    fixture.whatsapp.wait_idle().await;
    assert_eq!(fixture.accept("2", 10_000, &["#meet".to_owned()]), WebhookOutcome::Accepted);
    fixture.whatsapp.wait_idle().await;
    assert_eq!(fixture.stats().await.waiting, 1, "the rejected message is not a repeat");
}
