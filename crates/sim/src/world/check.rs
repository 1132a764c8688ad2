//! What must hold at rest.

use std::collections::BTreeMap;

use super::World;
use crate::answer::Server;
use crate::device::difference;
use crate::table::{BEST, COLUMNS, LIKES, Raw, Row, TEAM, number};
use crate::value::tokens;

impl<S: Server> World<'_, S> {
    /// Devices hold exactly what the server shows them; counts are the sums of what was accepted.
    pub(super) fn check(&mut self) -> Result<(), String> {
        let rows = self.server.rows();
        self.check_devices(&rows)?;
        self.check_sums(&rows)?;
        self.check_outcomes()
    }

    fn check_devices(&self, rows: &BTreeMap<Raw, (i64, Row)>) -> Result<(), String> {
        for (at, device) in self.devices.iter().enumerate() {
            let teams: Vec<&Raw> = (0..self.shape.teams)
                .filter(|team| self.members[at][*team])
                .map(|team| &self.names.teams[team])
                .collect();
            for (key, local) in &device.rows {
                match rows.get(key).filter(|(_, row)| teams.contains(&&row[TEAM])) {
                    None => {
                        return Err(format!(
                            "device {at} holds {key}, which it may not see or which is gone"
                        ));
                    }
                    Some((version, _)) if *version != local.version => {
                        return Err(format!(
                            "device {at} has version {} of {key} instead of {version}",
                            local.version
                        ));
                    }
                    Some((_, row)) => {
                        if let Some(difference) =
                            difference(&local.row, row, |column| self.schema.has(column))
                        {
                            return Err(format!("device {at}, {key}: {difference}"));
                        }
                    }
                }
            }
            let missing = rows.iter().find(|(key, (_, row))| {
                teams.contains(&&row[TEAM]) && !device.rows.contains_key(*key)
            });
            if let Some((key, _)) = missing {
                return Err(format!("device {at} lacks {key}"));
            }
            if self.acked[at] != device.last_seq {
                return Err(format!(
                    "device {at} made {} mutations, {} are acknowledged",
                    device.last_seq, self.acked[at]
                ));
            }
        }
        Ok(())
    }

    fn check_sums(&self, rows: &BTreeMap<Raw, (i64, Row)>) -> Result<(), String> {
        for row in 0..self.shape.lasting {
            let key = &self.names.rows[row];
            let Some((_, stored)) = rows.get(key) else {
                return Err(format!("{key} is gone, which nobody deletes"));
            };
            let found = (number(&stored[LIKES]), number(&stored[BEST]));
            if found != (self.likes[row], self.best[row]) {
                return Err(format!(
                    "{key} has likes and best {found:?}, the accepted edits make {:?}",
                    (self.likes[row], self.best[row])
                ));
            }
        }
        for ((row, column), [added, removed]) in &self.words {
            let key = &self.names.rows[*row];
            let found = rows.get(key).map(|(_, row)| tokens(&row[*column]));
            let found = found.unwrap_or_default();
            if let Some(lost) = added
                .difference(removed)
                .find(|word| !found.contains(*word))
            {
                return Err(format!(
                    "{key} has lost {lost} in {}, which an accepted edit added and none removed",
                    COLUMNS[*column].name
                ));
            }
        }
        Ok(())
    }

    /// Every mutation has an outcome, none waits any more, and the rejected ones are in the queue.
    fn check_outcomes(&mut self) -> Result<(), String> {
        let queue = self.server.queue();
        for ((device, seq), intent) in &self.intents {
            let place = queue
                .binary_search_by(|(at, number, _)| (*at, *number).cmp(&(*device, *seq)))
                .ok();
            let queued = place.map_or("", |place| queue[place].2.as_str());
            let expected = match intent.outcome.as_deref() {
                Some("rejected") => "dead",
                Some("deferred") => {
                    return Err(format!(
                        "mutation {seq} of device {device} waits for nothing"
                    ));
                }
                Some(_) => "",
                None => {
                    return Err(format!(
                        "nothing became of mutation {seq} of device {device}"
                    ));
                }
            };
            if queued != expected {
                return Err(format!(
                    "mutation {seq} of device {device} was {:?}, but the queue has {queued:?}",
                    intent.outcome
                ));
            }
        }
        Ok(())
    }
}
