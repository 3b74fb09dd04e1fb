//! Links and profanity in messages, as both users of a chat see them.

use random_connect::transport::http::limits::ConnectionLimits;

use crate::support::server::TestServer;

/// Starts a server on which Ann and Ben chat.
async fn chat(variables: &[(&str, &str)]) -> TestServer {
    let server = TestServer::with(variables, ConnectionLimits::default()).await;
    server.say("ann", "#meet").await;
    server.say("ben", "#meet").await;
    server.say("ann", "#m").await;
    server
}

#[tokio::test]
async fn link_is_defanged_until_trusted() {
    let server = chat(&[]).await;
    for _ in 0..3 {
        server.say("ben", "look: https://example.com/a").await;
        let read = server.say("ann", "nice").await;
        assert!(read.contains(": look: example[.]com/a\n"), "{read}");
    }
    server.say("ben", "look: https://example.com/a").await;
    let read = server.say("ann", "#m").await;
    assert!(read.ends_with(": look: https://example.com/a"), "{read}");
    server.say("ben", "#again").await;
    server.say("cid", "#meet").await;
    let sent = server.say("cid", "see example.com").await;
    assert!(sent.ends_with(": see example[.]com"), "{sent}");
}

#[tokio::test]
async fn link_to_a_person_is_always_hidden() {
    for links in ["allow", "defang"] {
        let server = chat(&[("LINKS", links)]).await;
        for link in
            ["https://t.me/some_one", "t.me/some_one", "wa.me/917722401360", "wa。me/917722401360"]
        {
            let sent = server.say("ben", &format!("me: {link}")).await;
            assert!(!sent.contains("some_one") && !sent.contains("7722"), "{sent}");
        }
        let sent = server.say("ben", "or example.com/a").await;
        let shown = if links == "allow" { "example.com/a" } else { "example[.]com/a" };
        assert!(sent.ends_with(shown), "{sent}");
    }
}

#[tokio::test]
async fn link_and_profanity_refuse_policy_explains_itself() {
    let server = chat(&[("LINKS", "refuse"), ("WORDS", "refuse")]).await;
    for (text, reply) in [
        ("go to example.com", "⚠️ Your message was not sent: links aren't allowed here."),
        ("sh1t", "⚠️ Your message was not sent: it contains a word that isn't allowed here."),
    ] {
        assert_eq!(server.say("ben", text).await, reply);
    }
    assert_eq!(server.say("ann", "#m").await, "📭 Inbox empty.");
    let sent = server.say("ben", "my assessment: ok.so what").await;
    assert!(sent.ends_with(": my assessment: ok.so what"), "{sent}");
}

#[tokio::test]
async fn profanity_mask_policy_censors() {
    let server = chat(&[("WORDS", "mask")]).await;
    let sent = server.say("ben", "what the FUCK, call 9876543210").await;
    assert!(sent.ends_with(": what the F***, call [hidden]"), "{sent}");
    let plain = chat(&[]).await.say("ben", "what the fuck").await;
    assert!(plain.ends_with(": what the fuck"), "{plain}");
}
