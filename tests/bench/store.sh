#!/usr/bin/env bash
# CPU seconds from published to stored beside consumers in Python (paho-mqtt with influxdb-client, and with lines made by
# hand) on the same broker and store in the same run.
#
# Installs them in an environment that is thrown away, then runs `cargo bench --bench store_bus`. Needs python3 with venv,
# mosquitto, victoria-metrics, Rust, a C compiler, the package index. Only figures of one run may be compared.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet paho-mqtt influxdb-client cbor2 numpy
PLIMSOLL_BENCH_PYTHON="$here/env/bin/python" cargo bench --quiet --bench store_bus | tee "$here/figures"
awk '$1 ~ /^(embedded|victoria_metrics|python_.*)$/ { per[$1] = $4 }
  END { for (ours in per) if (ours !~ /python/) for (theirs in per) if (theirs ~ /python/)
    printf "%s stores %.1f times as many samples per CPU second as %s\n", ours, per[ours] / per[theirs], theirs }' "$here/figures"
