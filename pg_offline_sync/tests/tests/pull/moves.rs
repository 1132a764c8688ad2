//! Rows that move from one scope of a user to another, while the user loses scopes.

use offline_sync_testkit::{Db, Device, PullTotals, fixtures};
use serde_json::json;
use uuid::Uuid;

const TASK: &str = "public.task";

/// A device with two teams, and of the first one a row that will move and one that stays; it pulls row by row.
struct Case {
    db: Db,
    device: Device,
    me: Uuid,
    second: Uuid,
    moving: Uuid,
    staying: Uuid,
}

impl Case {
    async fn new() -> Case {
        let db = Db::create().await;
        fixtures::tasks(&db, json!({})).await;
        let me = Uuid::new_v4();
        let (first, second) = (
            fixtures::team(&db, &[me]).await,
            fixtures::team(&db, &[me]).await,
        );
        let moving = fixtures::add_task(&db, first, "moving").await;
        let staying = fixtures::add_task(&db, first, "staying").await;
        let mut device = Device::new(&db, me).await;
        device.page_limit = 1;
        Case {
            db,
            device,
            me,
            second,
            moving,
            staying,
        }
    }

    async fn moves(&self) {
        let statement = "update public.task set team_id = $1 where id = $2";
        self.db.rows(statement, &[&self.second, &self.moving]).await;
    }

    async fn changes(&self, id: Uuid) {
        let statement = "update public.task set likes = likes + 1 where id = $1";
        self.db.rows(statement, &[&id]).await;
    }

    async fn page(&mut self) {
        let more = self.device.pull_page(&mut PullTotals::default()).await;
        assert!(more, "there is another page");
    }

    async fn ends_in_step(mut self) {
        self.device.pull().await;
        self.device.pull().await;
        self.device.assert_in_step(TASK).await;
        assert_eq!(self.device.rows(TASK).len(), 1, "the one that stays");
    }
}

#[tokio::test]
async fn a_row_that_moved_and_changed_again_goes_with_its_new_scope_when_that_is_lost_between_two_pages()
 {
    let mut case = Case::new().await;
    case.moves().await;
    case.changes(case.staying).await;
    case.changes(case.moving).await;
    case.page().await;
    fixtures::leave(&case.db, case.second, case.me).await;
    case.ends_in_step().await;
}

#[tokio::test]
async fn a_row_that_moved_and_was_deleted_is_gone_when_its_new_scope_is_lost_between_two_pages() {
    let mut case = Case::new().await;
    case.moves().await;
    case.changes(case.staying).await;
    let statement = "delete from public.task where id = $1";
    case.db.rows(statement, &[&case.moving]).await;
    case.page().await;
    fixtures::leave(&case.db, case.second, case.me).await;
    case.ends_in_step().await;
}

#[tokio::test]
async fn a_row_that_moved_and_changed_during_a_pull_goes_with_its_new_scope_when_that_is_lost_after_it()
 {
    let mut case = Case::new().await;
    case.changes(case.staying).await;
    case.moves().await;
    case.page().await;
    case.changes(case.moving).await;
    assert!(!case.device.pull_page(&mut PullTotals::default()).await);
    fixtures::leave(&case.db, case.second, case.me).await;
    case.ends_in_step().await;
}
