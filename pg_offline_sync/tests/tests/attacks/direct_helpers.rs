//! Has: an account, a way to run SQL as `authenticated` (a careless RPC), and the id of another user's device.
//! Wants: to reach the storage, or to call the helpers behind push and pull with the other device's id.

use crate::{Scene, refused};

#[tokio::test]
async fn the_storage_cannot_be_read_or_written() {
    let scene = Scene::new().await;
    let tables: Vec<String> = scene.db.column(
        "select oid::regclass::text from pg_class where relnamespace = 'offline_data'::regnamespace and relkind in ('r', 'S') order by 1", &[]).await;
    assert!(tables.len() >= 10);
    for table in tables {
        if table != "offline_data.conflict_resolution_log" {
            assert_eq!(
                refused(&scene.attacker, &format!("select * from {table}")).await,
                "42501",
                "{table}"
            );
        }
        if !table.ends_with("_seq") {
            for statement in [
                format!("delete from {table}"),
                format!("insert into {table} default values"),
                format!("truncate {table}"),
            ] {
                assert_eq!(
                    refused(&scene.attacker, &statement).await,
                    "42501",
                    "{statement}"
                );
            }
        }
    }
    for statement in [
        "create table offline_data.x (i int)",
        "create function offline.x() returns int language sql as 'select 1'",
        "create table offline_private.x (i int)",
        "drop table offline_data.row_state",
        "alter table offline_data.row_state disable trigger all",
    ] {
        assert_eq!(
            refused(&scene.attacker, statement).await,
            "42501",
            "{statement}"
        );
    }
    scene.assert_unharmed().await;
}

#[tokio::test]
async fn every_helper_that_takes_a_device_refuses_a_foreign_one() {
    let scene = Scene::new().await;
    let device = format!("'{}'::uuid", scene.victims_device);
    let run = "null::offline_private.push_run";
    let calls = [
        format!("offline_private.require_device({device})"),
        format!("offline_private.push_begin({device})"),
        format!("offline_private.check_owner({device})"),
        format!(
            "offline_private.row_states({device}, 1, array['{}'], array[null]::bigint[], null, null, null, '{{}}')",
            scene.victims_note
        ),
        format!(
            "offline_private.deleted_row({device}, 1, '{}')",
            scene.victims_note
        ),
        format!(
            "offline_private.restamp({device}, {run}, array[1]::bigint[], array[null]::text[], array[1]::bigint[])"
        ),
        format!(
            "offline_private.log_conflicts({device}, {run}, array[1]::bigint[], array['[]'], array['update'])"
        ),
        format!("offline_private.keep_mutation({device}, 7, '{{}}', 'dead', '{{}}', null, null)"),
        format!("offline_private.due_mutations({device})"),
        format!("offline_private.forget_mutations({device}, array[1]::bigint[])"),
        format!("offline_private.duplicate_results({device}, array[1]::bigint[])"),
        format!("offline_private.queue_status({device}, array[1]::bigint[])"),
        format!(
            "offline_private.evict_pairs({device}, offline_private.registry(), null, '[[1, \"{}\"]]')",
            scene.victim.user()
        ),
    ];
    for call in calls {
        let code = refused(&scene.attacker, &format!("select {call}")).await;
        assert!(
            ["42501", "42883"].contains(&code.as_str()),
            "{call}: {code}"
        );
    }
    let end = format!("select offline_private.push_end({device}, 99, 0, true)");
    scene.attacker.try_sql(&end).await.ok();
    let register = format!(
        "select * from offline_private.register({device}, '{}', '{{\"rotate\": true}}', '\\x00')",
        scene.victim.user()
    );
    assert_eq!(refused(&scene.attacker, &register).await, "42501");
    scene.assert_unharmed().await;
}

#[tokio::test]
async fn helpers_called_with_ones_own_device_tell_nothing_about_others() {
    let scene = Scene::new().await;
    let (device, note) = (scene.attackers_device, scene.victims_note);
    let client = scene.attacker.client();
    let states = format!(
        "select offline_private.row_states('{device}', 1, array['{note}'], array[0]::bigint[], array['title'], array['title'], null, '{{}}')::text"
    );
    let scope = scene.victim.user();
    let keys = format!(
        "select offline_private.evict_pairs('{device}', offline_private.registry(), null, '[[1, \"{scope}\"]]')::text"
    );
    let deleted = format!("select offline_private.deleted_row('{device}', 1, '{note}')::text");
    scene
        .db
        .rows("delete from public.note where id = $1", &[&note])
        .await;
    for query in [states, keys, deleted] {
        let told = client
            .query_one(&query, &[])
            .await
            .map(|row| row.get::<_, Option<String>>(0));
        let told = told.ok().flatten().unwrap_or_default();
        assert!(!told.contains("private"), "{query}: {told}");
    }
}
