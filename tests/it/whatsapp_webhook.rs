//! What the webhook takes, without the network: it is carried out behind the answer, and all of it
//! before the end.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use random_connect::connect::delivery::courier::Couriers;
use random_connect::connect::lobby::Lobby;
use random_connect::connect::lobby::action::LobbyStats;
use random_connect::connect::lobby::store_memory::MemoryLobby;
use random_connect::connect::service::{ConnectOptions, ConnectService};
use random_connect::kernel::clock::{Clock, ManualClock, seeded_rng};
use random_connect::kernel::id::IdHasher;
use random_connect::transport::channels::outbound;
use random_connect::transport::channels::outbound::SendPolicy;
use random_connect::transport::channels::whatsapp::{WhatsApp, WhatsAppDeps, WhatsAppSettings};
use random_connect::transport::ops::metrics::{Metrics, WebhookOutcome};
use serde_json::{Value, json};
use sha2::Sha256;

struct WebhookFixture {
    whatsapp: Arc<WhatsApp>,
    lobby: Arc<dyn Lobby>,
    clock: Arc<dyn Clock>,
}

impl WebhookFixture {
    fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
        let idle = Duration::from_secs(60);
        let lobby: Arc<dyn Lobby> = Arc::new(MemoryLobby::new(idle, seeded_rng()));
        let ids = IdHasher::random(&mut seeded_rng());
        let (kept, time) = (Arc::clone(&lobby), Arc::clone(&clock));
        let connect = ConnectService::new(kept, time, ids.clone(), ConnectOptions::default());
        let settings = WhatsAppSettings {
            token: "token".into(),
            phone_number_id: "106".to_owned(),
            verify_token: "verify".into(),
            app_secret: "secret".into(),
            // Nothing listens there: what people would get is not what this is about.
            api_base: "http://127.0.0.1:1".to_owned(),
        };
        let parts = WhatsAppDeps {
            connect: Arc::new(connect),
            couriers: Couriers::new(Arc::clone(&lobby), Arc::clone(&clock)),
            clock: Arc::clone(&clock),
            ids,
            metrics: Arc::new(Metrics::new([])),
            http: outbound::http_client().expect("a client"),
            pace: SendPolicy::default(),
            rng: seeded_rng(),
        };
        Self { whatsapp: Arc::new(WhatsApp::new(settings, parts)), lobby, clock }
    }

    /// Meta posts texts of one person, the first under this id.
    fn take(&self, from: &str, first: usize, texts: &[String]) -> WebhookOutcome {
        let messages = texts.iter().zip(first..).map(|(text, id)| {
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
        self.lobby.stats(self.clock.now()).await.expect("figures")
    }
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|_| "hello".to_owned()).collect()
}

#[tokio::test]
async fn webhook_accepted_messages_are_handled_before_shutdown() {
    let world = WebhookFixture::new();
    let meet = ["#meet".to_owned()];
    assert_eq!(world.take("1", 0, &meet), WebhookOutcome::Accepted);
    assert_eq!(world.take("2", 1, &meet), WebhookOutcome::Accepted);
    world.whatsapp.wait_idle().await;
    assert_eq!(world.take("1", 2, &texts(50)), WebhookOutcome::Accepted);
    assert_eq!(world.stats().await.relayed, 0, "the answer comes first");
    world.whatsapp.wait_idle().await;
    assert_eq!((world.stats().await.pairs, world.stats().await.relayed), (1, 50));
}

#[tokio::test]
async fn webhook_full_backlog_rejects_the_whole_body() {
    let world = WebhookFixture::new();
    assert_eq!(world.take("1", 0, &texts(10_000)), WebhookOutcome::Accepted);
    assert_eq!(world.take("2", 10_000, &["#meet".to_owned()]), WebhookOutcome::Busy);
    world.whatsapp.wait_idle().await;
    assert_eq!(world.take("2", 10_000, &["#meet".to_owned()]), WebhookOutcome::Accepted);
    world.whatsapp.wait_idle().await;
    assert_eq!(world.stats().await.waiting, 1, "it was not taken for a repeat");
}
