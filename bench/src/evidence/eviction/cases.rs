//! The ways in which rows leave somebody's sight.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::error::{Outcome, pg};
use crate::stage::Stage;

/// Read by members of the team; hidden ones by their author alone.
const POLICY: &str = "
    drop policy note_of_own_team on public.note;
    create policy note_read on public.note for select to authenticated
        using (team_id in (select private.team_ids_of_caller()) and (status <> 'hidden' or author = auth.uid()))";

/// The same, and graded ones by their author alone.
const STRICTER: &str = "
    alter policy note_read on public.note
        using (team_id in (select private.team_ids_of_caller()) and (status <> 'hidden' or author = auth.uid())
            and (grade is null or author = auth.uid()))";

const NOTES: &str = "
    insert into public.note (team_id, author, title, body, grade)
    select $1, $2, 'Note ' || g, 'victim colleague author', case when g % 2 = 0 then 1 end from generate_series(1, $3::bigint) g";

/// A way to lose rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// The user is no longer a member of the team.
    Membership,
    /// Rows are handed to a team of others.
    Handover,
    /// A column that the policy reads hides rows.
    Hidden,
    /// The policy itself changes.
    Policy,
}

/// All of them, one after the other.
pub const CASES: [Case; 4] = [Case::Membership, Case::Handover, Case::Hidden, Case::Policy];

impl Case {
    /// Evidence name.
    pub fn name(self) -> &'static str {
        match self {
            Case::Membership => "eviction_membership",
            Case::Handover => "eviction_handover",
            Case::Hidden => "eviction_hidden",
            Case::Policy => "eviction_policy",
        }
    }

    /// What happens.
    pub fn what(self) -> &'static str {
        match self {
            Case::Membership => "membership lost",
            Case::Handover => "rows handed to another team",
            Case::Hidden => "rows hidden by a column that the policy reads",
            Case::Policy => "policy changed",
        }
    }
}

/// Four teams, one a case, with the same members, and a team of others.
pub struct Scene {
    /// The database; the first four teams are those of the cases, the last is the others'.
    pub stage: Stage,
    /// The user who loses rows.
    pub victim: Uuid,
    author: Uuid,
    colleague: Uuid,
    outsider: Uuid,
    stranger: Uuid,
}

impl Scene {
    /// Teams of `rows` notes.
    pub async fn set(rows: i64) -> Outcome<Scene> {
        let stage = Stage::sample(5).await?;
        stage.db.sql(POLICY).await;
        let [author, colleague, outsider, stranger] = [(); 4].map(|()| Uuid::new_v4());
        let victim = Uuid::new_v4();
        let scene = Scene {
            stage,
            victim,
            author,
            colleague,
            outsider,
            stranger,
        };
        for team in &scene.stage.teams[..4] {
            for user in [victim, author, colleague] {
                scene.stage.join(user, *team).await?;
            }
            scene
                .stage
                .db
                .owner()
                .execute(NOTES, &[team, &author, &rows])
                .await
                .map_err(pg)?;
        }
        scene.stage.join(outsider, scene.stage.teams[4]).await?;
        Ok(scene)
    }

    /// Everybody who pulls throughout, by the name that bodies of notes use.
    pub fn everyone(&self) -> impl Iterator<Item = (&'static str, Uuid)> {
        let users = [
            self.victim,
            self.author,
            self.colleague,
            self.outsider,
            self.stranger,
        ];
        ["victim", "author", "colleague", "outsider", "stranger"]
            .into_iter()
            .zip(users)
    }

    fn team(&self, case: Case) -> Uuid {
        self.stage.teams[case as usize]
    }

    /// Notes that the case will take away from the victim.
    pub async fn doomed(&self, case: Case) -> Outcome<BTreeSet<Uuid>> {
        // All notes of a lost team; else every other.
        let query = "select id from public.note where team_id = $1 and ($2 or grade is not null)";
        let all = case == Case::Membership;
        let rows = self
            .stage
            .db
            .owner()
            .query(query, &[&self.team(case), &all])
            .await
            .map_err(pg)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Lets it happen. Where the change itself is not one of the notes, they are written afterwards, for those who may
    /// still read them.
    pub async fn happen(&self, case: Case) -> Outcome<()> {
        let (team, others, victim) = (self.team(case), self.stage.teams[4], self.victim);
        let statements = match case {
            Case::Membership => vec![
                format!(
                    "delete from public.team_member where team_id = '{team}' and user_id = '{victim}'"
                ),
                format!(
                    "update public.note set body = 'colleague author' where team_id = '{team}'"
                ),
            ],
            Case::Handover => vec![format!(
                "update public.note set team_id = '{others}', body = 'outsider' where team_id = '{team}' and grade is not null"
            )],
            Case::Hidden => vec![format!(
                "update public.note set status = 'hidden', body = 'author' where team_id = '{team}' and grade is not null"
            )],
            Case::Policy => vec![
                STRICTER.to_owned(),
                format!(
                    "update public.note set body = 'author' where team_id = '{team}' and grade is not null"
                ),
            ],
        };
        for statement in statements {
            self.stage
                .db
                .owner()
                .batch_execute(&statement)
                .await
                .map_err(pg)?;
        }
        Ok(())
    }
}
