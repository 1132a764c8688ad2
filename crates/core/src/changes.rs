//! The `changes` of a pull answer, cut to a number of bytes.

use crate::json::push_string;

/// One entry of the change feed, in feed order.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Wire name of the table.
    pub table: &'a str,
    /// Scope that it is sent under.
    pub scope: &'a str,
    /// Version.
    pub version: i64,
    /// What to send.
    pub kind: Kind,
    /// The row for an upsert, else the key, as JSON object text.
    pub payload: &'a str,
}

/// What a change is to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A row that it may see.
    Upsert,
    /// A row that is gone.
    Delete,
    /// A row that it may see no longer.
    Evict,
    /// Nothing to tell: already known, or never seen.
    Skip,
}

impl Kind {
    /// From the letter that the database uses.
    #[must_use]
    pub fn from_letter(letter: &str) -> Kind {
        match letter {
            "u" => Kind::Upsert,
            "d" => Kind::Delete,
            "e" => Kind::Evict,
            _ => Kind::Skip,
        }
    }
}

#[derive(Default)]
struct Group {
    upserts: String,
    deletes: String,
    evicts: String,
}

/// Renders the changes grouped by table and scope, until `bytes_max` are used; the first change
/// always fits. Returns the JSON array and how many entries it took in (the rest is for later).
#[must_use]
pub fn render_changes(changes: &[Change<'_>], bytes_max: usize) -> (String, usize) {
    let mut order: Vec<((&str, &str), Group)> = Vec::new();
    let mut used = 0;
    let mut taken = 0;
    for change in changes {
        let bytes = if change.kind == Kind::Skip {
            0
        } else {
            change.payload.len() + 24
        };
        if taken > 0 && used + bytes > bytes_max {
            break;
        }
        used += bytes;
        taken += 1;
        if change.kind == Kind::Skip {
            continue;
        }
        let name = (change.table, change.scope);
        let at = order
            .iter()
            .rposition(|(known, _)| *known == name)
            .unwrap_or_else(|| {
                order.push((name, Group::default()));
                order.len() - 1
            });
        if let Some((_, group)) = order.get_mut(at) {
            group.push(change);
        }
    }
    (render_groups(&order), taken)
}

impl Group {
    fn push(&mut self, change: &Change<'_>) {
        let (list, field) = match change.kind {
            Kind::Upsert => (&mut self.upserts, ",\"row\":"),
            Kind::Delete => (&mut self.deletes, ",\"key\":"),
            Kind::Evict => (&mut self.evicts, "\"key\":"),
            Kind::Skip => return,
        };
        list.push_str(if list.is_empty() { "{" } else { ",{" });
        if change.kind != Kind::Evict {
            list.push_str("\"version\":\"");
            list.push_str(&change.version.to_string());
            list.push('"');
        }
        list.push_str(field);
        list.push_str(change.payload);
        list.push('}');
    }
}

fn render_groups(groups: &[((&str, &str), Group)]) -> String {
    let size: usize = groups
        .iter()
        .map(|(_, g)| g.upserts.len() + g.deletes.len() + g.evicts.len() + 128)
        .sum();
    let mut out = String::with_capacity(size + 2);
    out.push('[');
    for (index, ((table, scope), group)) in groups.iter().enumerate() {
        out.push_str(if index == 0 {
            "{\"table\":"
        } else {
            ",{\"table\":"
        });
        push_string(&mut out, table);
        out.push_str(",\"scope\":");
        push_string(&mut out, scope);
        for (name, list) in [
            (",\"upserts\":[", &group.upserts),
            ("],\"deletes\":[", &group.deletes),
            ("],\"evicts\":[", &group.evicts),
        ] {
            out.push_str(name);
            out.push_str(list);
        }
        out.push_str("]}");
    }
    out.push(']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change<'a>(scope: &'a str, kind: Kind, payload: &'a str) -> Change<'a> {
        Change {
            table: "public.note",
            scope,
            version: 3,
            kind,
            payload,
        }
    }

    #[test]
    fn changes_are_grouped_by_scope_in_the_shape_of_the_protocol() {
        let (json, taken) = render_changes(
            &[
                change("a", Kind::Upsert, r#"{"id":1}"#),
                change("b", Kind::Delete, r#"{"id":2}"#),
                change("a", Kind::Evict, r#"{"id":3}"#),
                change("a", Kind::Skip, ""),
            ],
            1_000,
        );
        assert_eq!(taken, 4);
        assert_eq!(
            json,
            concat!(
                r#"[{"table":"public.note","scope":"a","upserts":[{"version":"3","row":{"id":1}}],"#,
                r#""deletes":[],"evicts":[{"key":{"id":3}}]},"#,
                r#"{"table":"public.note","scope":"b","upserts":[],"#,
                r#""deletes":[{"version":"3","key":{"id":2}}],"evicts":[]}]"#
            )
        );
    }

    #[test]
    fn the_first_change_always_fits_and_the_rest_waits() {
        let row = change("a", Kind::Upsert, r#"{"id":1}"#);
        assert_eq!(render_changes(&[row, row], 1).1, 1);
        assert_eq!(render_changes(&[row, row], 64).1, 2);
    }
}
