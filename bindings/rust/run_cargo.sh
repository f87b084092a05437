#!/bin/sh
# Runs cargo in this folder on what Cargo.lock says: from its cache of crates where that has them all, else online.
#
#     run_cargo.sh CARGO COMMAND [WORD...]
set -eu
cargo=$1 command=$2
shift 2
cd "$(dirname "$0")"

# A catalog of the tests' own.
QUANT_HOME=$(mktemp -d)
export QUANT_HOME
trap 'rm -rf "$QUANT_HOME"' EXIT
# Warnings of rustdoc, such as links that lead nowhere, are errors.
export RUSTDOCFLAGS="-D warnings"

where=--offline
if ! "$cargo" fetch --locked --offline >/dev/null 2>&1; then
    echo "run_cargo.sh: crates are missing in cargo's cache, and are fetched" >&2
    where=
fi
if [ "$command" = clippy ] && ! "$cargo" clippy --version >/dev/null 2>&1; then
    echo "run_cargo.sh: cargo has no clippy" >&2
    exit 77 # Skipped.
fi
"$cargo" "$command" --locked $where "$@"
