//! Answers of the crate on the machine that builds it.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use offline_sync_model::models::{Linear, Link, Vectors};
use offline_sync_model::{Algorithm, Artifact, Content, Feature, FeatureKind, Model, Task};
use offline_sync_wasm_model::{
    abi_alloc, abi_free, answer, model_decode, model_input, model_score, model_sha256,
};
use serde_json::{Value, json};

/// An answer in memory, copied and given back.
fn taken(out: *mut u8) -> Value {
    // SAFETY: an answer of this crate, given back once.
    let bytes = unsafe {
        let prefix = std::slice::from_raw_parts(out, 4);
        let len = u32::from_le_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]) as usize;
        let bytes = std::slice::from_raw_parts(out.add(4), len).to_vec();
        abi_free(out, 4 + len);
        bytes
    };
    serde_json::from_slice(&bytes).unwrap()
}

fn send(bytes: &[u8], call: unsafe extern "C" fn(*const u8, usize) -> *mut u8) -> Value {
    // SAFETY: memory of `abi_alloc`, of that length, given back once.
    unsafe {
        let at = abi_alloc(bytes.len());
        at.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        let answer = taken(call(at, bytes.len()));
        abi_free(at, bytes.len());
        answer
    }
}

fn ask(name: &str, input: &Value) -> Value {
    let request = json!({"fn": name, "in": input}).to_string();
    serde_json::from_slice(&answer(request.as_bytes())).unwrap()
}

fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or("none")
}

fn twice() -> Artifact {
    let kind = FeatureKind::Numeric {
        mean: 5.0,
        scale: 1.0,
    };
    Artifact::new(Content {
        algorithm: Algorithm::Linear,
        task: Task::Regression,
        labels: Vec::new(),
        features: vec![Feature {
            name: "x".to_owned(),
            kind,
        }],
        model: Model::Linear(Linear {
            link: Link::Identity,
            intercepts: vec![1.0],
            weights: vec![2.0],
        }),
    })
    .unwrap()
}

#[test]
fn a_model_is_kept_until_it_is_released() {
    let decoded = &send(&twice().encode().unwrap(), model_decode)["out"];
    assert_eq!(decoded["columns"], 1);
    assert_eq!(decoded["description"]["algorithm"], "linear");
    let handle = decoded["handle"].as_u64().unwrap();
    let at = u32::try_from(handle).unwrap();
    let input = model_input(at);
    for (x, expected) in [(3.0, 7.0), (f32::NAN, 11.0)] {
        // SAFETY: the model takes one number.
        unsafe { *input = x };
        assert_eq!(model_score(at).to_bits(), f64::to_bits(expected));
    }
    let row = |x: Value| ask("predict", &json!({"handle": handle, "features": {"x": x}}));
    assert_eq!(row(json!(3))["out"]["score"], 7.0);
    assert_eq!(row(Value::Null)["out"]["score"], 11.0);
    assert_eq!(code(&row(json!([]))), "22023");
    let short = ask("score", &json!({"handle": handle, "features": [1, 2]}));
    assert_eq!(code(&short), "22023");
    assert_eq!(ask("release", &json!(handle)), json!({"out": null}));
    assert_eq!(code(&row(json!(3))), "22023");
    assert!(model_input(at).is_null() && model_score(at).is_nan());
}

#[test]
fn a_handle_is_not_given_again() {
    let bytes = twice().encode().unwrap();
    let handle = |answer: Value| answer["out"]["handle"].as_u64().unwrap();
    let first = handle(send(&bytes, model_decode));
    ask("release", &json!(first));
    assert_ne!(handle(send(&bytes, model_decode)), first);
}

#[test]
fn damaged_bytes_are_refused() {
    let mut bytes = twice().encode().unwrap();
    for at in 0..bytes.len() {
        bytes[at] ^= 1;
        let answer = send(&bytes, model_decode);
        assert!(["22P03", "0A000"].contains(&code(&answer)), "{at} {answer}");
        bytes[at] ^= 1;
    }
    assert_eq!(code(&send(b"", model_decode)), "22P03");
}

#[test]
fn any_bytes_have_a_hash() {
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(send(b"abc", model_sha256)["out"], expected);
}

#[test]
fn items_of_a_wish_are_texts() {
    let vectors = Content {
        algorithm: Algorithm::Vectors,
        task: Task::Retrieval,
        labels: Vec::new(),
        features: Vec::new(),
        model: Model::Vectors(Vectors {
            dimensions: 1,
            ids: vec!["a".to_owned(), "b".to_owned()],
            data: vec![1.0, 2.0],
        }),
    };
    let bytes = Artifact::new(vectors).unwrap().encode().unwrap();
    let handle = &send(&bytes, model_decode)["out"]["handle"];
    let wish = |items: Value, exclude: Value| {
        let wish = json!({"handle": handle, "items": items, "exclude": exclude, "count": 3});
        ask("recommend", &wish)
    };
    assert_eq!(
        wish(json!(["a"]), json!(null))["out"]["items"][0]["id"],
        "b"
    );
    for bad in [json!([null]), json!([1]), json!({})] {
        assert_eq!(code(&wish(bad.clone(), json!([]))), "22023");
        assert_eq!(code(&wish(json!(["a"]), bad)), "22023");
    }
}

#[test]
fn vectors_are_for_models_that_have_them() {
    let decoded = send(&twice().encode().unwrap(), model_decode);
    let handle = &decoded["out"]["handle"];
    let wish = json!({"handle": handle, "items": [], "exclude": [], "count": 3});
    assert_eq!(code(&ask("recommend", &wish)), "22023");
    assert_eq!(code(&ask("nothing", &json!(1))), "42883");
}
