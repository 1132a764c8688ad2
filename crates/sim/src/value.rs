//! Values that are combined: what a person makes of one, what must survive of it, and how Postgres writes it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::random::Random;
use crate::table::{COLUMNS, Kind, Raw};

/// Elements that several write: what one removes another adds again.
const SHARED: [&str; 6] = ["é", "👩‍🚀", "a\"b", "c,d", "{e}", "p\\q"];

/// Leaves that several write.
const LEAVES: [&[&str]; 6] = [
    &["a"],
    &["b"],
    &["n", "a"],
    &["n", "b"],
    &["n", "m", "a"],
    &["c"],
];

/// The one spelling of a JSON value: members by name.
#[must_use]
pub fn canonical(raw: &str) -> Raw {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Array(list) => list.into_iter().map(sorted).collect(),
            Value::Object(members) => {
                let mut members: Vec<(String, Value)> = members.into_iter().collect();
                members.sort_by(|(a, _), (b, _)| a.cmp(b));
                let members = members.into_iter();
                Value::Object(members.map(|(name, value)| (name, sorted(value))).collect())
            }
            scalar => scalar,
        }
    }
    if !raw.contains(['"', '{', '[']) {
        return raw.into();
    }
    let value = serde_json::from_str(raw).expect("JSON");
    sorted(value).to_string().into()
}

fn parse(raw: &str) -> Value {
    serde_json::from_str(raw).expect("JSON")
}

/// The elements of a set, in the spelling of [`canonical`].
#[must_use]
pub fn elements(raw: &str) -> Vec<String> {
    match parse(raw) {
        Value::Array(list) => list.iter().map(Value::to_string).collect(),
        _ => Vec::new(),
    }
}

/// What a person makes of a value. `token` is a word that nobody else writes. `watched`: what others wrote must survive, so that a
/// document or a text is not taken away as a whole.
#[must_use]
pub fn edited(column: usize, seen: &str, token: &str, watched: bool, salt: u64) -> Raw {
    let mut random = Random::new(salt);
    let may_go = !watched || matches!(COLUMNS[column].kind, Kind::Number | Kind::Array);
    if random.percent(3) && may_go {
        return "null".into();
    }
    let value = match COLUMNS[column].kind {
        Kind::Number => json!(random.below(1_000)),
        Kind::Array => edited_set(seen, token, &mut random),
        Kind::Json => edited_document(seen, token, &mut random),
        Kind::Text | Kind::Other => edited_text(seen, token, &mut random),
    };
    canonical(&value.to_string())
}

fn edited_set(seen: &str, token: &str, random: &mut Random) -> Value {
    let mut list = match parse(seen) {
        Value::Array(list) => list,
        _ => Vec::new(),
    };
    let before = list.clone();
    let removals = 2 * usize::from(list.len() > 10) + usize::from(random.percent(45));
    for _ in 0..removals.min(list.len()) {
        list.remove(random.below(list.len() as u64) as usize);
    }
    let mut new = Vec::new();
    if random.percent(60) {
        new.push(json!(SHARED[random.below(6) as usize]));
    }
    if random.percent(35) || list == before && new.is_empty() {
        new.push(json!(token));
    }
    for element in new {
        if !list.contains(&element) {
            let at = if random.percent(30) { 0 } else { list.len() };
            list.insert(at, element);
        }
    }
    Value::Array(list)
}

