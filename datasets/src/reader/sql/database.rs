//! A provider's database: opened for reading, and never changed.
//!
//! Three locks, any of which would do: a SQLite file is opened read-only with `query_only`, a session of
//! PostgreSQL is `default_transaction_read_only`, one of MySQL or MariaDB `READ ONLY`. An account that may
//! read only is the provider's to give, and better than all of them.

use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use csv::ByteRecord;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Error, Executor as _, MySql, MySqlPool, PgPool, Postgres, Sqlite, SqlitePool};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{Receiver, channel};

use super::super::record::{Chunk, Source};
use super::driver::{self, Driver as _, Id};
use super::query::{Dialect, IdKind};
use crate::error::DatasetError;

/// Connections that are open at once at most.
const CONNECTIONS: u32 = 8;
/// How long a call waits for a connection.
const PATIENCE: Duration = Duration::from_secs(20);
/// Chunks that wait for whoever decodes them.
const CHUNKS_AHEAD: usize = 4;

/// Where a database is: `sqlite:FILE`, `postgres://…` or `mysql://…`. It may hold a password, so it does not
/// show itself.
#[derive(Clone)]
pub struct DatabaseUrl(Kind);

#[derive(Clone)]
enum Kind {
    Sqlite(Box<SqliteConnectOptions>),
    Postgres(Box<PgConnectOptions>),
    MySql(Box<MySqlConnectOptions>),
}

impl DatabaseUrl {
    /// Reads a URL. MariaDB is `mysql:`.
    ///
    /// # Errors
    /// [`DatasetError::Option`], which does not repeat the URL.
    pub fn parse(url: &str) -> Result<Self, DatasetError> {
        let refuse = |problem: String| DatasetError::Option { option: "database URL", problem };
        let invalid = |error: Error| refuse(format!("is not valid: {error}"));
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        Ok(Self(match scheme {
            "sqlite" => Kind::Sqlite(Box::new(SqliteConnectOptions::from_str(url).map_err(invalid)?)),
            "postgres" | "postgresql" => {
                Kind::Postgres(Box::new(PgConnectOptions::from_str(url).map_err(invalid)?))
            }
            "mysql" | "mariadb" => {
                Kind::MySql(Box::new(MySqlConnectOptions::from_str(url).map_err(invalid)?))
            }
            _ => return Err(refuse("starts with none of sqlite:, postgres:, mysql:".into())),
        }))
    }

    /// Kind, host and name of the database, without user or password.
    pub fn place(&self) -> String {
        match &self.0 {
            Kind::Sqlite(options) => format!("sqlite {}", options.get_filename().display()),
            Kind::Postgres(options) => {
                let name = options.get_database().unwrap_or_default();
                format!("postgres {}:{}/{name}", options.get_host(), options.get_port())
            }
            Kind::MySql(options) => {
                let name = options.get_database().unwrap_or_default();
                format!("mysql {}:{}/{name}", options.get_host(), options.get_port())
            }
        }
    }

    pub(super) fn dialect(&self) -> Dialect {
        match &self.0 {
            Kind::Sqlite(_) => Dialect::Sqlite,
            Kind::Postgres(_) => Dialect::Postgres,
            Kind::MySql(_) => Dialect::MySql,
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DatabaseUrl({})", self.place())
    }
}

enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    MySql(MySqlPool),
}

/// A connection of one of the three kinds.
enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    MySql(PoolConnection<MySql>),
}

/// Runs the same call on whatever kind of connection it is.
macro_rules! on {
    ($connection:expr, $call:ident ( $($argument:expr),* )) => {
        match $connection {
            Connection::Sqlite(own) => driver::$call::<Sqlite>(&mut *own, $($argument),*).await,
            Connection::Postgres(own) => driver::$call::<Postgres>(&mut *own, $($argument),*).await,
            Connection::MySql(own) => driver::$call::<MySql>(&mut *own, $($argument),*).await,
        }
    };
}

impl Pool {
    fn new(url: &DatabaseUrl) -> Self {
        match url.0.clone() {
            Kind::Sqlite(options) => {
                let options = options.read_only(true).create_if_missing(false).pragma("query_only", "ON");
                // A file has no connection that could have broken meanwhile.
                let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false);
                Self::Sqlite(pool.acquire_timeout(PATIENCE).connect_lazy_with(options))
            }
            Kind::Postgres(options) => {
                let options = options.options([("default_transaction_read_only", "on")]);
                let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
                Self::Postgres(pool.connect_lazy_with(options))
            }
            Kind::MySql(options) => {
                let pool = MySqlPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
                let pool = pool.after_connect(|connection, _| {
                    Box::pin(async move {
                        connection.execute("SET SESSION TRANSACTION READ ONLY").await.map(|_| ())
                    })
                });
                Self::MySql(pool.connect_lazy_with(*options))
            }
        }
    }

    async fn acquire(&self) -> Result<Connection, Error> {
        Ok(match self {
            Self::Sqlite(pool) => Connection::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Connection::Postgres(pool.acquire().await?),
            Self::MySql(pool) => Connection::MySql(pool.acquire().await?),
        })
    }
}

