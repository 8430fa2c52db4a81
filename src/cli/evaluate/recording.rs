//! One labelled recording through the same stages as live, and what came out against its truth.

use super::{angles, counts, heart, hinges, inclination, rivals, score::Score};
use crate::{
    cli::labelled_folder::{self, Folder, Wishes},
    model::{
        metric::Metric,
        rep::{Rep, SetSummary, Stage},
        sample::Sample,
        time::SessionNs,
    },
    motion::{Engine, MotionEvent, Params},
    pipeline::batch,
    wire::labelled::{Meta, table::Table},
};
use anyhow::{Context, Result};
use std::{fs, path::Path};

/// What the engine said about one recording.
#[derive(Default)]
pub(super) struct Said {
    pub finals: Vec<Rep>,
    pub sets: Vec<SetSummary>,
    /// Time s, metric, value.
    pub trace: Vec<(f64, Metric, f64)>,
    pub events: Vec<MotionEvent>,
    pub samples: Vec<Sample>,
    /// When each event was told: the end of its window.
    pub told: Vec<SessionNs>,
}

/// Runs the stages over a recording.
pub(super) fn run(folder: &Folder) -> Result<Said> {
    run_with(folder, &Params::default())
}

/// The same with other parameters.
pub(super) fn run_with(folder: &Folder, params: &Params) -> Result<Said> {
    let mut said = Said::default();
    let mut engine = Engine::new(params, &folder.header);
    let mut out = Vec::new();
    let mut end = None;
    batch::windows(&folder.header, &folder.items, |window| {
        for sample in window.batches.iter().flat_map(|b| &b.samples) {
            engine.push(sample, &mut out);
            said.samples.push(*sample);
        }
        for timed in &window.manifest.commands {
            engine.command(timed.t, &timed.command, &mut out);
        }
        engine.tick(window.manifest.end, &mut out);
        said.told.resize(out.len(), window.manifest.end);
        end = Some(window.manifest.end);
    })?;
    if let Some(end) = end {
        engine.finish(end, &mut out);
        said.told.resize(out.len(), end);
    }
    for event in out {
        match &event {
            MotionEvent::Rep(rep) if rep.stage == Stage::Final => said.finals.push(rep.clone()),
            MotionEvent::Set(set) => said.sets.push(set.clone()),
            MotionEvent::RepTrace { metric, points, .. } => {
                let known = points
                    .iter()
                    .filter_map(|(t, v)| Some((t.seconds(), *metric, (*v)?)));
                said.trace.extend(known);
            }
            _ => {}
        }
        said.events.push(event);
    }
    Ok(said)
}

/// All figures of the recording in `dir`; with `baseline` those of published rivals too.
pub(super) fn score(dir: &Path, baseline: bool) -> Result<(Meta, Vec<Score>)> {
    let mut wishes = Wishes::default();
    if !counts::is_exercise(&labelled_folder::meta(dir)?.exercise) {
        wishes.exercise = Some("none".into());
    }
    let folder = labelled_folder::read(dir, &wishes)?;
    let said = run(&folder).context("run the stages")?;
    let begin_s = first_time(dir, &folder.meta)?;
    let mut scores = Scores {
        meta: &folder.meta,
        list: Vec::new(),
    };
    counts::score(&said, begin_s, &mut scores);
    if baseline {
        rivals::score(&said.samples, &mut scores);
    }
    angles::score(dir, begin_s, &mut scores)?;
    hinges::score(dir, &folder, &said, begin_s, &mut scores)?;
    heart::score(dir, &said, begin_s, &mut scores)?;
    inclination::score(dir, &folder, &said.samples, begin_s, &mut scores)?;
    let list = scores.list;
    Ok((folder.meta, list))
}

/// The figures of one recording so far.
pub(super) struct Scores<'a> {
    pub meta: &'a Meta,
    pub list: Vec<Score>,
}

impl Scores<'_> {
    pub(super) fn add(
        &mut self,
        metric: &'static str,
        value: Option<f64>,
        truth: Option<f64>,
        unit: &'static str,
    ) {
        if let Some(value) = value {
            self.list.push(Score {
                dataset: self.meta.dataset.clone(),
                recording: self.meta.id.clone(),
                metric,
                value,
                truth,
                unit,
            });
        }
    }
}

/// Session time 0 on the recording's clock, s: the earliest row if that is before 0.
pub(super) fn first_time(dir: &Path, meta: &Meta) -> Result<f64> {
    let mut begin = 0.0_f64;
    for sensor in meta.sensors.iter().filter(|s| s.segment.is_some()) {
        if let Some(table) = table(&dir.join(&sensor.file))? {
            begin = begin.min(
                table
                    .column("t_s")
                    .and_then(|t| t.first().copied())
                    .unwrap_or(0.0),
            );
        }
    }
    Ok(begin)
}

/// A table that may be packed.
pub(super) fn first_table(dir: &Path, name: &str) -> Result<Option<Table>> {
    match table(&dir.join(name))? {
        Some(table) => Ok(Some(table)),
        None => table(&dir.join(format!("{name}.gz"))),
    }
}

/// The table of a file; `None` where there is no such file.
pub(super) fn table(file: &Path) -> Result<Option<Table>> {
    if !file.is_file() {
        return Ok(None);
    }
    let bytes = fs::read(file).with_context(|| format!("read {}", file.display()))?;
    Ok(Some(Table::read(&file.display().to_string(), &bytes)?))
}
