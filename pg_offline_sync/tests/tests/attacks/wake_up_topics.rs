//! Has: an account and the names of other people's wake-up topics (they contain ids that are seen in URLs).
//! Wants: to listen to when they work, or to make their devices pull by forging wake-ups.

use offline_sync_testkit::{Caller, fixtures};
use serde_json::json;

use crate::{Scene, refused};

const REALTIME: &str = "
    create schema realtime;
    create table realtime.messages (topic text, extension text, payload jsonb, event text, private boolean);
    alter table realtime.messages enable row level security;
    grant usage on schema realtime to authenticated;
    grant select, insert on realtime.messages to authenticated;
    create function realtime.topic() returns text language sql stable as $$ select nullif(current_setting('realtime.topic', true), '') $$;
    create function realtime.send(payload jsonb, event text, topic text, private boolean) returns void language sql as
        $$ insert into realtime.messages values (topic, 'broadcast', payload, event, private) $$;";

async fn may_join(caller: &Caller, topic: &str) -> bool {
    caller
        .client()
        .query_one("select set_config('realtime.topic', $1, false)", &[&topic])
        .await
        .unwrap();
    let probe = "insert into realtime.messages values ($1, 'broadcast')";
    assert!(
        caller.client().execute(probe, &[&topic]).await.is_err(),
        "writing is never allowed"
    );
    let read = "select count(*) from realtime.messages";
    caller
        .client()
        .query_one(read, &[])
        .await
        .unwrap()
        .get::<_, i64>(0)
        > 0
}

#[tokio::test]
async fn only_ones_own_topics_can_be_joined_and_none_be_written() {
    let scene = Scene::new().await;
    fixtures::tasks(&scene.db, json!({})).await;
    let team = fixtures::team(&scene.db, &[scene.victim.user()]).await;
    scene.db.sql(REALTIME).await;
    let made: Vec<String> = scene
        .db
        .column("select object from offline.bootstrap()", &[])
        .await;
    assert_eq!(made, ["realtime.messages.offline_wake_read"]);
    fixtures::add_task(&scene.db, team, "t").await;
    let sent: Vec<String> = scene
        .db
        .column(
            "select topic || ' ' || event || ' ' || private from realtime.messages",
            &[],
        )
        .await;
    assert_eq!(
        sent,
        [format!("offline:team:{team} wake true")],
        "a broadcast a scope"
    );

    let topics = [
        format!("offline:team:{team}"),
        format!("offline:user:{}", scene.victim.user()),
    ];
    for topic in &topics {
        assert!(may_join(&scene.victim, topic).await, "{topic}");
        assert!(!may_join(&scene.attacker, topic).await, "{topic}");
    }
    for topic in [
        "offline:team:%",
        "offline:user:",
        "*",
        "offline:team:' or true --",
    ] {
        assert!(!may_join(&scene.attacker, topic).await, "{topic}");
    }
    fixtures::leave(&scene.db, team, scene.victim.user()).await;
    assert!(
        !may_join(&scene.victim, &topics[0]).await,
        "a former member hears nothing more"
    );
}

#[tokio::test]
async fn wake_ups_cannot_be_sent_through_the_extension() {
    let scene = Scene::new().await;
    let topic = format!("offline:user:{}", scene.victim.user());
    let code = refused(
        &scene.attacker,
        &format!("select offline_private.wake(array['{topic}'], 'wake')"),
    )
    .await;
    assert_eq!(code, "42501");
}
