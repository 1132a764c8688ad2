//! Answers of the crate on the machine that builds it.

use offline_sync_wasm::{abi_alloc, abi_call, abi_free, answer};

fn text(request: &str) -> String {
    String::from_utf8_lossy(&answer(request.as_bytes())).into_owned()
}

#[test]
fn a_request_that_cannot_be_read_is_refused() {
    for request in [
        "",
        "[]",
        "{\"fn\":\"tick\"}",
        "{\"fn\":\"tick\",\"in\":{}}",
        "\u{0}",
    ] {
        assert!(
            text(request).starts_with("{\"error\":{\"code\":\"22023\""),
            "{request}"
        );
    }
    let not_text = answer(&[0xff, 0xfe]);
    assert!(not_text.starts_with(b"{\"error\":"));
}

#[test]
fn bytes_come_back_as_they_were_laid_out() {
    let request = br#"{"fn":"tick","in":{"state":"65536","now_ms":0}}"#;
    // SAFETY: memory of `abi_alloc`, of that length, given back once.
    let answer = unsafe {
        let at = abi_alloc(request.len());
        at.copy_from_nonoverlapping(request.as_ptr(), request.len());
        let out = abi_call(at, request.len());
        let prefix = std::slice::from_raw_parts(out, 4).to_vec();
        let len = u32::from_le_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]) as usize;
        let answer = std::slice::from_raw_parts(out.add(4), len).to_vec();
        abi_free(at, request.len());
        abi_free(out, 4 + len);
        answer
    };
    assert_eq!(answer, br#"{"out":"65537"}"#);
}

/// An exported `free` once replaced the C library's, and every program with this crate hung.
#[test]
fn the_c_library_keeps_its_free() {
    let child = std::thread::Builder::new().spawn(|| vec![1_u8; 4096].len());
    assert_eq!(child.ok().and_then(|child| child.join().ok()), Some(4096));
}
