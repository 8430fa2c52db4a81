//! Repetitions to findings: limits, targets, tempo, compensations against the baseline.
