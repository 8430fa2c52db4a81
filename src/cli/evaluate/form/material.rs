//! What the stages say of one recording, and what its labels say.

use super::super::{
    recording::{Said, run_with},
    score::matched,
};
use crate::{
    cli::labelled_folder::{self, Wishes},
    model::{body::Segment, metric::Metric, plan::TrainingSide, rep::Rep},
    motion::{MotionEvent, Params},
    wire::labelled::Meta,
};
use anyhow::Result;
use std::path::Path;

/// Share of lost samples that leaves a repetition to be judged in this evaluation. The product's own is 0.02;
/// recordings whose logger wrote to its card four times a second lost a quarter, never a tenth of a second
/// at a time.
const LOST_SHARE: f64 = 0.3;

/// One recording after its pass.
pub(super) struct Material {
    pub meta: Meta,
    pub reps: Vec<Rep>,
    pub truth_reps: usize,
    pub exercise: String,
    pub side: TrainingSide,
    pub available: Vec<Metric>,
    pub sensors: Vec<Segment>,
    /// Session time 0 on the recording's clock, s.
    begin_s: f64,
}

/// Runs the stages over a recording.
pub(super) fn read(dir: &Path) -> Result<Material> {
    let folder = labelled_folder::read(dir, &Wishes::default())?;
    let params = Params {
        lost_share: LOST_SHARE,
        ..Params::default()
    };
    let Said { finals, events, .. } = run_with(&folder, &params)?;
    let mut material = Material {
        truth_reps: usize::try_from(folder.meta.truth.rep_count.unwrap_or(0)).unwrap_or(0),
        begin_s: super::super::recording::first_time(dir, &folder.meta)?,
        reps: finals,
        exercise: folder.meta.exercise.clone(),
        side: TrainingSide::Both,
        available: Vec::new(),
        sensors: folder.header.sensors.iter().map(|s| s.segment).collect(),
        meta: folder.meta,
    };
    for event in events {
        if let MotionEvent::SetStarted {
            exercise,
            side,
            available,
            ..
        } = event
        {
            (material.exercise, material.side, material.available) = (exercise, side, available);
        }
    }
    Ok(material)
}

impl Material {
    /// What was acted in the whole recording.
    pub fn form(&self) -> &str {
        self.meta.truth.form.as_deref().unwrap_or_default()
    }

    fn span(&self, rep: &Rep) -> (f64, f64) {
        (
            rep.start.seconds() + self.begin_s,
            rep.end.seconds() + self.begin_s,
        )
    }

    /// What each repetition was: the label of the labelled one it overlaps most, else of the phase it lies in.
    pub fn labels(&self) -> Vec<Option<String>> {
        let truth = &self.meta.truth;
        let spans: Vec<_> = self.reps.iter().map(|r| self.span(r)).collect();
        if truth.reps.is_empty() {
            let within = |(from, to): &(f64, f64)| {
                let middle = f64::midpoint(*from, *to);
                truth
                    .phases
                    .iter()
                    .find(|p| (p.from_s..p.to_s).contains(&middle))
                    .map(|p| p.label.clone())
            };
            return spans.iter().map(within).collect();
        }
        let pairs = matched(&truth.reps, &spans);
        let label = |span: &(f64, f64)| {
            let (labelled, _) = pairs.iter().find(|(_, found)| found == span)?;
            let of = |r: &&crate::wire::labelled::RepTruth| (r.start_s, r.end_s) == *labelled;
            truth.reps.iter().find(of)?.label.clone()
        };
        spans.iter().map(label).collect()
    }

    /// Labels of the labelled repetitions that nothing was counted for.
    pub fn not_counted(&self) -> Vec<String> {
        let spans: Vec<_> = self.reps.iter().map(|r| self.span(r)).collect();
        let pairs = matched(&self.meta.truth.reps, &spans);
        let counted = |from: f64, to: f64| pairs.iter().any(|(t, _)| *t == (from, to));
        self.meta
            .truth
            .reps
            .iter()
            .filter(|r| !counted(r.start_s, r.end_s))
            .filter_map(|r| r.label.clone())
            .collect()
    }
}
