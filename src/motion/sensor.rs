//! One worn motion sensor: its orientation filter, stillness, calibration, and the rows of the running set.
//! m/s², rad/s, session time.

use super::{
    calibration::{Axis, Scatter, horizontal_rate},
    filter::left_after,
    orientation::Tracker,
    params::Params,
    polarity::Polarity,
    record::{Row, Sensing},
    still::Still,
};
use crate::model::{
    body::Segment,
    frame::Vec3,
    sample::{Quality, Sample, StreamKind},
    session,
    time::SessionNs,
    units::STANDARD_GRAVITY,
};
use std::collections::VecDeque;

/// Accepted calibration stance of one sensor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stance {
    /// "Up" in the sensor while the client stood in the stance.
    pub(super) up: Vec3,
}

/// How far a sensor has left its calibration, as the last set showed, deg.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Drift {
    /// The rest pose against the stance.
    pub(super) stance_deg: f64,
    /// The axis of a set against the earlier one.
    pub(super) axis_deg: f64,
}

/// Smallest acceleration that a working accelerometer can show for long, m/s²; below it the value is none.
const NO_ACCELERATION: f64 = 1e-3;

/// Rows kept outside sets: longer than a window, at any rate that is kept.
const RECENT_S: f64 = 0.25;
/// Most of them.
const RECENT_ROWS: usize = 80;

/// State of one sensor.
pub(super) struct Device {
    pub(super) segment: Segment,
    pub(super) sensing: Sensing,
    pub(super) still: Still,
    pub(super) stance: Option<Stance>,
    /// Axis found in earlier sets; to the client's right when `axis_signed`.
    pub(super) axis: Option<Axis>,
    pub(super) axis_signed: bool,
    /// Where it was found: a movement on command, or a set; the same segment turns about another axis in another
    /// exercise.
    pub(super) axis_from: String,
    /// It comes from a movement on command, and a set's own axis does not replace it.
    pub(super) axis_commanded: bool,
    pub(super) drift: Drift,
    /// In the last set it moved as this other device should.
    pub(super) exchanged: Option<usize>,
    /// Devices that it is apart from in time.
    pub(super) skewed: Vec<usize>,
    pub(super) scatter: Scatter,
    pub(super) rows: Vec<Row>,
    pub(super) last: Option<Row>,
    /// Samples of the running set that the memory's bound kept out.
    pub(super) over_bound: u64,
    recent: VecDeque<Row>,
    /// Grows when everything that was worked out of the rows is to be worked out anew.
    pub(super) revision: u32,
    polarity: Polarity,
    tracker: Tracker,
    nominal_hz: f64,
    seen_imu: bool,
    size_at_rest: f64,
    seen_s: f64,
    bound: usize,
    recording: bool,
    left: bool,
}

impl Device {
    pub(super) fn new(sensor: &session::Sensor, params: &Params) -> Self {
        let rate = if sensor.nominal_hz > 0.0 {
            sensor.nominal_hz * 1.2
        } else {
            100.0
        };
        let bound = (rate.min(params.max_hz) * params.max_set_s) as usize;
        Self {
            segment: sensor.segment,
            sensing: Sensing::AccOnly,
            still: Still::new(params),
            stance: None,
            axis: None,
            axis_signed: false,
            axis_from: String::new(),
            axis_commanded: false,
            drift: Drift::default(),
            exchanged: None,
            skewed: Vec::new(),
            scatter: Scatter::default(),
            rows: Vec::new(),
            last: None,
            over_bound: 0,
            recent: VecDeque::with_capacity(RECENT_ROWS),
            revision: 0,
            polarity: Polarity::new(),
            tracker: Tracker::new(sensor.nominal_hz),
            nominal_hz: sensor.nominal_hz,
            seen_imu: false,
            size_at_rest: STANDARD_GRAVITY,
            seen_s: 0.0,
            bound,
            recording: false,
            left: false,
        }
    }

    /// The session goes on without it: what comes from it later is not used.
    pub(super) fn leave(&mut self) {
        self.left = true;
        self.last = None;
        self.rows.clear();
        self.revision += 1;
    }

    pub(super) fn is_left(&self) -> bool {
        self.left
    }

    /// Takes a sample of a motion stream; others are not its business.
    pub(super) fn push(&mut self, sample: &Sample) {
        let gyro = match sample.stream.kind {
            StreamKind::Imu => Some(Vec3::from(sample.angular_rate())),
            StreamKind::Acc if !self.seen_imu => None,
            _ => return,
        };
        if gyro.is_some() && !self.seen_imu {
            self.begin_imu();
        }
        let acc = Vec3::from(sample.acceleration());
        let size_squared = acc.norm_squared();
        let finite = size_squared.is_finite() && gyro.is_none_or(|g| g.norm_squared().is_finite());
        let backward = self.last.is_some_and(|last| sample.t <= last.t);
        if !finite
            || backward
            || sample.quality.has(Quality::NOT_FINITE)
            || size_squared < NO_ACCELERATION * NO_ACCELERATION
        {
            return;
        }
        self.take(sample.t, acc, gyro, sample.quality);
    }

    fn begin_imu(&mut self) {
        self.seen_imu = true;
        self.sensing = Sensing::Imu;
        // What a bare accelerometer stream said before is of another kind.
        self.rows.clear();
        self.last = None;
    }