fn edited_document(seen: &str, token: &str, random: &mut Random) -> Value {
    let mut document = match parse(seen) {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    // In capitals: a leaf may lose to a later one.
    let leaf = |random: &mut Random| match random.below(8) {
        0 => json!(random.below(4)),
        1 => json!(random.percent(50)),
        _ => json!(token.to_uppercase()),
    };
    for _ in 0..=random.below(2) {
        let path = LEAVES[random.below(6) as usize];
        match random.below(10) {
            0..5 => put(&mut document, path, leaf(random)),
            5 => take(&mut document, path),
            6 => put(&mut document, &[token], json!(true)),
            7 => {
                let own = document.keys().find(|name| !tokens(name).is_empty());
                match own.cloned() {
                    Some(name) => drop(document.remove(&name)),
                    None => put(&mut document, &[token], json!(true)),
                }
            }
            8 => {
                let list = document.get("l").map_or(Value::Null, Value::clone);
                let list = edited_set(&list.to_string(), &token.to_uppercase(), random);
                document.insert("l".to_owned(), list);
            }
            _ if random.percent(50) => take(&mut document, &["n"]),
            // An object where others have a scalar.
            _ => put(&mut document, &["a"], json!({ "x": leaf(random) })),
        }
    }
    while document
        .keys()
        .filter(|name| !tokens(name).is_empty())
        .count()
        > 8
    {
        let first = document.keys().find(|name| !tokens(name).is_empty());
        let first = first.cloned().unwrap_or_default();
        document.remove(&first);
    }
    Value::Object(document)
}

fn put(document: &mut Map<String, Value>, path: &[&str], value: Value) {
    let (last, outer) = path.split_last().expect("a path");
    let mut at = document;
    for name in outer {
        let inner = at.entry((*name).to_owned()).or_insert_with(|| json!({}));
        if !inner.is_object() {
            *inner = json!({});
        }
        at = inner.as_object_mut().expect("an object");
    }
    at.insert((*last).to_owned(), value);
}

fn take(document: &mut Map<String, Value>, path: &[&str]) {
    let (last, outer) = path.split_last().expect("a path");
    let mut at = document;
    for name in outer {
        match at.get_mut(*name).and_then(Value::as_object_mut) {
            Some(inner) => at = inner,
            None => return,
        }
    }
    at.remove(*last);
}

fn edited_text(seen: &str, token: &str, random: &mut Random) -> Value {
    let text = parse(seen).as_str().unwrap_or_default().to_owned();
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    if lines.len() > 6 {
        lines.remove(random.below(lines.len() as u64) as usize);
    }
    let at = random.below(lines.len() as u64 + 1) as usize;
    if at == lines.len() || random.percent(20) {
        let end = ["\n", "\r\n", ""][random.below(3) as usize];
        if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
            last.push('\n');
        }
        let end = if at < lines.len() { "\r\n" } else { end };
        lines.insert(
            at,
            format!(
                "{token} grüßt 👩‍👩‍👧‍👦, {}{end}",
                SHARED[random.below(6) as usize]
            ),
        );
        return json!(lines.concat());
    }
    let mut words: Vec<&str> = lines[at].split(' ').collect();
    let place = random.below(words.len() as u64) as usize;
    match random.below(6) {
        0..3 => words.insert(place, token),
        // The last word holds the end of the line.
        3 if place + 1 < words.len() => words[place] = token,
        4 if place + 1 < words.len() => drop(words.remove(place)),
        5 => words.clear(),
        _ => words.insert(0, token),
    }
    lines[at] = words.join(" ");
    json!(lines.concat())
}

/// The words in a value that only one edit wrote: `d`, device, `s`, seq, `z`, or `w`, number, `z`.
#[must_use]
pub fn tokens(raw: &str) -> BTreeSet<String> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let length = |text: &str| {
        let own = text.strip_prefix('d').and_then(|rest| {
            let device = digits(rest);
            let seq = rest[device..].strip_prefix('s').map(digits)?;
            let length = 2 + device + seq;
            (device > 0 && seq > 0).then_some(length)
        });
        let writer = text.strip_prefix('w').map(|rest| 1 + digits(rest));
        let length = own.or(writer.filter(|length| *length > 1))?;
        text[length..].starts_with('z').then_some(length + 1)
    };
    let places = raw.char_indices().filter(|(_, c)| matches!(c, 'd' | 'w'));
    let found = places.filter_map(|(at, _)| Some(raw[at..at + length(&raw[at..])?].to_owned()));
    found.collect()
}

