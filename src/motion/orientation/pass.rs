//! The pass after the set: "up" and vertical acceleration without delay, over stretches without long gaps.
//! Session time in s, m/s², rad/s.
//!
//! Holes up to half a second are filled: along a curve where they are short, along a line where not; beyond, the
//! orientation starts anew. What was interpolated on the way here is not believed but filled in again. A
//! clipped acceleration does not level.

use super::{
    ACC_ONLY_CUT_HZ, RESTART_GAP_S,
    guard::{Hole, Ranges, Use, mean_rate, possible_acceleration, possible_rate, usual},
    offline::{Step, attitudes},
    vqf::Params,
};
use crate::{
    model::{frame::Vec3, sample::Quality, units::STANDARD_GRAVITY},
    motion::{
        filter::low_pass,
        record::{Row, Sensing},
    },
};

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Session time, s.
    pub t_s: f64,
    /// m/s².
    pub acceleration: Vec3,
    /// rad/s; 0 without gyroscope.
    pub rate: Vec3,
    /// What is known against it.
    pub quality: Quality,
}

/// What the pass found for a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// "Up" in the sensor, unit length.
    pub up: Vec3,
    /// Vertical acceleration without gravity, m/s².
    pub vertical: f64,
    /// The sample's marks, with those found here.
    pub quality: Quality,
}

/// Fewest samples that have a rate.
const FEWEST: usize = 4;
/// A step this many periods long is a hole.
const PERIODS_OF_A_HOLE: f64 = 1.6;

/// Replaces "up" of the rows by the estimate without delay, and fills in the vertical acceleration.
pub(in crate::motion) fn smooth(rows: &mut [Row], bias: Vec3, sensing: Sensing) {
    let moments: Vec<Moment> = rows
        .iter()
        .map(|r| Moment {
            t_s: r.t_s(),
            acceleration: r.acc(),
            rate: r.gyro(),
            quality: r.quality,
        })
        .collect();
    for (row, level) in rows.iter_mut().zip(levels(&moments, bias, sensing)) {
        if let Some(level) = level {
            row.set_up(level.up);
            row.vertical = level.vertical as f32;
            row.quality = level.quality;
        }
    }
}

/// Levels of all samples, whose times rise. `bias` is what is known of the gyroscope's before, rad/s. `None` where a
/// sample cannot be, and where a stretch is too short to have a rate.
#[must_use]
pub fn levels(moments: &[Moment], bias: Vec3, sensing: Sensing) -> Vec<Option<Level>> {
    let possible: Vec<usize> = (0..moments.len())
        .filter(|i| is_possible(&moments[*i]))
        .collect();
    let kept: Vec<Moment> = possible.iter().map(|i| moments[*i]).collect();
    let uses = uses(&kept, sensing);
    let mut found = vec![None; kept.len()];
    let mut from = 0;
    for i in 1..=kept.len() {
        let cut = i == kept.len() || kept[i].t_s - kept[i - 1].t_s > RESTART_GAP_S;
        if cut {
            let piece = Piece {
                moments: &kept[from..i],
                uses: &uses[from..i],
            };
            piece.level(bias, sensing, &mut found[from..i]);
            from = i;
        }
    }
    let mut levels = vec![None; moments.len()];
    for (i, level) in possible.into_iter().zip(found) {
        levels[i] = level;
    }
    levels
}

fn is_possible(m: &Moment) -> bool {
    m.t_s.is_finite() && possible_acceleration(&m.acceleration) && possible_rate(&m.rate)
}

/// What may be done with each sample. The ends of the range are looked for twice: the first look finds them.
fn uses(moments: &[Moment], sensing: Sensing) -> Vec<Use> {
    let mut ranges = Ranges::default();
    let mut judge = |m: &Moment| {
        let rate = (sensing == Sensing::Imu).then_some(&m.rate);
        ranges.judge(&m.acceleration, rate, m.quality)
    };
    for m in moments {
        judge(m);
    }
    moments.iter().map(judge).collect()
}

/// Samples without a long gap between them.
struct Piece<'a> {
    moments: &'a [Moment],
    uses: &'a [Use],
}

/// An instant of the filled stretch.
#[derive(Debug, Clone, Copy)]
struct Slot {
    t_s: f64,
    /// Which sample it is.
    moment: Option<usize>,
    rate: Option<Vec3>,
    acceleration: Option<Vec3>,
}

