//! [`TestPostgres`]: an empty database on a PostgreSQL server, which all tests of this process share.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use random_connect::kernel::sql::postgres::PostgresDatabase;
use random_connect::kernel::sql::url::DatabaseUrl;
use random_connect::moderation::migrations::MIGRATIONS;
use random_connect::moderation::store_postgres::PostgresModerationStore;
use sqlx::{AssertSqlSafe, Connection, PgConnection, query};

/// The server of this process. It stops when the process ends, which closes its standard input.
struct Server {
    url: String,
    certificate: String,
    _process: Child,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let mut process = Command::new("sh")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-postgres.sh"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("standard output");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let words = line.split_once(' ');
        let (url, certificate) = words.expect("PostgreSQL is installed: run `make tools`");
        let (url, certificate) = (url.to_owned(), certificate.trim().to_owned());
        Server { url, certificate, _process: process }
    })
}

/// An empty database for one test.
pub struct TestPostgres {
    /// Its URL, with a password that the server does not ask for.
    pub url: String,
    /// The file with the server's certificate, for 127.0.0.1.
    pub certificate: &'static str,
}

impl TestPostgres {
    pub async fn create() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let Server { url, certificate, .. } = server();
        let mut connection =
            PgConnection::connect(&format!("{url}/postgres")).await.expect("PostgreSQL answers");
        let create = query(AssertSqlSafe(format!("CREATE DATABASE {name}")));
        create.execute(&mut connection).await.expect("a database");
        let url = format!("{}/{name}", url.replace("postgres@", "postgres:a-secret-password@"));
        Self { url, certificate }
    }

    pub fn database_url(&self) -> DatabaseUrl {
        DatabaseUrl::parse(&self.url).expect("a valid URL")
    }

    /// Opens the database as a server does.
    pub async fn open(&self) -> PostgresDatabase {
        PostgresDatabase::open(&self.url.as_str().into()).await.expect("PostgreSQL answers")
    }

    /// Opens the database with the tables of moderation.
    pub async fn moderation_store(&self) -> PostgresModerationStore {
        let database = self.open().await;
        database.migrate(&MIGRATIONS).await.expect("tables");
        PostgresModerationStore::new(database)
    }
}
