#!/usr/bin/env bash
# Sees to a compiler for WASM, with the source of the standard library, which is built along for size: rustup's where it can be
# had, else Debian's rustc-web. client-js/wasm/build.mjs chooses in the same order.
set -euo pipefail
# shellcheck source=tools/setup/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

target=wasm32-unknown-unknown
packages=(rustc-web cargo-web rust-web-src lld-19)

# Tells whether rustc has the target, and the source of the standard library.
has_target() {
    [ -d "$(rustc --print target-libdir --target "$target" 2>/dev/null)" ] &&
        [ -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library/std" ]
}

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

has_target && exit 0
missing=()
for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if has rustup && say "adding the Rust target $target and the source of its library" && rustup target add "$target" &&
    rustup component add rust-src; then
    exit 0
fi
has apt-get || fail "no standard library for $target: run 'rustup target add $target'"
say "that target is not to be had; installing Debian's compiler for it: ${missing[*]}"
as_root apt-get update -qq
as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends -qq "${missing[@]}"
