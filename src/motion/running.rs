//! The set that is running, as repetitions: those of the live machine, those of the pass after it, and what of
//! the former does not stand. Session time; units of the model.

use super::{
    engine::MotionEvent,
    live::{LiveSet, Said},
    measure::{View, measure},
    params::Params,
    post::Found,
    sensor::Device,
    tempo::{out_is_eccentric, phases},
    velocity::{Fastest, Pass, speed},
};
use crate::model::{
    command::{SetRole, StopReason},
    metric::Metric,
    plan::TrainingSide,
    rep::{HeartStats, Rep, SetSummary, Stage},
    time::SessionNs,
};

/// A repetition that was confirmed, and whether it still stands.
pub(super) struct Confirmed {
    rep: Rep,
    stands: bool,
}

pub(super) struct Running {
    pub(super) set: u32,
    pub(super) start: SessionNs,
    pub(super) exercise: String,
    pub(super) side: TrainingSide,
    pub(super) role: SetRole,
    pub(super) load_kg: Option<f64>,
    pub(super) available: Vec<Metric>,
    /// What is measured while the set runs.
    pub(super) wanted: Vec<Metric>,
    pub(super) live: LiveSet,
    /// Repetitions that were confirmed while the set ran.
    pub(super) confirmed: Vec<Confirmed>,
    pub(super) alive: usize,
    pub(super) fastest: Fastest,
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The repetitions of the pass after the set, numbered from 1.
pub(super) fn final_reps(
    run: &Running,
    view: &View,
    found: &[Found],
    eccentric_first: Option<bool>,
) -> Vec<Rep> {
    let amplitudes: Vec<f64> = found.iter().map(|f| f.amplitude).collect();
    let usual = super::filter::median(&amplitudes);
    let mut fastest = Fastest::default();
    let mut reps = Vec::with_capacity(found.len());
    for (i, f) in found.iter().enumerate() {
        let next = found.get(i + 1).map(|n| n.start);
        let phases = eccentric_first.map(|e| phases(f, next, e, view.params.rate_share_final));
        let partial = f.amplitude < view.params.partial_share * usual;
        let speed = phases
            .zip(eccentric_first)
            .and_then(|(p, e)| speed(view, f, &p, e, Pass::Final));
        reps.push(Rep {
            set: run.set,
            number: count(i + 1),
            stage: Stage::Final,
            start: f.start,
            turn: f.turn,
            end: f.end,
            partial,
            phases,
            speed: fastest.compare(speed, partial),
            measurements: measure(view, f, phases.as_ref(), &run.available),
        });
    }
    reps
}

impl Running {
    pub(super) fn live_rep(
        &mut self,
        said: Said,
        devices: &[Device],
        params: &Params,
    ) -> Option<Rep> {
        let number = count(self.confirmed.len() + 1);
        let (found, stage) = match said {
            Said::Turned(f) => (f, Stage::Provisional),
            Said::Completed(f) => (f, Stage::Confirmed),
            Said::Withdrawn(turn) => return self.withdrawn(turn),
        };
        let mut rep = Rep {
            set: self.set,
            number,
            stage,
            start: found.start,
            turn: found.turn,
            end: found.end,
            partial: false,
            phases: None,
            speed: None,
            measurements: Vec::new(),
        };
        if stage == Stage::Provisional {
            return Some(rep);
        }
        let poses = self.live.poses();
        let view = View::new(devices, poses, &self.exercise, self.side, params);
        let eccentric_first = out_is_eccentric(&self.exercise, None);
        rep.phases = eccentric_first.map(|e| phases(&found, None, e, params.rate_share_live));
        let speed = rep
            .phases
            .zip(eccentric_first)
            .and_then(|(p, e)| speed(&view, &found, &p, e, Pass::Live));
        rep.speed = self.fastest.compare(speed, false);
        rep.measurements = measure(&view, &found, rep.phases.as_ref(), &self.wanted);
        self.confirmed.push(Confirmed {
            rep: rep.clone(),
            stands: true,
        });
        Some(rep)
    }

    /// The confirmed repetition that turned then is none.
    fn withdrawn(&mut self, turn: SessionNs) -> Option<Rep> {
        let gone = self
            .confirmed
            .iter_mut()
            .find(|c| c.stands && c.rep.turn == turn)?;
        gone.stands = false;
        let said = Rep {
            stage: Stage::Retracted,
            ..gone.rep.clone()
        };
        // What is none cannot be the fastest.
        self.fastest = Fastest::default();
        for c in self.confirmed.iter().filter(|c| c.stands) {
            self.fastest.compare(c.rep.speed, false);
        }
        Some(said)
    }

    /// Says of every confirmed repetition without a final one that it is withdrawn.
    pub(super) fn withdraw(&self, finals: &[Rep], out: &mut Vec<MotionEvent>) {
        let mut used = vec![false; finals.len()];
        for c in self.confirmed.iter().filter(|c| c.stands) {
            let partner = (0..finals.len())
                .filter(|i| !used[*i])
                .find(|i| finals[*i].start < c.rep.end && finals[*i].end > c.rep.start);
            if let Some(i) = partner {
                used[i] = true;
                continue;
            }
            out.push(MotionEvent::Rep(Rep {
                stage: Stage::Retracted,
                ..c.rep.clone()
            }));
        }
    }

    pub(super) fn summary(
        self,
        end: SessionNs,
        reason: StopReason,
        reps: usize,
        channel: String,
        heart: &HeartStats,
    ) -> SetSummary {
        SetSummary {
            set: self.set,
            exercise: self.exercise,
            side: self.side,
            role: self.role,
            load_kg: self.load_kg,
            start: self.start,
            end,
            reason,
            reps_live: count(self.confirmed.iter().filter(|c| c.stands).count()),
            reps_final: count(reps),
            heart: *heart,
            channel,
        }
    }
}
