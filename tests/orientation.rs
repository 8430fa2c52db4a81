//! Orientation: equal to the published filter, and safe from what sensors do.
//!
//! The vectors in `tests/vectors` were made with the authors' package by `make_vqf.py` from a computed movement.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

use nalgebra::{Quaternion, UnitQuaternion, Vector3};
use plimsoll::motion::orientation::{Params, Step, Vqf, attitudes};

type Vec3 = Vector3<f64>;

/// Rate of each pair of files, Hz.
const VECTORS: [(&str, &str, f64); 3] = [
    (
        include_str!("vectors/vqf_26hz_input.csv"),
        include_str!("vectors/vqf_26hz_output.csv"),
        26.0,
    ),
    (
        include_str!("vectors/vqf_100hz_input.csv"),
        include_str!("vectors/vqf_100hz_output.csv"),
        100.0,
    ),
    (
        include_str!("vectors/vqf_286hz_input.csv"),
        include_str!("vectors/vqf_286hz_output.csv"),
        2000.0 / 7.0,
    ),
];
/// Largest difference from the authors' program, deg and deg/s.
const EQUAL: f64 = 1e-9;

fn rows(text: &str) -> Vec<Vec<f64>> {
    text.lines()
        .skip(1)
        .map(|l| l.split(',').map(|v| v.parse().unwrap()).collect())
        .collect()
}

fn vector(v: &[f64]) -> Vec3 {
    Vec3::new(v[0], v[1], v[2])
}

fn attitude(v: &[f64]) -> UnitQuaternion<f64> {
    UnitQuaternion::new_unchecked(Quaternion::new(v[0], v[1], v[2], v[3]))
}

/// Exact for small angles, unlike the arc cosine.
fn apart_deg(a: &UnitQuaternion<f64>, b: &UnitQuaternion<f64>) -> f64 {
    (2.0 * (a.inverse() * b).imag().norm().min(1.0).asin()).to_degrees()
}

#[test]
fn the_live_filter_is_the_published_one() {
    for (input, output, rate_hz) in VECTORS {
        let mut filter = Vqf::new(Params::default(), 1.0 / rate_hz);
        let mut expected = rows(output).into_iter().peekable();
        let (mut compared, mut rested) = (0, false);
        for (i, row) in rows(input).iter().enumerate() {
            filter.turn(vector(row), 1.0 / rate_hz);
            filter.level(vector(&row[3..]));
            rested |= filter.at_rest();
            if let Some(e) = expected.next_if(|e| e[0] as usize == i) {
                let apart = apart_deg(&filter.attitude(), &attitude(&e[1..]));
                assert!(apart < EQUAL, "{rate_hz} Hz, row {i}: {apart} deg");
                let bias = (filter.bias() - vector(&e[5..])).norm().to_degrees();
                assert!(bias < EQUAL, "{rate_hz} Hz, row {i}: {bias} deg/s");
                compared += 1;
            }
        }
        assert!(compared > 100);
        assert!(rested, "the vectors hold a rest");
    }
}

#[test]
fn the_filter_after_the_set_is_the_published_one() {
    for (input, output, rate_hz) in VECTORS {
        let steps: Vec<Step> = rows(input)
            .iter()
            .map(|row| Step {
                step_s: 1.0 / rate_hz,
                rate: vector(row),
                acceleration: vector(&row[3..]),
            })
            .collect();
        let stretch = attitudes(&Params::default(), &steps, 1.0 / rate_hz);
        for e in rows(output) {
            let i = e[0] as usize;
            let apart = apart_deg(&stretch.attitudes[i], &attitude(&e[8..]));
            assert!(apart < EQUAL, "{rate_hz} Hz, row {i}: {apart} deg");
            let bias = (stretch.biases[i] - vector(&e[12..])).norm().to_degrees();
            assert!(bias < EQUAL, "{rate_hz} Hz, row {i}: {bias} deg/s");
        }
    }
}
