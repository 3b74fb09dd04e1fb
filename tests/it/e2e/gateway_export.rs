//! An export of usage that breaks in the middle.

use reqwest::StatusCode;
use sqlx::query;

use super::gateway_operator::server;
use crate::support::key_commands::ADMIN;
use crate::support::server::http_client;

/// Requests that take more than the buffers of a connection, and are too young to be deleted.
const FILL: &str = "INSERT INTO gateway_requests (hold, account, body_hash, amount, node, lease_until, \
     started_at, provider, model, settled_at, charged, uncollected, source, status, total_ms, attempts) \
     WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 60000) \
     SELECT CAST(printf('%016d', n) AS BLOB), CAST(printf('%016d', 1) AS BLOB), zeroblob(32), 0, \
     zeroblob(16), 0, 0, 'openai', printf('%500d', n), \
     (CAST(strftime('%s', 'now') AS INTEGER) - 1000) * 1000 + n, 0, 0, 'provider', 'done', 1, 1 \
     FROM numbers";

#[tokio::test]
async fn gateway_export_that_breaks_in_the_middle_has_no_end_that_looks_complete() {
    let (server, _, folder) = server().await;
    let database = folder.open().await;
    query(FILL).execute(&database).await.expect("rows");
    for (format, breaks) in [("csv", false), ("csv", true), ("jsonl", true)] {
        let request = http_client().get(format!("{}/admin/usage?format={format}", server.url));
        let mut response = request.bearer_auth(ADMIN).send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::OK);
        let mut bytes = response.chunk().await.expect("data").expect("a part").len();
        if breaks {
            let rename = "ALTER TABLE gateway_requests RENAME TO gone";
            query(rename).execute(&database).await.expect("no table");
        }
        let end = loop {
            match response.chunk().await {
                Ok(Some(part)) => bytes += part.len(),
                end => break end,
            }
        };
        assert_eq!(end.is_err(), breaks, "{format}: {bytes} bytes");
        assert_eq!(bytes > 60_000 * 500, !breaks, "{format}: {bytes} bytes");
        if breaks {
            let back = "ALTER TABLE gone RENAME TO gateway_requests";
            query(back).execute(&database).await.expect("a table");
        }
    }
}
