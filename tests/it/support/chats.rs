//! Chats of users over `handle_message`, and users with a history.

use std::time::Duration;

use crate::support::server::TestServer;

/// Matches two users.
pub async fn pair(server: &TestServer, user: &str, partner: &str) {
    server.say(user, "#meet").await;
    let reply = server.say(partner, "#meet").await;
    assert!(reply.contains("Connected!"), "{reply}");
}

/// Matches two users, and has both write.
pub async fn pair_and_write(server: &TestServer, user: &str, partner: &str) {
    pair(server, user, partner).await;
    for writer in [user, partner] {
        let reply = server.say(writer, "hello").await;
        assert!(reply.contains("Message sent"), "{reply}");
    }
}

/// Gives users a history: three mutual chats, a day ago. Their number is a multiple of
/// four.
pub async fn establish(server: &TestServer, users: &[&str]) {
    for round in 1..=3 {
        for (index, user) in users.iter().enumerate() {
            let partner = index ^ round;
            if index < partner {
                pair_and_write(server, user, users[partner]).await;
                server.say(user, "#bye").await;
            }
        }
    }
    server.clock.advance(Duration::from_secs(24 * 3_600));
}
