#!/usr/bin/env python3
"""Makes the vectors that hold our orientation filter equal to the published one.

Input: a computed movement (no recording), rounded to what the tables say. Output: `quat6D` and `bias` of `VQF` and of
`offlineVQF` from the PyPI package `vqf` (Laidig & Seel 2023, MIT licence), at every TENTH row.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy vqf==2.1.2
    /tmp/venv/bin/python tests/vectors/make_vqf.py

Columns: input gx,gy,gz rad/s, ax,ay,az m/s2 (one row a sample); output row (from 0), quat6D w,x,y,z and bias x,y,z rad/s
live, the same offline.
"""
from importlib.metadata import version
from pathlib import Path

import numpy as np
from vqf import VQF, offlineVQF

TENTH = 10
# Name, rate in Hz, seconds.
MOVEMENTS = [("26hz", 26.0, 40.0), ("100hz", 100.0, 20.0), ("286hz", 2000.0 / 7.0, 7.0)]
BIAS = np.radians([0.6, -0.9, 0.4])


def rotation(axis, angle):
    """Rotation matrix about a unit axis."""
    x, y, z = axis
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def movement(rate_hz, seconds):
    """Rest, then swings about three axes with a shaken sensor, then rest; a sensor with bias and noise."""
    rng = np.random.default_rng(7)
    n, dt = int(seconds * rate_hz), 1 / rate_hz
    t = np.arange(n) * dt
    moving = (t > 0.25 * seconds) & (t < 0.75 * seconds)
    swing = np.stack([2.5 * np.sin(5.1 * t), 1.5 * np.cos(3.3 * t), 0.8 * np.sin(1.7 * t + 1)], axis=1)
    true_rate = swing * moving[:, None]
    attitude = rotation(np.array([0.6, 0.0, 0.8]), 2.9)  # nearly upside down
    acc = np.empty((n, 3))
    for i, w in enumerate(true_rate):
        size = np.linalg.norm(w)
        if size > 0:
            attitude = attitude @ rotation(w / size, size * dt)
        push = np.array([3 * np.sin(9 * t[i]), 2 * np.cos(7 * t[i]), 4 * np.sin(6 * t[i])]) * moving[i]
        acc[i] = attitude.T @ (push + [0, 0, 9.81])
    gyr = true_rate + BIAS + rng.normal(0, 0.002, (n, 3))
    return np.round(gyr, 4), np.round(acc + rng.normal(0, 0.02, (n, 3)), 3)


def main():
    here = Path(__file__).parent
    print("vqf", version("vqf"))
    for name, rate_hz, seconds in MOVEMENTS:
        gyr, acc = movement(rate_hz, seconds)
        live = VQF(1 / rate_hz).updateBatchFullState(gyr, acc)
        post = offlineVQF(gyr, acc, None, 1 / rate_hz)
        with open(here / f"vqf_{name}_input.csv", "w") as f:
            f.write("gx,gy,gz,ax,ay,az\n")
            for g, a in zip(gyr, acc):
                f.write(",".join(f"{v:g}" for v in (*g, *a)) + "\n")
        with open(here / f"vqf_{name}_output.csv", "w") as f:
            f.write("row,live_w,live_x,live_y,live_z,live_bx,live_by,live_bz,post_w,post_x,post_y,post_z,post_bx,post_by,post_bz\n")
            for i in range(0, len(gyr), TENTH):
                values = (*live["quat6D"][i], *live["bias"][i], *post["quat6D"][i], *post["bias"][i])
                f.write(f"{i}," + ",".join(repr(float(v)) for v in values) + "\n")


if __name__ == "__main__":
    main()
