#!/usr/bin/env python3
"""CPU seconds of published packages for a computed hour at 100 Hz, one `name seconds` a line; see `cpu.sh`."""
import time
import warnings
from importlib.metadata import version

import neurokit2
import numpy as np
from skdh.gait import GaitLumbar
from skdh.sit2stand import Sit2Stand
from vqf import VQF, offlineVQF

RATE_HZ, ROUNDS = 100.0, 3


def hour():
    """Squats of 3 s, 42 s in each minute, as in `benches/motion_hour.rs`."""
    t = np.arange(int(3600 * RATE_HZ)) / RATE_HZ
    in_set = t % 60 - 9
    moving = (in_set >= 0) & (in_set < 42)
    w = 2 * np.pi / 3
    tilt = np.radians(80) * (1 - np.cos(w * in_set)) / 2 * moving
    push = 9.81 - 0.2 * w * w * np.cos(w * in_set) * moving
    rng = np.random.default_rng(1)
    acc = np.stack([np.sin(tilt) * push, np.cos(tilt) * push, np.zeros_like(t)], axis=1)
    gyr = np.zeros_like(acc)
    gyr[:, 2] = np.radians(80) * w * np.sin(w * in_set) / 2 * moving
    return t, acc + rng.normal(0, 0.005, acc.shape), gyr + rng.normal(0, 0.005, acc.shape)


def beats():
    """Peaks of an hour at about 70 beats a minute, sampled at 1 kHz, every 60th beat early."""
    rng = np.random.default_rng(2)
    rr = rng.normal(0.857, 0.03, 4200)
    rr[::60] *= 0.75
    return (np.cumsum(rr) * 1000).astype(int)


def least(work):
    seconds = []
    for _ in range(ROUNDS):
        before = time.process_time()
        work()
        seconds.append(time.process_time() - before)
    return min(seconds)


def main():
    warnings.simplefilter("ignore")
    t, acc, gyr = hour()
    peaks = beats()
    in_g = acc / 9.80665
    work = {
        "vqf_live": lambda: VQF(1 / RATE_HZ).updateBatch(gyr, acc),
        "vqf_offline": lambda: offlineVQF(gyr, acc, None, 1 / RATE_HZ),
        "skdh_sit2stand": lambda: Sit2Stand().predict(time=t, accel=in_g, fs=RATE_HZ),
        "skdh_gait": lambda: GaitLumbar().predict(time=t, accel=in_g, gyro=gyr, fs=RATE_HZ, height=1.75),
        "neurokit2_fixpeaks": lambda: neurokit2.signal_fixpeaks(
            peaks, sampling_rate=1000, iterative=False, method="kubios"
        ),
    }
    for name, call in work.items():
        try:
            print(f"{name} {least(call):.4f}", flush=True)
        except Exception as error:  # a package that refuses the hour has no figure
            print(f"{name}_refused {type(error).__name__}: {error}".replace("\n", " "), flush=True)
    names = ["vqf", "scikit-digital-health", "neurokit2"]
    print("versions", ", ".join(f"{n} {version(n)}" for n in names))


if __name__ == "__main__":
    main()
