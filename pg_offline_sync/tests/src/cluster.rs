//! Private Postgres clusters.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use tokio_postgres::{Client, Config, NoTls};

use crate::error::PgError;

/// Environment variable with the connection string of a cluster that somebody else started.
const SHARED: &str = "OFFLINE_TEST_DATABASE_URL";

/// A private cluster. It stops when this value is dropped or this process ends, however it ends.
pub struct Cluster {
    config: Config,
    /// The cluster lives until its input is closed.
    server: Option<(Child, ChildStdin)>,
}

impl Cluster {
    /// The cluster that the tests share: the one of the runner, else one of this process.
    pub fn shared() -> &'static Cluster {
        static SHARED_CLUSTER: OnceLock<Cluster> = OnceLock::new();
        SHARED_CLUSTER.get_or_init(|| match std::env::var(SHARED) {
            Ok(url) => Cluster {
                config: url.parse().expect("a connection string"),
                server: None,
            },
            Err(_) => Cluster::start(),
        })
    }

    /// A fresh cluster of its own, for tests that need two.
    pub fn start() -> Cluster {
        let mut server = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cluster.sh"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cluster.sh starts");
        let input = server.stdin.take().expect("a pipe");
        let mut url = String::new();
        let output = server.stdout.take().expect("a pipe");
        BufReader::new(output)
            .read_line(&mut url)
            .expect("a connection string");
        assert!(!url.is_empty(), "the cluster did not start");
        let config = url.trim().parse().expect("a connection string");
        Cluster {
            config,
            server: Some((server, input)),
        }
    }

    /// Directory of the socket, for Postgres' own programs.
    pub fn host(&self) -> String {
        match self.config.get_hosts().first() {
            Some(tokio_postgres::config::Host::Unix(path)) => path.display().to_string(),
            Some(tokio_postgres::config::Host::Tcp(name)) => name.clone(),
            None => "localhost".to_owned(),
        }
    }

    /// Port, for Postgres' own programs.
    pub fn port(&self) -> u16 {
        self.config.get_ports().first().copied().unwrap_or(5432)
    }

    /// One of Postgres' own programs (`pg_dump` …), set up to talk to this cluster as its superuser.
    pub fn program(&self, name: &str) -> Command {
        let pg_config = std::env::var("PG_CONFIG")
            .unwrap_or_else(|_| "/usr/lib/postgresql/15/bin/pg_config".to_owned());
        let bin = Command::new(pg_config)
            .arg("--bindir")
            .output()
            .expect("pg_config runs")
            .stdout;
        let bin = String::from_utf8(bin).expect("a path");
        let mut command = Command::new(format!("{}/{name}", bin.trim()));
        command
            .env("PGHOST", self.host())
            .env("PGPORT", self.port().to_string())
            .env("PGUSER", "postgres");
        command
    }

    /// How to connect.
    pub(crate) fn config(&self) -> Config {
        self.config.clone()
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// What the server answers, such as `3D000` for a database that does not exist.
    pub async fn connect(&self, database: &str, user: &str) -> Result<Client, PgError> {
        let mut config = self.config.clone();
        config.dbname(database).user(user);
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(async move {
            // A broken connection shows at the client that uses it.
            let _ = connection.await;
        });
        Ok(client)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some((mut server, input)) = self.server.take() {
            drop(input);
            server.wait().expect("cluster.sh ends");
        }
    }
}