impl Connection {
    /// Begins a transaction that sees one state; the connection is closed afterwards, and so it ends.
    async fn begin(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(own) => {
                own.close_on_drop();
                own.execute("BEGIN").await.map(|_| ())
            }
            Self::Postgres(own) => {
                own.close_on_drop();
                own.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map(|_| ())
            }
            Self::MySql(own) => {
                own.close_on_drop();
                own.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
                own.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await.map(|_| ())
            }
        }
    }
}

/// A database that is open.
pub(super) struct Database {
    /// Taken only when the database is dropped.
    runtime: Option<Runtime>,
    pool: Pool,
    pub(super) dialect: Dialect,
    place: String,
}

impl fmt::Debug for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Database({})", self.place)
    }
}

/// A runtime that is dropped inside of another one must not wait for its threads.
impl Drop for Database {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Database {
    pub(super) fn open(url: &DatabaseUrl) -> Result<Self, DatasetError> {
        let place = url.place();
        let refuse = |error: std::io::Error| DatasetError::Database {
            place: place.clone(),
            problem: format!("no threads to ask it with: {error}"),
        };
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("medrec-database").enable_all().build();
        let runtime = runtime.map_err(refuse)?;
        let pool = {
            // A pool belongs to the runtime that it is made in.
            let _inside = runtime.enter();
            Pool::new(url)
        };
        Ok(Self { runtime: Some(runtime), pool, dialect: url.dialect(), place })
    }

    /// An error with the place of the database.
    pub(super) fn problem(&self, problem: impl fmt::Display) -> DatasetError {
        DatasetError::Database { place: self.place.clone(), problem: problem.to_string() }
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, DatasetError> {
        let Some(runtime) = &self.runtime else { return Err(self.problem("is closed")) };
        runtime.block_on(work).map_err(|error| self.problem(error))
    }

    /// Names of the types of a query's columns.
    pub(super) fn types(&self, sql: String) -> Result<Vec<String>, DatasetError> {
        self.wait(async {
            let mut connection = self.pool.acquire().await?;
            on!(&mut connection, types(sql))
        })
    }

    /// How a column whose type has this name is compared with a patient's id.
    pub(super) fn id_kind(&self, type_name: &str) -> IdKind {
        match self.dialect {
            Dialect::Sqlite => Sqlite::id_kind(type_name),
            Dialect::Postgres => Postgres::id_kind(type_name),
            Dialect::MySql => MySql::id_kind(type_name),
        }
    }

    /// Rows of one patient for each of the queries, by one connection.
    pub(super) fn rows(&self, asked: &[(&Arc<str>, Id<'_>)]) -> Result<Vec<Vec<ByteRecord>>, DatasetError> {
        self.wait(async {
            let mut connection = self.pool.acquire().await?;
            let mut answers = Vec::with_capacity(asked.len());
            for (sql, id) in asked {
                answers.push(on!(&mut connection, rows(sql, *id))?);
            }
            Ok(answers)
        })
    }

    /// A state of the whole database that stays the same until it is dropped.
    pub(super) fn snapshot(&self) -> Result<Snapshot<'_>, DatasetError> {
        let connection = self.wait(async {
            let mut connection = self.pool.acquire().await?;
            connection.begin().await?;
            Ok(connection)
        })?;
        Ok(Snapshot { database: self, connection: Some(Arc::new(Mutex::new(connection))) })
    }
}

/// One state of a database.
pub(super) struct Snapshot<'d> {
    database: &'d Database,
    /// Taken only when the snapshot is dropped.
    connection: Option<Arc<Mutex<Connection>>>,
}

/// A connection is closed by its runtime, so it is dropped inside of it.
impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        let _inside = self.database.runtime.as_ref().map(Runtime::enter);
        drop(self.connection.take());
    }
}

impl Snapshot<'_> {
    /// All rows of a query, in chunks.
    pub(super) fn stream(&self, sql: String) -> Result<RowSource, DatasetError> {
        let (sender, receiver) = channel(CHUNKS_AHEAD);
        let (Some(runtime), Some(connection)) = (&self.database.runtime, &self.connection) else {
            return Err(self.database.problem("is closed"));
        };
        let (connection, place) = (Arc::clone(connection), self.database.place.clone());
        runtime.spawn(async move {
            let mut connection = connection.lock().await;
            if let Err(error) = on!(&mut *connection, send(sql, &sender)) {
                let error = DatasetError::Database { place, problem: error.to_string() };
                // Nobody listening means that nobody needs to know.
                _ = sender.send(Err(error)).await;
            }
        });
        Ok(RowSource(receiver))
    }
}

/// Rows on their way from the database.
pub(super) struct RowSource(Receiver<Result<Chunk, DatasetError>>);

impl Source for RowSource {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, DatasetError> {
        self.0.blocking_recv().transpose()
    }
}
