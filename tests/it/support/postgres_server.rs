//! [`TestPostgres`]: an empty database on a [`PostgresServer`], which all tests of this process share.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use random_connect::kernel::sql::postgres::PostgresDatabase;
use random_connect::kernel::sql::url::DatabaseUrl;
use random_connect::moderation::migrations::MIGRATIONS;
use random_connect::moderation::store_postgres::PostgresModerationStore;
use sqlx::{AssertSqlSafe, Connection, PgConnection, query};

/// A PostgreSQL server. It stops when the value or the process ends, which closes its standard input.
pub struct PostgresServer {
    url: String,
    certificate: String,
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl PostgresServer {
    /// Starts a server on a free port. Blocks until it answers.
    pub fn start() -> Self {
        let mut process = Command::new("sh")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-postgres.sh"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let mut answers = BufReader::new(process.stdout.take().expect("standard output"));
        let mut line = String::new();
        answers.read_line(&mut line).expect("a line");
        let words = line.split_once(' ');
        let (url, certificate) = words.expect("PostgreSQL is installed: run `make tools`");
        let (url, certificate) = (url.to_owned(), certificate.trim().to_owned());
        Self { url, certificate, process, answers }
    }

    /// Kills the server as a crash would, and starts it again on the same port. Blocks until it answers.
    pub fn restart(&mut self) {
        let input = self.process.stdin.as_mut().expect("standard input");
        input.write_all(b"restart\n").expect("the script runs");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a line");
        assert_eq!(line, "started\n");
    }
}

/// The server that all tests of this process share.
fn server() -> &'static PostgresServer {
    static SERVER: OnceLock<PostgresServer> = OnceLock::new();
    SERVER.get_or_init(PostgresServer::start)
}

/// An empty database for one test.
pub struct TestPostgres {
    /// Its URL, with a password that the server does not ask for.
    pub url: String,
    /// The file with the server's certificate, for 127.0.0.1.
    pub certificate: String,
}

impl TestPostgres {
    pub async fn create() -> Self {
        Self::create_on(server()).await
    }

    pub async fn create_on(server: &PostgresServer) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let PostgresServer { url, certificate, .. } = server;
        let mut connection =
            PgConnection::connect(&format!("{url}/postgres")).await.expect("PostgreSQL answers");
        let create = query(AssertSqlSafe(format!("CREATE DATABASE {name}")));
        create.execute(&mut connection).await.expect("a database");
        let url = format!("{}/{name}", url.replace("postgres@", "postgres:a-secret-password@"));
        Self { url, certificate: certificate.clone() }
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
