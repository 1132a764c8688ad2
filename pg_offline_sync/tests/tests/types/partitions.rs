//! Partitioned tables, written through their parent and past it.

use offline_sync_testkit::{Db, Device};
use serde_json::json;

use crate::{exchange, share, two_devices};

const READING: &str = "public.reading";

/// `public.reading` with partitions for 2025 and 2026, and two devices.
async fn readings(db: &Db) -> (Device, Device) {
    db.sql(
        "create table public.reading (id int8, day date, n int, primary key (id, day)) partition by range (day);
        create table public.reading_2025 partition of public.reading
            for values from ('2025-01-01') to ('2026-01-01');
        create table public.reading_2026 (n int, day date not null, id int8 not null, extra int);
        alter table public.reading_2026 drop extra, add primary key (id, day);
        alter table public.reading attach partition public.reading_2026
            for values from ('2026-01-01') to ('2027-01-01')",
    )
    .await;
    share(db, READING).await;
    two_devices(db).await
}

/// Pulls, and compares with the table; (upserts, deletes).
async fn pulled(device: &mut Device) -> (usize, usize) {
    let totals = device.pull().await;
    device.assert_in_step(READING).await;
    (totals.upserts, totals.deletes)
}

#[tokio::test]
async fn a_row_that_moves_to_another_partition_is_a_deletion_and_a_new_row() {
    let db = Db::create().await;
    let (mut one, mut two) = readings(&db).await;
    let key = json!({ "id": "1", "day": "2025-06-01" });
    one.insert(READING, key.clone(), json!({ "n": 1 }));
    one.insert(
        READING,
        json!({ "id": "2", "day": "2026-06-01" }),
        json!({ "n": 2 }),
    );
    exchange(&mut one, &mut two, READING).await;
    two.update(READING, key, json!({ "n": 3 }));
    exchange(&mut two, &mut one, READING).await;
    db.sql("update public.reading set day = '2026-01-02' where id = 1")
        .await;
    assert_eq!(pulled(&mut one).await, (1, 1));
    assert_eq!(pulled(&mut two).await, (1, 1));
}

#[tokio::test]
async fn statements_that_name_a_partition_are_captured() {
    let db = Db::create().await;
    let (mut device, _) = readings(&db).await;
    db.sql(
        "insert into public.reading_2025 select g, '2025-02-02', g from generate_series(1, 3) g;
        insert into public.reading_2026 (id, day, n) values (1, '2026-02-02', 1)",
    )
    .await;
    assert_eq!(pulled(&mut device).await, (4, 0));
    db.sql("update public.reading_2026 set n = 7; delete from public.reading_2025 where id = 1")
        .await;
    assert_eq!(pulled(&mut device).await, (1, 1));
    db.sql("truncate public.reading_2025").await;
    assert_eq!(pulled(&mut device).await, (0, 2));
    db.sql("truncate public.reading").await;
    assert_eq!(pulled(&mut device).await, (0, 1));
}

#[tokio::test]
async fn a_new_partition_is_captured_through_its_parent_at_once_and_by_itself_after_bootstrap() {
    let db = Db::create().await;
    let (mut device, _) = readings(&db).await;
    db.sql("create table public.reading_2027 partition of public.reading for values from ('2027-01-01') to ('2028-01-01');
        insert into public.reading values (3, '2027-01-01', 3)").await;
    assert_eq!(pulled(&mut device).await, (1, 0));
    let missing = "select count(*) from offline.doctor() where object like 'public.reading_2027.%'";
    assert_eq!(db.one::<i64>(missing, &[]).await, 4);
    assert_eq!(
        db.one::<i64>("select count(*) from offline.bootstrap()", &[])
            .await,
        4
    );
    assert_eq!(
        db.one::<i64>("select count(*) from offline.doctor()", &[])
            .await,
        0
    );
    db.sql("insert into public.reading_2027 values (4, '2027-01-01', 4)")
        .await;
    assert_eq!(pulled(&mut device).await, (1, 0));
    db.sql("select offline.disable_sync('public.reading')")
        .await;
    let left = "select count(*) from pg_trigger where tgname like 'offline%' and not tgisinternal
        and tgrelid <> 'offline_data.row_state'::regclass";
    assert_eq!(db.one::<i64>(left, &[]).await, 0);
    db.sql("insert into public.reading_2027 values (5, '2027-01-01', 5)")
        .await;
}