    fn take(&mut self, t: SessionNs, acc: Vec3, gyro: Option<Vec3>, quality: Quality) {
        let t_s = t.seconds();
        let gyro = gyro.map(|sent| self.with_sign(t_s, acc, sent));
        self.still.push(t_s, acc, gyro.unwrap_or_else(Vec3::zeros));
        let size = acc.norm();
        if self.last.is_none() {
            self.size_at_rest = size;
        }
        let step_s = self.last.map_or(0.0, |last| t_s - last.t_s());
        // The mean of what was seen, forgetting after some seconds.
        self.seen_s += step_s;
        let share = (step_s / self.seen_s.clamp(1e-6, 10.0)).min(1.0);
        self.size_at_rest += (size - self.size_at_rest) * share;
        let tracked = self.tracker.update(t_s, acc, gyro, quality);
        let gyro = gyro.unwrap_or_else(Vec3::zeros);
        let row = Row::new(t, tracked.up, gyro, acc, tracked.quality);
        if self.recording {
            self.collect(&row, step_s);
        } else {
            self.remember(row);
        }
        self.last = Some(row);
    }

    /// Keeps the rows of the window that is going on, for a set that began in it.
    fn remember(&mut self, row: Row) {
        let old = |r: &Row| row.t_s() - r.t_s() > RECENT_S;
        while self.recent.front().is_some_and(old) || self.recent.len() == RECENT_ROWS {
            self.recent.pop_front();
        }
        self.recent.push_back(row);
    }

    /// The angular rate with the signs that gravity shows.
    fn with_sign(&mut self, t_s: f64, acc: Vec3, sent: Vec3) -> Vec3 {
        if !self.polarity.is_decided() && self.polarity.push(t_s, acc, sent, self.gravity()) {
            let sign = self.polarity.sign();
            for row in &mut self.rows {
                row.set_gyro(row.gyro().component_mul(&sign));
            }
            // All that was learnt of the gyroscope was of the wrong sign.
            self.tracker = Tracker::new(self.nominal_hz);
            self.still = self.still.anew();
            (self.axis, self.axis_signed) = (None, false);
            super::orientation::smooth(&mut self.rows, Vec3::zeros(), self.sensing);
            self.scatter = super::calibration::scatter(&self.rows, Vec3::zeros(), self.sensing);
            self.revision += 1;
        }
        sent.component_mul(&self.polarity.sign())
    }

    /// The gyroscope's axes that gravity showed to be reversed.
    pub(super) fn reversed(&self) -> [bool; 3] {
        let sign = self.polarity.sign();
        [sign.x < 0.0, sign.y < 0.0, sign.z < 0.0]
    }

    fn collect(&mut self, row: &Row, step_s: f64) {
        if let Some(last) = &self.last
            && step_s > 0.0
            && step_s < 0.5
        {
            let rate = horizontal_rate(last, row, self.tracker.bias(), self.sensing);
            // Half of the weight is gone after 14 s: the strap may slip, the exercise may settle.
            self.scatter.fade(left_after(step_s / 20.0));
            self.scatter.add(rate, step_s);
        }
        if self.rows.len() < self.bound {
            self.rows.push(*row);
        } else {
            self.over_bound += 1;
        }
    }

    /// Begins to keep rows from `start` on; memory for the whole set is taken here and not sample by sample.
    ///
    /// A command comes after the samples of its window: those after `start` belong to the set.
    pub(super) fn begin_set(&mut self, start: SessionNs) {
        self.rows.clear();
        if self.last.is_some() {
            self.rows.reserve_exact(self.bound);
        }
        self.scatter = Scatter::default();
        self.over_bound = 0;
        self.recording = true;
        let since = self.recent.iter().position(|r| r.t >= start);
        self.rows
            .extend(since.iter().flat_map(|i| self.recent.range(*i..)));
    }

    pub(super) fn end_set(&mut self) {
        self.recording = false;
    }

    /// Gyroscope bias, rad/s: from stillness when there was any, else as the filter guesses.
    pub(super) fn bias(&self) -> Vec3 {
        match (self.sensing, self.still.newest()) {
            (Sensing::AccOnly, _) => Vec3::zeros(),
            (Sensing::Imu, Some(rest)) if rest.seconds() > 1.0 => rest.gyro,
            _ => self.tracker.bias(),
        }
    }

    /// Gravity as this sensor reads it, m/s²: at rest when there was any, else on average.
    pub(super) fn gravity(&self) -> f64 {
        self.still
            .newest()
            .map_or(self.size_at_rest, |s| s.acc.norm())
            .max(1.0)
    }

    /// Takes the stillness that is going on as the calibration stance.
    pub(super) fn accept_stance(&mut self) {
        let Some(rest) = self.still.now().copied() else {
            return;
        };
        if let Some(up) = rest.up() {
            self.stance = Some(Stance { up });
            self.axis = None;
            self.axis_signed = false;
            self.axis_commanded = false;
            (self.drift, self.exchanged) = (Drift::default(), None);
        }
        if self.sensing == Sensing::Imu {
            self.tracker.set_bias(rest.gyro);
        }
    }

    /// Takes the axis of a movement on command; it points to the client's right.
    pub(super) fn accept_axis(&mut self, axis: Axis, exercise: &str) {
        self.axis = Some(axis);
        self.axis_signed = true;
        self.axis_commanded = true;
        exercise.clone_into(&mut self.axis_from);
    }

    /// Keeps the axis that a set has shown, unless a better one was made on command.
    pub(super) fn remember_axis(&mut self, axis: Axis, exercise: &str) {
        if !self.axis_commanded {
            self.axis = Some(axis);
            self.axis_signed = true;
            exercise.clone_into(&mut self.axis_from);
        }
    }

    /// A motion stream was seen.
    pub(super) fn alive(&self) -> bool {
        self.last.is_some()
    }

    /// Its newest sample is not older than `stale_s`.
    pub(super) fn fresh(&self, now: SessionNs, stale_s: f64) -> bool {
        self.last
            .is_some_and(|last| now.seconds() - last.t_s() <= stale_s)
    }
}
