//! The axis of a hinge in both sensors, from any movement of them. rad/s; unit vectors in sensor coordinates.
//!
//! Two things hold on a hinge: what a sensor turns about any line across the axis has the same size in both (Seel,
//! Schauer, Raisch 2012), and the axis leans equally in both. The squares of what is left are made smallest by
//! Gauss-Newton on both unit spheres, from many starts, each sample weighted less the worse it fits (Olsson et al.
//! 2020 weigh the same two conditions, with raw acceleration in place of "up").
//!
//! In a movement in one vertical plane the axis is found, but not which of its ends corresponds to which: there
//! anatomy must say it.

use super::{Pair, across};
use crate::model::frame::Vec3;
use nalgebra::{Matrix3, Matrix4, Matrix6, Vector4};

/// Scale of a rate that does not fit, rad/s.
const RATE_SCALE: f64 = 0.1;
/// Scale of a lean of the axis that does not fit (sine).
const LEAN_SCALE: f64 = 0.03;
/// So many instants are enough; more are thinned out.
const ENOUGH: usize = 1000;
/// Fewer say nothing.
const FEWEST: usize = 20;
/// Steps from every start, and from the best one.
const STEPS: (usize, usize) = (8, 30);

/// The axis of a hinge in both of its sensors.
#[derive(Debug, Clone, Copy)]
pub struct Hinge {
    /// In the proximal sensor.
    pub proximal: Vec3,
    /// In the distal one, pointing the same way.
    pub distal: Vec3,
    /// What is left of the rates, root mean square, rad/s.
    pub rate_left: f64,
    /// What is left of the axis' lean, root mean square, rad.
    pub lean_left: f64,
}

impl Hinge {
    /// The hinge whose axes are known from elsewhere.
    #[must_use]
    pub fn known(proximal: Vec3, distal: Vec3) -> Self {
        Self {
            proximal,
            distal,
            rate_left: 0.0,
            lean_left: 0.0,
        }
    }

    /// The angle that gravity alone shows, rad; meaningless where the axis is upright.
    #[must_use]
    pub fn shown(&self, up: [Vec3; 2]) -> f64 {
        turn(self.proximal, up[0]) - turn(self.distal, up[1])
    }

    /// Finds the axis; `None` where nothing moves or too little is known.
    #[must_use]
    pub fn find(pairs: &[Pair]) -> Option<Self> {
        let thin = (pairs.len() / ENOUGH).max(1);
        let some: Vec<Pair> = pairs.iter().step_by(thin).copied().collect();
        let moves = some.iter().any(|p| p.rate.iter().any(|w| w.norm() > 0.2));
        if some.len() < FEWEST || !moves {
            return None;
        }
        let best = starts(&some)
            .into_iter()
            .map(|start| improve(&some, start, STEPS.0))
            .map(|axes| (cost(&some, &axes), axes))
            .filter(|(cost, _)| cost.is_finite())
            .min_by(|a, b| a.0.total_cmp(&b.0))?;
        let axes = improve(&some, best.1, STEPS.1);
        let n = some.len() as f64;
        let (rates, leans) = some.iter().fold((0.0, 0.0), |sum, pair| {
            let (rate, lean) = misfit(pair, &axes);
            (sum.0 + rate * rate, sum.1 + lean * lean)
        });
        Some(Self {
            proximal: axes[0],
            distal: axes[1],
            rate_left: (rates / n).sqrt() * RATE_SCALE,
            lean_left: (leans / n).sqrt() * LEAN_SCALE,
        })
    }
}

type Axes = [Vec3; 2];

