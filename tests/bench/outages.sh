#!/usr/bin/env bash
# Ten minutes without a broker, a store, or both, one after the other, behind Mosquitto and behind the embedded broker.
# The ten minutes are of the session's time; `PLIMSOLL_OUTAGE=real` lets them take theirs.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec cargo test --test fault ten_minutes -- --include-ignored --nocapture --test-threads 1
