//! The private cluster of a run.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use offline_sync_testkit::Cluster;

use crate::error::{Outcome, ensure, pg};

/// Memory that the figures are stated for; everything else is as Postgres comes, durability too.
const SHARED_BUFFERS: &str = "512MB";

/// Starts the private cluster and gives it its memory. One that `OFFLINE_TEST_DATABASE_URL` names
/// belongs to somebody else and is taken as it is.
///
/// # Errors
/// When the cluster does not come back.
pub async fn start() -> Outcome<()> {
    let cluster = Cluster::shared();
    if std::env::var_os("OFFLINE_TEST_DATABASE_URL").is_some() {
        return Ok(());
    }
    let admin = cluster.connect("postgres", "postgres").await?;
    let set = format!("alter system set shared_buffers = '{SHARED_BUFFERS}'");
    admin.batch_execute(&set).await.map_err(pg)?;
    let data: String = admin
        .query_one("show data_directory", &[])
        .await
        .map_err(pg)?
        .get(0);
    drop(admin);
    let mut restart = as_owner_of(&data, cluster.program("pg_ctl"))?;
    restart
        .args(["restart", "-w", "-m", "fast", "-D", &data, "-l"])
        .arg(format!("{data}/server.log"));
    let status = restart
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    ensure(
        status.success(),
        format!("the cluster did not restart: {status}"),
    )?;
    let admin = cluster.connect("postgres", "postgres").await?;
    let buffers: String = admin
        .query_one("show shared_buffers", &[])
        .await
        .map_err(pg)?
        .get(0);
    ensure(
        buffers == SHARED_BUFFERS,
        format!("shared_buffers is {buffers}"),
    )
}

/// The program, run by whoever the cluster belongs to: Postgres refuses to run as root.
fn as_owner_of(data: &str, program: Command) -> Outcome<Command> {
    if fs::metadata(data)?.uid() == fs::metadata("/proc/self")?.uid() {
        return Ok(program);
    }
    let mut command = Command::new("runuser");
    command
        .args(["-u", "postgres", "--"])
        .arg(program.get_program());
    Ok(command)
}
