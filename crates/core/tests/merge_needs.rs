//! What the database has to look up before a run can be decided.

use offline_sync_core::merge::Needs;

fn needs(policy: &str, befores: Option<&str>) -> (Vec<String>, Vec<String>) {
    let columns = ["a", "n", "tags"].map(str::to_owned);
    let needs = Needs::of(policy, &columns, befores).unwrap_or_default();
    (needs.base, needs.trail)
}

#[test]
fn a_value_that_every_mutation_tells_is_not_looked_up() {
    let all = ["a", "n", "tags"].map(str::to_owned).to_vec();
    assert_eq!(needs("{}", None).0, all);
    assert_eq!(
        needs("{}", Some(r#"[{"a":"x","n":1,"tags":[]},null]"#)).0,
        all
    );
    let told = r#"[{"a":null,"n":1,"tags":[]},{"a":"null","tags":null}]"#;
    assert_eq!(needs("{}", Some(told)).0, ["n"]);
    assert!(needs("{}", Some("[]")).0.is_empty());
}

#[test]
fn only_policies_that_combine_step_by_step_look_at_the_trail() {
    let policy = r#"{"default":"merge","columns":{"n":"counter"},"types":{"tags":"array"}}"#;
    assert_eq!(needs(policy, None).1, ["tags"]);
    assert!(needs(r#"{"default":"manual"}"#, None).1.is_empty());
}

#[test]
fn a_text_asks_who_wrote_where_its_device_does_not_tell_what_it_saw() {
    let columns = ["a", "b"].map(str::to_owned);
    let needs = |befores| Needs::of(r#"{"default":"text"}"#, &columns, befores).unwrap_or_default();
    assert_eq!(needs(None).writes, columns);
    assert_eq!(needs(Some(r#"[{"a":"x"}]"#)).writes, ["b"]);
    assert!(needs(None).trail.is_empty());
}

#[test]
fn what_is_malformed_is_refused() {
    let columns = ["a".to_owned()];
    assert!(Needs::of("[]", &columns, None).is_err());
    assert!(Needs::of("{}", &columns, Some("{}")).is_err());
}
