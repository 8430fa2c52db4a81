#!/usr/bin/env bash
# How much of the decoders and of the supervision of radios and phones the tests without a radio reach, by file. Needs
# rustup's component llvm-tools, and the folder of the recordings for the published vectors.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools="$(rustc --print target-libdir)/../bin"
[ -x "$tools/llvm-cov" ] || { echo "rustup component add llvm-tools" >&2; exit 1; }
out="$(mktemp -d)"
trap 'rm -rf "$out"' EXIT
# Only this crate is measured: everything below it stays as it was built.
printf '#!/bin/sh\nexec "$@" -C instrument-coverage\n' > "$out/rustc"
chmod +x "$out/rustc"
export RUSTC_WORKSPACE_WRAPPER="$out/rustc" LLVM_PROFILE_FILE="$out/%m-%p.profraw"
tests=(--lib --test decode_vectors --test decode_setup --test decode_fuzz --test ble_supervision)
cargo test -q "${tests[@]}" -- decode source >/dev/null
cargo test -q --test decode_vectors --test decode_setup --test decode_fuzz --test ble_supervision >/dev/null
programs=$(cargo test "${tests[@]}" --no-run --message-format=json 2>/dev/null | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
"$tools/llvm-profdata" merge -sparse "$out"/*.profraw -o "$out/all.profdata"
objects=()
for program in $programs; do objects+=(--object "$program"); done
"$tools/llvm-cov" report "${objects[@]}" --instr-profile "$out/all.profdata" --show-region-summary=false \
    --show-branch-summary=false --sources $(find src/decode src/source/ble src/source/phone -name '*.rs' | sort)
