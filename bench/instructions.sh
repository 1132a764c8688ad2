#!/usr/bin/env bash
# Counts the instructions of merging and of the clock, which no noise of the machine changes, and compares
# them with bench/instructions.json: more than a tenth above the budget fails. `--update` writes what was
# counted as the new budget. A count is the difference between two sizes, so that starting the program and
# making its input weigh little, divided by the difference in operations.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

budgets=bench/instructions.json
command -v valgrind >/dev/null || { echo "valgrind is missing (tools/setup/apt.sh)" >&2; exit 1; }
cargo build --release --quiet -p offline_sync_core --example merge_cost
program=${CARGO_TARGET_DIR:-target}/release/examples/merge_cost

count() { # what, size
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='*timed*' "$program" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

# workload, smaller size, larger size; an operation is one of the size's units
measure() {
    local small large
    small=$(count "$1" "$2")
    large=$(count "$1" "$3")
    [ -n "$small" ] && [ "$large" -gt "$small" ] || { echo "$1: nothing was counted" >&2; exit 1; }
    echo "$1 $(((large - small) / ($3 - $2)))"
}

counted=$(
    measure text 20 100
    measure words 20 100
    measure set 500 2000
    measure json 500 2000
    measure lww 200 1000
    measure clock 1000 11000
)

if [ "${1:-}" = --update ]; then
    jq --raw-input --null-input '[inputs | split(" ") | {(.[0]): (.[1] | tonumber)}] | add' <<<"$counted" >"$budgets"
fi
failed=0
while read -r what instructions; do
    budget=$(jq --arg what "$what" '.[$what] // 0' "$budgets")
    verdict=ok
    if [ $((instructions * 10)) -gt $((budget * 11)) ]; then
        verdict="above the budget"
        failed=1
    fi
    printf '%-6s %10d instructions an operation, budget %10d: %s\n' "$what" "$instructions" "$budget" "$verdict"
done <<<"$counted"
exit "$failed"
