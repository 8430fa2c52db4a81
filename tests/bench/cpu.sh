#!/usr/bin/env bash
# CPU seconds of our motion engine beside published packages, in one run on one machine, as ratios.
#
# Installs vqf, scikit-digital-health and neurokit2 in an environment that is thrown away, measures them over a computed
# hour of one sensor at 100 Hz (and an hour of beats), then runs `cargo bench --bench motion_hour`.
# Needs python3 with venv, Rust, a C compiler, the package index. The least of three rounds counts; CPU time, not wall
# time. Only figures of one run may be compared.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet vqf scikit-digital-health neurokit2
"$here/env/bin/python" tests/bench/packages.py > "$here/packages"
cargo bench --quiet --bench motion_hour > "$here/ours"

python3 - "$here/packages" "$here/ours" <<'PYTHON'
import sys

packages, ours = (dict(l.split(" ", 1) for l in open(f) if l.strip()) for f in sys.argv[1:])
live, post = float(ours["live_joint_hour_s"]), float(ours["pass_sensor_hour_s"])
print(f"{'CPU of an hour':<58}{'s':>9}{'times ours':>12}")


def row(name, seconds, reference=None):
    ratio = f"{seconds / reference:12.1f}" if reference else " " * 12
    print(f"{name:<58}{seconds:9.3f}{ratio}")


row("ours: live, all stages of a two-sensor joint (goal 0.25)", live)
row("ours: pass after the set, all of it, a sensor (goal 0.80)", post)
row("ours: live filter alone, a sensor", float(ours["filter_live_sensor_hour_s"]))
row("ours: filter without delay alone, a sensor", float(ours["filter_pass_sensor_hour_s"]))
row("vqf live, a sensor", float(packages["vqf_live"]), float(ours["filter_live_sensor_hour_s"]))
row("vqf offline, a sensor", float(packages["vqf_offline"]), float(ours["filter_pass_sensor_hour_s"]))
for name in ("sit2stand", "gait"):
    if f"skdh_{name}" in packages:
        row(f"scikit-digital-health {name}, a sensor, against our pass", float(packages[f"skdh_{name}"]), post)
row("neurokit2 beat correction, an hour of beats", float(packages["neurokit2_fixpeaks"]))
print("\nours:", ours["repetitions"].strip(), "repetitions;", packages["versions"].strip())
PYTHON
