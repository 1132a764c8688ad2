# shellcheck shell=bash
# Shared by the setup scripts; sourced, not run.

# Says what is about to happen and why.
say() {
    printf '\033[1m==>\033[0m %s\n' "$*"
}

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# Runs a command as root: directly, or through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        fail "'$*' needs root; run this as root or install sudo"
    fi
}
