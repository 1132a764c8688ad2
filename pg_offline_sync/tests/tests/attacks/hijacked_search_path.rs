//! Has: an account, and the right to create objects in a schema of their own, in public, and temporary ones.
//! Wants: to have a definer function of the extension call a function, operator or table of theirs with its rights.

use serde_json::json;

use crate::Scene;

const SHADOWS: &str = "
    create function SCHEMA.now_hlc() returns bigint language plpgsql as $$ begin perform public.caught(); return 1; end $$;
    create function SCHEMA.uid() returns text language plpgsql as $$ begin perform public.caught(); return 'x'; end $$;
    create function SCHEMA.md5(text) returns text language plpgsql as $$ begin perform public.caught(); return 'x'; end $$;
    create function SCHEMA.jsonb_build_object(variadic \"any\") returns jsonb language internal as 'jsonb_build_object';
    create function SCHEMA.pg_current_xact_id() returns xid8 language plpgsql as $$ begin perform public.caught(); return '1'; end $$;
    create function SCHEMA.clock_timestamp() returns timestamptz language plpgsql as $$ begin perform public.caught(); return now(); end $$;
    create function SCHEMA.set_config(text, text, boolean) returns text language plpgsql as $$ begin perform public.caught(); return $2; end $$;
    create function SCHEMA.not_equal(text, text) returns boolean language plpgsql as $$ begin perform public.caught(); return false; end $$;
    create operator SCHEMA.<> (leftarg = text, rightarg = text, function = SCHEMA.not_equal);
    create operator SCHEMA.|| (leftarg = text, rightarg = text, function = SCHEMA.not_equal);
    create table SCHEMA.row_state (i int);
    create table SCHEMA.pg_class (oid oid);
    create table SCHEMA.note (id uuid primary key, user_id uuid, title text, n int8)";

#[tokio::test]
async fn objects_that_shadow_the_builtin_ones_are_never_called_with_more_rights() {
    let scene = Scene::new().await;
    let prepare = "create table public.catches (who name);
        create function public.caught() returns void language plpgsql security invoker as
            $$ begin insert into public.catches values (current_user); end $$;
        grant insert on public.catches to public;
        grant create on schema public to authenticated;
        grant temporary on database DATABASE to authenticated;
        create schema mine authorization authenticated";
    let superuser = scene.db.connect("postgres").await;
    superuser
        .batch_execute(&prepare.replace("DATABASE", scene.db.name()))
        .await
        .unwrap();
    for schema in ["mine", "public", "pg_temp"] {
        for statement in SHADOWS.replace("SCHEMA", schema).split(";\n") {
            // Some cannot be made (a superuser's language); what can be made has to be harmless.
            scene.attacker.try_sql(statement).await.ok();
        }
    }
    scene
        .attacker
        .sql("set search_path = mine, pg_temp, public, pg_catalog, offline")
        .await;
    let key = json!({ "id": uuid::Uuid::new_v4() });
    let insert = json!({ "seq": "1", "op": "insert", "table": "public.note", "key": key, "patch": { "title": "t" } });
    let update = json!({ "seq": "2", "op": "update", "table": "public.note", "key": key, "patch": { "title": "u" } });
    let batch = json!({ "v": 1, "mutations": [insert, update] }).to_string();
    let client = scene.attacker.client();
    let answer: String = client
        .query_one(
            "select offline.push($1, $2)::text",
            &[&scene.attackers_device, &batch],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(answer.matches("applied").count(), 2, "{answer}");
    client
        .query_one(
            "select offline.pull($1, '{}')::text",
            &[&scene.attackers_device],
        )
        .await
        .unwrap();
    client
        .query_one("select offline.conflicts()", &[])
        .await
        .unwrap();
    client
        .query_one(
            "select offline.register_device($1)",
            &[&uuid::Uuid::new_v4()],
        )
        .await
        .unwrap();
    client
        .batch_execute("insert into public.note (title) values ('directly')")
        .await
        .ok();
    let query = "select distinct who::text from public.catches where who <> 'authenticated'";
    let caught = superuser.query(query, &[]).await.unwrap();
    assert!(
        caught.is_empty(),
        "{:?}",
        caught
            .iter()
            .map(|row| row.get::<_, String>(0))
            .collect::<Vec<_>>()
    );
    let real: i64 = scene
        .db
        .one("select count(*) from public.note where title = 'u'", &[])
        .await;
    assert_eq!(real, 1, "the real table was written");
}

#[tokio::test]
async fn every_function_of_the_extension_pins_its_search_path() {
    let scene = Scene::new().await;
    let loose: Vec<String> = scene.db.column(
        "select p.oid::regprocedure::text from pg_proc p
        join pg_namespace n on n.oid = p.pronamespace
        join pg_language l on l.oid = p.prolang
        where n.nspname in ('offline', 'offline_private', 'offline_data') and l.lanname in ('sql', 'plpgsql')
            and not exists (select from unnest(p.proconfig) c where c like 'search_path=pg_catalog%pg_temp')
        order by 1", &[]).await;
    assert_eq!(loose, Vec::<String>::new());
    let definers: Vec<String> = scene.db.column(
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ('offline', 'offline_private', 'offline_data') and p.prosecdef
            and not ('search_path=pg_catalog, pg_temp' = any (p.proconfig)) order by 1", &[]).await;
    assert_eq!(
        definers,
        Vec::<String>::new(),
        "definers see nothing but the catalog"
    );
}
