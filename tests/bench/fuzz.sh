#!/usr/bin/env bash
# Ten million random inputs for every decoder (or the number given), one after the other, with what each
# held at most and how long it took. Needs the folder of the recordings for the published vectors.
set -euo pipefail
cd "$(dirname "$0")/../.."
PLIMSOLL_FUZZ_INPUTS="${1:-10_000_000}" exec cargo test --test decode_fuzz -- --nocapture noise
