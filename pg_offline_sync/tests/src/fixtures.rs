//! Tables that many tests use.

use serde_json::json;
use uuid::Uuid;

use crate::db::Db;

/// `public.note`: everyone has their own notes; the scope is `user_id`.
pub async fn notes(db: &Db) {
    db.sql(
        "create table public.note (
            id uuid primary key default gen_random_uuid(),
            user_id uuid not null default auth.uid(),
            title text check (length(title) <= 200),
            n int8 not null default 0);
        alter table public.note enable row level security;
        create policy own on public.note to authenticated
            using (user_id = auth.uid()) with check (user_id = auth.uid());",
    )
    .await;
    db.enable_sync("public.note", json!({ "scope": "user_id" }))
        .await;
}

/// `public.member` (not synced) and `public.task`, which the members of a team share; the scope is
/// `team_id`. `options` are added to those of `enable_sync`.
pub async fn tasks(db: &Db, options: serde_json::Value) {
    db.sql(
        "create table public.member (team_id uuid, user_id uuid, primary key (team_id, user_id));
        alter table public.member enable row level security;
        create policy own on public.member for select to authenticated using (user_id = auth.uid());
        create table public.task (
            id uuid primary key,
            team_id uuid not null,
            title text check (length(title) <= 200),
            likes int not null default 0,
            grade int,
            hidden boolean not null default false);
        alter table public.task enable row level security;
        create policy team on public.task to authenticated
            using (not hidden and team_id in (select m.team_id from public.member m))
            with check (team_id in (select m.team_id from public.member m));",
    )
    .await;
    let mut all = json!({ "scope": "team_id",
        "members": "select team_id from public.member where user_id = auth.uid()" });
    for (name, value) in options.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    db.enable_sync("public.task", all).await;
}

/// Makes a user a member of a team.
pub async fn join(db: &Db, team: Uuid, user: Uuid) {
    db.rows("insert into public.member values ($1, $2)", &[&team, &user])
        .await;
}

/// Ends a membership.
pub async fn leave(db: &Db, team: Uuid, user: Uuid) {
    let query = "delete from public.member where team_id = $1 and user_id = $2";
    db.rows(query, &[&team, &user]).await;
}

/// A new team with these members.
pub async fn team(db: &Db, users: &[Uuid]) -> Uuid {
    let team = Uuid::new_v4();
    for user in users {
        join(db, team, *user).await;
    }
    team
}

/// A new task of a team, written by the owner of the database; its id.
pub async fn add_task(db: &Db, team: Uuid, title: &str) -> Uuid {
    let id = Uuid::new_v4();
    let query = "insert into public.task (id, team_id, title) values ($1, $2, $3)";
    db.rows(query, &[&id, &team, &title]).await;
    id
}