impl Piece<'_> {
    fn level(&self, bias: Vec3, sensing: Sensing, out: &mut [Option<Level>]) {
        let mut steps: Vec<f64> = self
            .moments
            .windows(2)
            .map(|p| p[1].t_s - p[0].t_s)
            .collect();
        let Some(period_s) = usual(&mut steps).filter(|_| self.moments.len() >= FEWEST) else {
            return;
        };
        match sensing {
            Sensing::Imu => self.level_imu(bias, period_s, out),
            Sensing::AccOnly => self.level_acceleration(period_s, out),
        }
    }

    fn level_imu(&self, bias: Vec3, period_s: f64, out: &mut [Option<Level>]) {
        let mut slots = self.slots(bias, period_s);
        fill_rates(&mut slots, period_s);
        fill_accelerations(&mut slots);
        let steps = steps(&slots, period_s);
        if steps.is_empty() {
            return;
        }
        let stretch = attitudes(&Params::default(), &steps, period_s);
        for (slot, q) in slots.iter().zip(&stretch.attitudes) {
            let Some(i) = slot.moment else { continue };
            let f = q * self.moments[i].acceleration;
            out[i] = Some(Level {
                up: q.inverse_transform_vector(&Vec3::z()),
                vertical: vertical(f.z, stretch.gravity),
                quality: self.uses[i].quality,
            });
        }
    }

    /// One slot a sample, and one each period where there is none.
    fn slots(&self, bias: Vec3, period_s: f64) -> Vec<Slot> {
        let mut slots: Vec<Slot> = Vec::with_capacity(self.moments.len());
        for (i, (m, usable)) in self.moments.iter().zip(self.uses).enumerate() {
            if let Some(last) = slots.last().map(|s| s.t_s) {
                let step = m.t_s - last;
                let parts = if step > PERIODS_OF_A_HOLE * period_s {
                    (step / period_s).round() as u32
                } else {
                    1
                };
                slots.extend((1..parts).map(|k| Slot {
                    t_s: last + step * f64::from(k) / f64::from(parts),
                    moment: None,
                    rate: None,
                    acceleration: None,
                }));
            }
            slots.push(Slot {
                t_s: m.t_s,
                moment: Some(i),
                rate: usable.turns.then(|| m.rate - bias),
                acceleration: usable.levels.then_some(m.acceleration),
            });
        }
        slots
    }

    fn level_acceleration(&self, period_s: f64, out: &mut [Option<Level>]) {
        let low = [0, 1, 2].map(|axis| {
            let x: Vec<f64> = self.moments.iter().map(|m| m.acceleration[axis]).collect();
            low_pass(&x, 1.0 / period_s, ACC_ONLY_CUT_HZ)
        });
        let at = |i: usize| Vec3::new(low[0][i], low[1][i], low[2][i]);
        let count = self.moments.len();
        let gravity = (0..count).map(|i| at(i).norm()).sum::<f64>() / count as f64;
        for (i, m) in self.moments.iter().enumerate() {
            out[i] = at(i).try_normalize(1e-9).map(|up| Level {
                up,
                vertical: vertical(m.acceleration.dot(&up), gravity),
                quality: self.uses[i].quality,
            });
        }
    }
}

/// Scaled by the sensor's own gravity: some read 0.97 g or 1.4 g at rest.
fn vertical(upward: f64, gravity: f64) -> f64 {
    if gravity > 1.0 {
        (upward / gravity - 1.0) * STANDARD_GRAVITY
    } else {
        0.0
    }
}

/// Fills rates between the measured ones.
fn fill_rates(slots: &mut [Slot], period_s: f64) {
    let measured: Vec<(usize, f64, Vec3)> = slots
        .iter()
        .enumerate()
        .filter_map(|(i, s)| Some((i, s.t_s, s.rate?)))
        .collect();
    let slope = |a: usize| {
        let (from, to) = (measured.get(a)?, measured.get(a + 1)?);
        let step = to.1 - from.1;
        (step <= PERIODS_OF_A_HOLE * period_s).then(|| ((to.2 - from.2) / step, step))
    };
    for (k, pair) in measured.windows(2).enumerate() {
        if pair[1].0 == pair[0].0 + 1 {
            continue;
        }
        let hole = Hole {
            from: (pair[0].1, pair[0].2),
            slope: k.checked_sub(1).and_then(slope),
            to: (pair[1].1, pair[1].2),
        };
        let after = slope(k + 1);
        for slot in &mut slots[pair[0].0 + 1..pair[1].0] {
            slot.rate = Some(hole.rate_at(slot.t_s, after));
        }
    }
}

/// Fills accelerations between those that level, along a line.
fn fill_accelerations(slots: &mut [Slot]) {
    let measured: Vec<(usize, f64, Vec3)> = slots
        .iter()
        .enumerate()
        .filter_map(|(i, s)| Some((i, s.t_s, s.acceleration?)))
        .collect();
    for pair in measured.windows(2) {
        let (from, to) = (&pair[0], &pair[1]);
        for slot in &mut slots[from.0 + 1..to.0] {
            let share = (slot.t_s - from.1) / (to.1 - from.1);
            slot.acceleration = Some(from.2 + (to.2 - from.2) * share);
        }
    }
}

/// The turns of the stretch. At its ends the nearest measured value stands for those that are missing.
fn steps(slots: &[Slot], period_s: f64) -> Vec<Step> {
    let (Some(mut rate), Some(mut acceleration)) = (
        slots.iter().find_map(|s| s.rate),
        slots.iter().find_map(|s| s.acceleration),
    ) else {
        return Vec::new();
    };
    let mut last_s = None;
    slots
        .iter()
        .map(|slot| {
            let step_s = last_s.map_or(period_s, |last| slot.t_s - last);
            last_s = Some(slot.t_s);
            let now = slot.rate.unwrap_or(rate);
            let mean = mean_rate(&rate, &now, step_s);
            rate = now;
            acceleration = slot.acceleration.unwrap_or(acceleration);
            Step {
                step_s,
                rate: mean,
                acceleration,
            }
        })
        .collect()
}

/// Samples a second, from first to last; `None` for less than four rows.
pub(in crate::motion) fn rate_of(rows: &[Row]) -> Option<f64> {
    let (first, last) = (rows.first()?, rows.last()?);
    let span = last.t_s() - first.t_s();
    (rows.len() >= FEWEST && span > 0.0).then(|| (rows.len() - 1) as f64 / span)
}
