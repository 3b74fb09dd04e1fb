//! `DATABASE_URL` beside `REDIS_URL`: instances share moderation on Redis or PostgreSQL, never in a file.

use random_connect::kernel::sql::sqlite::SqliteDatabase;
use sqlx::{Connection, PgConnection, query_scalar};

use crate::support::backends::memory_only;
use crate::support::postgres_server::TestPostgres;
use crate::support::redis_server::RedisServer;
use crate::support::server_process::ServerProcess;
use crate::support::temp_database::TempDatabase;

/// Lets ann block ben on one instance; asserts that the two do not meet on another.
async fn assert_blocks_are_shared(redis: &str, databases: [&str; 2]) {
    let start = async |database| {
        let variables = [("REDIS_URL", redis), ("DATABASE_URL", database), ("NOTICE", "off")];
        ServerProcess::start(0, &variables).await
    };
    let (one, two) = (start(databases[0]).await, start(databases[1]).await);
    one.say("ann", "#meet", "1").await;
    assert!(two.say("ben", "#meet", "2").await.contains("Connected!"));
    assert!(one.say("ann", "#block", "3").await.contains("The chat is over."));
    two.say("ann", "#meet", "4").await;
    assert!(!two.say("ben", "#meet", "5").await.contains("Connected!"));
    assert_eq!(two.ready().await.0, 200);
}

#[tokio::test]
async fn database_in_a_file_beside_redis_has_no_moderation() {
    let (redis, first, second) =
        (RedisServer::start(&[]), TempDatabase::new(), TempDatabase::new());
    let url = |temp: &TempDatabase| format!("sqlite:{}", temp.file().display());
    assert_blocks_are_shared(&redis.url(), [&url(&first), &url(&second)]).await;
    for temp in [first, second] {
        let database = SqliteDatabase::open(&temp.file()).await.expect("a database");
        let blocks: i64 = query_scalar("SELECT count(*) FROM blocks")
            .fetch_one(database.readers())
            .await
            .expect("the tables exist");
        assert_eq!(blocks, 0);
    }
}

#[tokio::test]
async fn database_on_postgresql_beside_redis_has_moderation() {
    if memory_only() {
        return;
    }
    let (redis, postgres) = (RedisServer::start(&[]), TestPostgres::create().await);
    assert_blocks_are_shared(&redis.url(), [&postgres.url, &postgres.url]).await;
    let mut connection = PgConnection::connect(&postgres.url).await.expect("PostgreSQL answers");
    let blocks: i64 = query_scalar("SELECT count(*) FROM moderation_blocks")
        .fetch_one(&mut connection)
        .await
        .expect("the tables exist");
    assert_eq!(blocks, 2, "one for each direction");
}

#[tokio::test]
async fn database_beside_redis_generates_no_secrets() {
    let temp = TempDatabase::new();
    let url = format!("sqlite:{}", temp.file().display());
    let variables = [
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("DATABASE_URL", &url),
        ("ID_SALT", ""),
        ("INBOX_KEY", ""),
    ];
    let (status, errors) = ServerProcess::refuse(&variables).await;
    assert_eq!(status, Some(2), "{errors}");
    for name in ["ID_SALT", "INBOX_KEY"] {
        assert!(errors.contains(&format!("{name}=(not set)")), "{errors}");
    }
    assert!(
        !temp.file().exists() && errors.contains("on all instances, with REDIS_URL"),
        "{errors}"
    );
}
