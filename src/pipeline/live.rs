//! What a person needs to see now, kept up to date sample by sample; ages are on the session's clock.
//!
//! Stale is stale: a heart rate older than 3 s and a movement sensor older than 0.5 s are marked, and the
//! page shows no number for them.

use crate::model::{
    body::Segment,
    event::{Live, LiveHeart, LiveSensor},
    metric::Metric,
    packet::DeviceIndex,
    rep::{Rep, Stage},
    sample::{Sample, StreamKind},
    session::SessionHeader,
    time::SessionNs,
};

/// Heart rate older than this is no number any more, s (fail-loud rule SF-3).
const HEART_STALE_S: f64 = 3.0;
/// A movement sensor silent for longer cannot be judged, s (fail-loud rule SF-2).
const MOVEMENT_STALE_S: f64 = 0.5;

struct SensorState {
    device: DeviceIndex,
    segment: Segment,
    /// Of its movement, and of its heart values: one does not hide that the other is silent.
    newest: [Option<SessionNs>; 2],
    left: bool,
}

/// State behind the snapshots.
pub(super) struct LiveState {
    sensors: Vec<SensorState>,
    heart: Option<(SessionNs, f64)>,
    set: Option<(u32, String)>,
    reps: u32,
    metric: Option<Metric>,
    trace: Vec<(SessionNs, Option<f64>)>,
}

impl LiveState {
    pub(super) fn new(header: &SessionHeader) -> Self {
        let sensors = header
            .devices()
            .map(|(device, s)| SensorState {
                device,
                segment: s.segment,
                newest: [None; 2],
                left: false,
            })
            .collect();
        Self {
            sensors,
            heart: None,
            set: None,
            reps: 0,
            metric: None,
            trace: Vec::new(),
        }
    }

    pub(super) fn sample(&mut self, sample: &Sample) {
        let of = match sample.stream.kind {
            StreamKind::Imu | StreamKind::Acc => 0,
            StreamKind::HeartRate | StreamKind::Rr | StreamKind::Ecg => 1,
            // A battery report is no sign that anything else is alive.
            StreamKind::Battery => return,
        };
        if let Some(state) = self.sensors.get_mut(usize::from(sample.stream.device.0)) {
            let newest = &mut state.newest[of];
            *newest = (*newest).max(Some(sample.t));
        }
    }

    /// The session goes on without a sensor: that it is silent hides nothing any more.
    pub(super) fn went_without(&mut self, device: DeviceIndex) {
        if let Some(state) = self.sensors.get_mut(usize::from(device.0)) {
            state.left = true;
        }
    }

    /// A sensor is worn elsewhere.
    pub(super) fn placed(&mut self, device: DeviceIndex, segment: Segment) {
        if let Some(state) = self.sensors.get_mut(usize::from(device.0)) {
            state.segment = segment;
        }
    }

    /// Where the sensors are worn that the session goes on with.
    pub(super) fn worn(&self) -> impl Iterator<Item = Segment> {
        self.sensors.iter().filter(|s| !s.left).map(|s| s.segment)
    }

    pub(super) fn set_started(&mut self, set: u32, exercise: &str) {
        self.set = Some((set, exercise.to_owned()));
        self.reps = 0;
    }

    pub(super) fn set_ended(&mut self, set: u32) {
        if self
            .set
            .as_ref()
            .is_some_and(|(running, _)| *running == set)
        {
            self.set = None;
        }
    }

    pub(super) fn rep(&mut self, rep: &Rep) {
        match rep.stage {
            Stage::Confirmed => self.reps += 1,
            Stage::Retracted => self.reps = self.reps.saturating_sub(1),
            // The pass after the set counts anew.
            Stage::Final => self.reps = rep.number,
            Stage::Provisional => {}
        }
    }

    pub(super) fn trace(&mut self, t: SessionNs, metric: Option<Metric>, value: Option<f64>) {
        self.metric = metric;
        self.trace.push((t, value));
    }

    /// The newest heart rate, bpm, and when it was measured: its age counts from there.
    pub(super) fn heart(&mut self, newest: Option<(SessionNs, f64)>) {
        self.heart = newest.or(self.heart);
    }

    /// What the trace shows.
    pub(super) fn metric(&self) -> Option<Metric> {
        self.metric
    }

    /// The state at `now` with the running set's `limit` on the traced metric.
    pub(super) fn snapshot(&mut self, now: SessionNs, limit: (Option<f64>, Option<f64>)) -> Live {
        let age = |t: SessionNs| ((now.0 - t.0).max(0) as f64) * 1e-9;
        Live {
            t: now,
            heart: self.heart.map(|(t, bpm)| LiveHeart {
                bpm,
                age_s: age(t),
                stale: age(t) > HEART_STALE_S,
            }),
            set: self.set.as_ref().map(|(set, _)| *set),
            exercise: self.set.as_ref().map(|(_, exercise)| exercise.clone()),
            reps: self.reps,
            metric: self.metric,
            limit,
            trace: std::mem::take(&mut self.trace),
            sensors: self
                .sensors
                .iter()
                .filter(|s| !s.left)
                .map(|s| live_sensor(s, age))
                .collect(),
        }
    }
}

fn live_sensor(state: &SensorState, age: impl Fn(SessionNs) -> f64) -> LiveSensor {
    // The strap's movement is not judged.
    let movement_s = if state.segment == Segment::Chest {
        HEART_STALE_S
    } else {
        MOVEMENT_STALE_S
    };
    let ages = state.newest.map(|t| t.map(&age));
    let allowed = ages.iter().zip([movement_s, HEART_STALE_S]);
    let silent = allowed
        .filter_map(|(age, allowed)| age.filter(|s| *s > allowed))
        .max_by(f64::total_cmp);
    let freshest = ages.into_iter().flatten().min_by(f64::total_cmp);
    LiveSensor {
        device: state.device,
        segment: state.segment,
        age_s: silent.or(freshest),
        stale: silent.is_some() || freshest.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stale and age, s, of a sensor whose movement and heart values came last so long ago.
    fn shown(segment: Segment, ages_s: [Option<f64>; 2]) -> (bool, Option<f64>) {
        let state = SensorState {
            device: DeviceIndex(0),
            segment,
            newest: ages_s.map(|age| age.map(|s| SessionNs((s * 1e9) as i64))),
            left: false,
        };
        let sensor = live_sensor(&state, |t| t.0 as f64 / 1e9);
        (sensor.stale, sensor.age_s)
    }

    #[test]
    fn a_heart_rate_does_not_hide_that_movement_is_silent() {
        let arm = Segment::ForearmR;
        assert_eq!(shown(arm, [Some(0.5), Some(2.0)]), (false, Some(0.5)));
        assert_eq!(shown(arm, [Some(0.6), Some(0.1)]), (true, Some(0.6)));
        assert_eq!(shown(arm, [Some(0.1), Some(3.5)]), (true, Some(3.5)));
        assert_eq!(shown(arm, [None, Some(3.0)]), (false, Some(3.0)));
        assert_eq!(shown(arm, [None, None]), (true, None));
        assert_eq!(
            shown(Segment::Chest, [Some(1.4), Some(0.9)]),
            (false, Some(0.9))
        );
    }
}
