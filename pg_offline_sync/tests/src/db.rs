//! A database for one test.

use std::io::Write as _;
use std::process::{Command, Stdio};

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio_postgres::types::{FromSql, ToSql};
use tokio_postgres::{AsyncMessage, Client, NoTls, Row};
use uuid::Uuid;

use crate::caller::Caller;
use crate::cluster::Cluster;
use crate::error::PgError;

/// Database that every test's database is a copy of.
const TEMPLATE: &str = "offline_template";

/// Held while the template is made or copied: Postgres copies a database only while nobody uses it.
const TEMPLATE_LOCK: i64 = 4_711;

/// Parameters of a query.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The cluster that a database lives in.
enum Home {
    /// The one that the tests share.
    Shared(&'static Cluster),
    /// One of its own, which goes with the database.
    Own(Box<Cluster>),
}

impl std::ops::Deref for Home {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        match self {
            Home::Shared(cluster) => cluster,
            Home::Own(cluster) => cluster,
        }
    }
}

/// A database with roles, `auth.uid()`, the extension and its storage; dropped with this value.
pub struct Db {
    cluster: Home,
    name: String,
    owner: Client,
}

impl Db {
    /// A new database on the shared cluster.
    pub async fn create() -> Db {
        let cluster = Cluster::shared();
        let admin = cluster.connect("postgres", "postgres").await.unwrap();
        admin
            .execute("select pg_advisory_lock($1)", &[&TEMPLATE_LOCK])
            .await
            .unwrap();
        ensure_template(cluster, &admin).await;
        let name = format!("t_{}", Uuid::new_v4().simple());
        let create = format!("create database {name} template {TEMPLATE} owner owner");
        admin.batch_execute(&create).await.unwrap();
        let owner = cluster.connect(&name, "owner").await.unwrap();
        Db {
            cluster: Home::Shared(cluster),
            name,
            owner,
        }
    }

    /// A database that is there already, alone in a cluster of its own.
    pub async fn adopt(cluster: Cluster, name: &str) -> Db {
        let owner = cluster.connect(name, "owner").await.unwrap();
        let name = name.to_owned();
        Db {
            cluster: Home::Own(Box::new(cluster)),
            name,
            owner,
        }
    }

