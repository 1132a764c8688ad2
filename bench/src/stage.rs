//! The databases that measurements play in: the sample application's teams, with notes.

use offline_sync_testkit::Db;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::{Outcome, pg};

/// Teams and their members, as the sample application has them.
const TEAMS: &str = include_str!("../../supabase/migrations/20261120000100_teams.sql");

/// Notes and tasks of the sample application.
const NOTES: &str = include_str!("../../supabase/migrations/20261120000200_notes.sql");

/// One half of a pair of tables to compare.
const NOTE_PAIR: &str = include_str!("note_pair.sql");

/// Columns and values of a seeded note; `$1` is the team, `g` counts.
const SEED: &str = "
    insert into public.{table} (team_id, author, title, body, likes, status)
    select $1, $2, 'Note ' || g, repeat('lorem ipsum ', 12) || g, g % 100, 'draft'
    from generate_series(1, $3::bigint) g";

const SEED_EVENLY: &str = "
    insert into public.{table} (team_id, author, title, body, likes, status)
    select ($1::uuid[])[(1 + g % cardinality($1::uuid[]))::int], $2, 'Note ' || g, repeat('lorem ipsum ', 12) || g, g % 100, 'draft'
    from generate_series(1, $3::bigint) g";

/// A database with teams; the tables differ from group to group.
pub struct Stage {
    /// The database.
    pub db: Db,
    /// A user who is a member of the first team, and whoever else the group says.
    pub user: Uuid,
    /// The teams.
    pub teams: Vec<Uuid>,
}

impl Stage {
    /// A database with `teams` teams; the user is a member of the first.
    pub async fn with_teams(teams: usize) -> Outcome<Stage> {
        let db = Db::create().await;
        db.sql(TEAMS).await;
        let user = Uuid::new_v4();
        let teams: Vec<Uuid> = (0..teams).map(|_| Uuid::new_v4()).collect();
        // Created by nobody in particular: the trigger that adds the creator as a member has its own user.
        let query = "insert into public.team (id, name, created_by) select u, 'Team', gen_random_uuid() from unnest($1::uuid[]) u";
        db.owner().execute(query, &[&teams]).await.map_err(pg)?;
        let stage = Stage { db, user, teams };
        stage.join(stage.user, stage.teams[0]).await?;
        Ok(stage)
    }

    /// The sample application's own notes and tasks, synced.
    pub async fn sample(teams: usize) -> Outcome<Stage> {
        let stage = Stage::with_teams(teams).await?;
        stage.db.sql(NOTES).await;
        stage.db.enable_sync("public.note", note_options()).await;
        stage
            .db
            .enable_sync("public.team_task", task_options())
            .await;
        Ok(stage)
    }

    /// Two tables alike with `rows` notes of the first team; `note_synced` is synced, `note_plain` is not.
    pub async fn pair(rows: i64) -> Outcome<Stage> {
        let stage = Stage::with_teams(1).await?;
        for table in ["note_synced", "note_plain"] {
            stage.create(table).await;
        }
        stage.seed("note_synced", stage.teams[0], rows).await?;
        // Row by row the same, so that an update or a deletion by key means the same in both.
        stage
            .db
            .sql("insert into public.note_plain select * from public.note_synced")
            .await;
        stage
            .db
            .enable_sync("public.note_synced", note_options())
            .await;
        stage.settle("public.note_synced, public.note_plain").await;
        Ok(stage)
    }

    /// Makes a table of the shape of the sample's notes.
    pub async fn create(&self, table: &str) {
        self.db.sql(&NOTE_PAIR.replace("{name}", table)).await;
    }

    /// Adds notes to a team.
    pub async fn seed(&self, table: &str, team: Uuid, rows: i64) -> Outcome<()> {
        let query = SEED.replace("{table}", table);
        self.db
            .owner()
            .execute(&query, &[&team, &self.user, &rows])
            .await
            .map_err(pg)?;
        Ok(())
    }

    /// Adds notes to several teams, the same number each.
    pub async fn seed_evenly(&self, table: &str, teams: &[Uuid], rows: i64) -> Outcome<()> {
        let query = SEED_EVENLY.replace("{table}", table);
        self.db
            .owner()
            .execute(&query, &[&teams, &self.user, &rows])
            .await
            .map_err(pg)?;
        Ok(())
    }

    /// Makes a user a member of a team.
    pub async fn join(&self, user: Uuid, team: Uuid) -> Outcome<()> {
        let query = "insert into public.team_member (team_id, user_id) values ($1, $2)";
        self.db
            .owner()
            .execute(query, &[&team, &user])
            .await
            .map_err(pg)?;
        Ok(())
    }

    /// Cleans up and counts rows, so that no automatic vacuum falls into a measurement.
    pub async fn settle(&self, tables: &str) {
        let data =
            "offline_data.row_state, offline_data.row_history, offline_data.device_sync_state";
        self.db
            .sql(&format!("vacuum analyze {tables}, {data}"))
            .await;
    }
}

/// Options of notes, as the sample application enables them.
pub fn note_options() -> Value {
    json!({
        "scope": "team_id",
        "members": "select team_id::text from public.team_member where user_id = auth.uid()",
        "policy": {
            "default": "last_write_wins",
            "on_delete": "update_wins",
            "columns": { "likes": "counter", "status": "server_wins", "grade": "manual" }
        }
    })
}

fn task_options() -> Value {
    json!({
        "scope": "team_id",
        "members": "select team_id::text from public.team_member where user_id = auth.uid()",
        "policy": { "default": "last_write_wins" }
    })
}