/// A value to which a writer added a word.
#[must_use]
pub fn with_added(column: usize, raw: &str, word: &str) -> Raw {
    let value = match (COLUMNS[column].kind, parse(raw)) {
        (Kind::Array, Value::Array(list)) if list.contains(&json!(word)) => Value::Array(list),
        (Kind::Array, Value::Array(mut list)) => {
            list.push(json!(word));
            Value::Array(list)
        }
        (Kind::Array, _) => json!([word]),
        (Kind::Json, Value::Object(mut members)) => {
            members.insert(word.to_owned(), json!(true));
            Value::Object(members)
        }
        (Kind::Json, _) => json!({ word: true }),
        (_, seen) => json!(format!("{}\n{word}", seen.as_str().unwrap_or_default())),
    };
    canonical(&value.to_string())
}

/// A set from which a writer removed an element.
#[must_use]
pub fn without(raw: &str, word: &str) -> Raw {
    match parse(raw) {
        Value::Array(list) => {
            let kept = list.into_iter().filter(|element| *element != json!(word));
            canonical(&kept.collect::<Value>().to_string())
        }
        _ => raw.into(),
    }
}

/// One of the elements that several write.
#[must_use]
pub fn shared(salt: u32) -> &'static str {
    SHARED[salt as usize % SHARED.len()]
}

/// A text as an SQL literal.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The expression of a column's value with a word more, as a writer says it.
#[must_use]
pub fn added_sql(column: usize, word: &str) -> String {
    let (name, word) = (COLUMNS[column].name, quoted(word));
    match COLUMNS[column].kind {
        Kind::Array => {
            format!("case when {word} = any ({name}) then {name} else {name} || array[{word}] end")
        }
        Kind::Json => format!("coalesce({name}, '{{}}') || jsonb_build_object({word}, true)"),
        _ => format!("coalesce({name}, '') || E'\\n' || {word}"),
    }
}

/// The table owner's function, in SQL: every way of answering. Only what both servers know counts.
pub const SETTLE: &str = "
    create function public.settle(base jsonb, mine jsonb, theirs jsonb, context jsonb) returns jsonb language plpgsql as $$
    declare
        v_base int := base #>> '{}';
        v_mine int := mine #>> '{}';
        v_theirs int := theirs #>> '{}';
    begin
        case coalesce(v_mine, 0) % 7
            when 0 then return null;
            when 1 then raise exception 'no answer';
            when 2 then return '\"much\"';
            when 3 then return 'null';
            when 4 then return to_jsonb(v_mine + coalesce(v_theirs, 0) - coalesce(v_base, 0));
            when 5 then return case when context ->> 'their_device' is null then theirs else to_jsonb(greatest(v_mine, v_theirs)) end;
            else return case when (context ->> 'hlc')::bigint > (context ->> 'their_hlc')::bigint then mine else theirs end;
        end case;
    end
    $$";

/// The same function: the answer to one of `calls_json()`; `None` where a person decides.
#[must_use]
pub fn settle(call: &Value) -> Option<Value> {
    let number = |name: &str| call[name].as_i64();
    let clock = |name: &str| call["context"][name].as_str().map(str::parse::<i64>);
    let (mine, theirs) = (number("mine"), number("theirs"));
    match mine.unwrap_or(0) % 7 {
        3 => Some(Value::Null),
        4 => Some(json!(
            mine? + theirs.unwrap_or(0) - number("base").unwrap_or(0)
        )),
        5 if call["context"]["their_device"].is_null() => Some(call["theirs"].clone()),
        5 => Some(json!(mine.max(theirs))),
        6 if clock("hlc")?.ok()? > clock("their_hlc")?.ok()? => Some(call["mine"].clone()),
        6 => Some(call["theirs"].clone()),
        // No answer, a failure, and what the column cannot hold.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_one_edit_are_found_and_nothing_else() {
        let found = tokens("\"w12z d0s3z,xd10s22zw d1sz wz D1S2Z d2s1\"");
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found, ["d0s3z", "d10s22z", "w12z"]);
    }

    #[test]
    fn the_spelling_of_postgres_and_ours_are_one() {
        let spelled = canonical(r#"{"b": [1, {"z": "\u00e9", "y": null}], "aa": 1}"#);
        assert_eq!(&*spelled, r#"{"aa":1,"b":[1,{"y":null,"z":"é"}]}"#);
    }
}