    /// A new database without the storage: `create extension` was all that happened.
    pub async fn without_storage() -> Db {
        let db = Db::create().await;
        db.sql("drop schema offline_data cascade").await;
        db
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The owner's connection.
    pub fn owner(&self) -> &Client {
        &self.owner
    }

    /// Another connection, as `user` (`owner` or `postgres`).
    pub async fn connect(&self, user: &str) -> Client {
        self.cluster.connect(&self.name, user).await.unwrap()
    }

    /// A connection of a signed-in user.
    pub async fn caller(&self, user: Uuid) -> Caller {
        Caller::signed_in(self.connect("authenticator").await, user).await
    }

    /// A connection with the public key alone.
    pub async fn anon(&self) -> Caller {
        Caller::anonymous(self.connect("authenticator").await).await
    }

    /// Runs statements as the owner.
    pub async fn sql(&self, statements: &str) {
        if let Err(error) = self.try_sql(statements).await {
            panic!("{error}\n{statements}");
        }
    }

    /// Runs statements as the owner.
    ///
    /// # Errors
    /// What the server answers.
    pub async fn try_sql(&self, statements: &str) -> Result<(), PgError> {
        Ok(self.owner.batch_execute(statements).await?)
    }

    /// One of Postgres' own programs, set up to work on this database as its superuser.
    pub fn program(&self, name: &str) -> Command {
        let mut command = self.cluster.program(name);
        command.env("PGDATABASE", &self.name);
        command
    }

    /// Feeds a script to psql, as the owner. Fails with the first error.
    pub fn psql(&self, script: &str) {
        let mut psql = self.program("psql");
        psql.env("PGUSER", "owner")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]);
        let mut psql = psql
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("psql runs");
        let mut input = psql.stdin.take().expect("a pipe");
        input.write_all(script.as_bytes()).expect("psql reads");
        drop(input);
        assert!(psql.wait().expect("psql ends").success(), "psql failed");
    }

    /// The rows of a query of the owner.
    pub async fn rows(&self, query: &str, params: Params<'_>) -> Vec<Row> {
        match self.owner.query(query, params).await {
            Ok(rows) => rows,
            Err(error) => panic!("{}\n{query}", PgError::from(error)),
        }
    }

    /// The only value of a query of the owner.
    pub async fn one<T>(&self, query: &str, params: Params<'_>) -> T
    where
        T: for<'a> FromSql<'a>,
    {
        let rows = self.rows(query, params).await;
        assert_eq!(rows.len(), 1, "one row expected: {query}");
        rows[0].get(0)
    }

    /// The first column of a query of the owner.
    pub async fn column<T>(&self, query: &str, params: Params<'_>) -> Vec<T>
    where
        T: for<'a> FromSql<'a>,
    {
        self.rows(query, params)
            .await
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    /// Makes a table synced.
    pub async fn enable_sync(&self, table: &str, options: serde_json::Value) -> serde_json::Value {
        self.try_enable_sync(table, options).await.unwrap()
    }

    /// Makes a table synced.
    ///
    /// # Errors
    /// What the server answers.
    pub async fn try_enable_sync(
        &self,
        table: &str,
        options: serde_json::Value,
    ) -> Result<serde_json::Value, PgError> {
        let query = "select offline.enable_sync($1::text::regclass, $2)";
        Ok(self
            .owner
            .query_one(query, &[&table, &options])
            .await?
            .get(0))
    }
}

async fn ensure_template(cluster: &Cluster, admin: &Client) {
    let exists = "select exists (select from pg_database where datname = $1)";
    if admin.query_one(exists, &[&TEMPLATE]).await.unwrap().get(0) {
        return;
    }
    admin
        .batch_execute("create database offline_draft")
        .await
        .unwrap();
    let superuser = cluster.connect("offline_draft", "postgres").await.unwrap();
    superuser
        .batch_execute(include_str!("template.sql"))
        .await
        .unwrap();
    let adopt = "alter database offline_draft owner to owner";
    superuser.batch_execute(adopt).await.unwrap();
    drop(superuser);
    let owner = cluster.connect("offline_draft", "owner").await.unwrap();
    owner
        .batch_execute("select * from offline.bootstrap()")
        .await
        .unwrap();
    drop(owner);
    crate::eventually("nobody uses the template", || async {
        let rename = format!("alter database offline_draft rename to {TEMPLATE}");
        admin.batch_execute(&rename).await.is_ok()
    })
    .await;
}

impl Drop for Db {
    /// Drops the database. A thread of its own, because the test's runtime cannot be waited for here.
    fn drop(&mut self) {
        let Home::Shared(cluster) = self.cluster else {
            return;
        };
        let name = self.name.clone();
        let work = async move {
            let admin = cluster.connect("postgres", "postgres").await?;
            let drop = format!("drop database if exists {name} with (force)");
            Ok::<_, PgError>(admin.batch_execute(&drop).await?)
        };
        let thread = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(work)
        });
        if !std::thread::panicking() {
            thread
                .join()
                .expect("no panic")
                .expect("the database is dropped");
        } else {
            let _ = thread.join();
        }
    }
}

/// Listens on a channel; payloads go to `sender` until the task is aborted.
pub async fn listen(db: &Db, channel: &str, sender: UnboundedSender<String>) -> JoinHandle<()> {
    let mut config = db.cluster.config();
    config.dbname(&db.name).user("owner");
    let (client, mut connection) = config.connect(NoTls).await.unwrap();
    let listen = format!("listen {channel}");
    let task = tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(notice) = message
                && sender.send(notice.payload().to_owned()).is_err()
            {
                return;
            }
        }
    });
    client.batch_execute(&listen).await.unwrap();
    // The task ends with the connection, which lives as long as its client.
    tokio::spawn(async move {
        let _client = client;
        std::future::pending::<()>().await;
    });
    task
}