/// Main axes of both rates, the axes that lean most alike, and every pair of edges of the sensors.
fn starts(pairs: &[Pair]) -> Vec<Axes> {
    let main = [0, 1].map(|k| {
        let sum: Matrix3<f64> = pairs
            .iter()
            .map(|p| p.rate[k] * p.rate[k].transpose())
            .sum();
        let eigen = sum.symmetric_eigen();
        eigen
            .eigenvectors
            .column(eigen.eigenvalues.imax())
            .into_owned()
    });
    let mut starts = vec![[main[0], main[1]], [main[0], -main[1]]];
    let mut lean = Matrix6::zeros();
    for pair in pairs {
        let row = nalgebra::Vector6::from_iterator(
            pair.up[0]
                .iter()
                .copied()
                .chain(pair.up[1].iter().map(|x| -x)),
        );
        lean += row * row.transpose();
    }
    let eigen = lean.symmetric_eigen();
    let least = eigen
        .eigenvectors
        .column(eigen.eigenvalues.imin())
        .into_owned();
    let (a, b) = (
        Vec3::new(least[0], least[1], least[2]),
        Vec3::new(least[3], least[4], least[5]),
    );
    if let (Some(a), Some(b)) = (a.try_normalize(1e-3), b.try_normalize(1e-3)) {
        starts.push([a, b]);
    }
    let edges = [Vec3::x(), Vec3::y(), Vec3::z()];
    for a in edges {
        for b in edges {
            starts.extend([[a, b], [a, -b]]);
        }
    }
    starts
}

/// What does not fit at one instant, in units of the scales: rate, lean.
fn misfit(pair: &Pair, axes: &Axes) -> (f64, f64) {
    let across = |k: usize| pair.rate[k].cross(&axes[k]).norm();
    let lean = |k: usize| pair.up[k].dot(&axes[k]);
    (
        (across(0) - across(1)) / RATE_SCALE,
        (lean(0) - lean(1)) / LEAN_SCALE,
    )
}

fn cost(pairs: &[Pair], axes: &Axes) -> f64 {
    pairs
        .iter()
        .map(|p| misfit(p, axes))
        .map(|(rate, lean)| rate.abs().ln_1p() + lean.abs().ln_1p())
        .sum()
}

/// Gauss-Newton with weights 1 / (1 + |misfit|).
fn improve(pairs: &[Pair], start: Axes, steps: usize) -> Axes {
    let mut axes = start;
    for _ in 0..steps {
        let bases = axes.map(across);
        let mut normal = Matrix4::identity() * 1e-6;
        let mut right = Vector4::zeros();
        for pair in pairs {
            let (rate, lean) = misfit(pair, &axes);
            let (mut by_rate, mut by_lean) = (Vector4::zeros(), Vector4::zeros());
            for (k, sign) in [(0, 1.0), (1, -1.0)] {
                let turned = pair.rate[k].cross(&axes[k]);
                let slope = turned.cross(&pair.rate[k]) / turned.norm().max(1e-9);
                for (e, edge) in [bases[k].0, bases[k].1].iter().enumerate() {
                    by_rate[2 * k + e] = sign * slope.dot(edge) / RATE_SCALE;
                    by_lean[2 * k + e] = sign * pair.up[k].dot(edge) / LEAN_SCALE;
                }
            }
            for (left, slope) in [(rate, by_rate), (lean, by_lean)] {
                let weight = 1.0 / (1.0 + left.abs());
                normal += slope * slope.transpose() * weight;
                right -= slope * (left * weight);
            }
        }
        let Some(step) = normal
            .lu()
            .solve(&right)
            .filter(|s| s.iter().all(|v| v.is_finite()))
        else {
            return axes;
        };
        for k in 0..2 {
            let moved = axes[k] + bases[k].0 * step[2 * k] + bases[k].1 * step[2 * k + 1];
            axes[k] = moved.try_normalize(1e-9).unwrap_or(axes[k]);
        }
        if step.amax() < 1e-6 {
            break;
        }
    }
    axes
}

/// Where a direction stands about an axis, rad.
pub(super) fn turn(axis: Vec3, direction: Vec3) -> f64 {
    let (x, y) = across(axis);
    direction.dot(&y).atan2(direction.dot(&x))
}
