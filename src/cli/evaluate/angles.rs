//! Knee and hip angles of one side against an optical reference, and whether the stated bands hold. deg.
//!
//! The stages run once a side, because a set of both sides is measured as the union of the two. Measured and
//! reference are both zeroed at the standing end of the repetitions: the instant (start or turn) at which the
//! reference is smaller, median over the set.

use super::{
    recording::{Said, Scores, run, table},
    score::{at, quantile, rms},
};
use crate::{
    cli::labelled_folder::{self, Wishes},
    model::{
        exercise::exercise,
        metric::Metric,
        plan::TrainingSide,
        rep::{Measured, Rep},
    },
    wire::labelled::table::Table,
};
use anyhow::{Context, Result};
use std::path::Path;

/// A reference column.
struct Reference<'a> {
    times: &'a [f64],
    values: &'a [f64],
    valid: (f64, f64),
}

impl Reference<'_> {
    fn at(&self, t: f64) -> Option<f64> {
        let inside = (self.valid.0..=self.valid.1).contains(&t);
        at(self.times, self.values, t).filter(|_| inside)
    }

    /// Smallest and largest, with their times.
    fn ends(&self, from: f64, to: f64) -> Option<[(f64, f64); 2]> {
        let (from, to) = (from.max(self.valid.0), to.min(self.valid.1));
        let inside = || {
            let all = self.times.iter().copied().zip(self.values.iter().copied());
            all.filter(move |(t, _)| (from..=to).contains(t))
        };
        Some([
            inside().min_by(|a, b| a.1.total_cmp(&b.1))?,
            inside().max_by(|a, b| a.1.total_cmp(&b.1))?,
        ])
    }
}

/// One repetition on both clocks' common one: measured and reference.
struct Pair {
    min: (f64, f64),
    max: (f64, f64),
    turn: (f64, f64),
    /// At the standing end.
    stand: (f64, f64),
    /// Half-width of the band without the zero's part, which the zeroing takes away.
    range_error: f64,
}

/// Adds the figures of every side that the reference shows.
pub(super) fn score(dir: &Path, begin_s: f64, scores: &mut Scores<'_>) -> Result<()> {
    let Some(table) = table(&dir.join("truth_angle.csv"))? else {
        return Ok(());
    };
    for (side, letter) in sides(&table, &scores.meta.exercise) {
        let wishes = Wishes {
            side: Some(side),
            ..Wishes::default()
        };
        let folder = labelled_folder::read(dir, &wishes)?;
        let said = run(&folder).context("run the stages for one side")?;
        for (metric, joint) in [(Metric::KneeFlexion, "knee"), (Metric::HipFlexion, "hip")] {
            let column = table.column(&format!("{joint}_{letter}_deg"));
            let (Some(times), Some(values)) = (table.column("t_s"), column) else {
                continue;
            };
            let valid = scores.meta.truth.valid_s();
            let reference = Reference {
                times,
                values,
                valid: valid.unwrap_or((f64::NEG_INFINITY, f64::INFINITY)),
            };
            one(&said, metric, &reference, begin_s, scores);
        }
    }
    Ok(())
}

/// Sides with a reference; of an exercise of one side, the one that moves more.
fn sides(table: &Table, exercise_id: &str) -> Vec<(TrainingSide, char)> {
    let range = |letter: char| {
        let column = table.column(&format!("knee_{letter}_deg"))?;
        Some(quantile(column, 1.0)? - quantile(column, 0.0)?)
    };
    let known = [(TrainingSide::Left, 'l'), (TrainingSide::Right, 'r')];
    let mut found: Vec<_> = known
        .into_iter()
        .filter_map(|(side, letter)| Some((range(letter)?, (side, letter))))
        .collect();
    if exercise(exercise_id).is_some_and(|e| e.unilateral_only) {
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.truncate(1);
    }
    found.into_iter().map(|f| f.1).collect()
}

fn one(
    said: &Said,
    metric: Metric,
    reference: &Reference<'_>,
    begin_s: f64,
    scores: &mut Scores<'_>,
) {
    let pairs: Vec<Pair> = said
        .finals
        .iter()
        .filter_map(|rep| pair(rep, metric, reference, begin_s))
        .collect();
    let middle =
        |pick: fn(&Pair) -> f64| quantile(&pairs.iter().map(pick).collect::<Vec<_>>(), 0.5);
    let Some((zero, zero_ref)) = middle(|p| p.stand.0).zip(middle(|p| p.stand.1)) else {
        return;
    };
    if metric == Metric::KneeFlexion {
        course(said, metric, reference, begin_s, zero - zero_ref, scores);
    }
    let ranges: Vec<f64> = pairs
        .iter()
        .map(|p| (p.max.0 - p.min.0) - (p.max.1 - p.min.1))
        .collect();
    let name = if metric == Metric::KneeFlexion {
        "rom_error"
    } else {
        "hip_rom_error"
    };
    scores.add(name, rms(&ranges), None, "deg");
    for (pair, range) in pairs.iter().zip(&ranges) {
        let covered = |miss: f64, band: f64| Some(f64::from(u8::from(miss.abs() <= band)));
        let truth = Some(1.0);
        scores.add(
            "band_coverage_range",
            covered(*range, pair.range_error),
            truth,
            "1",
        );
        scores.add("band_width_range", Some(pair.range_error), None, "deg");
        for (measured, true_) in [pair.min, pair.max, pair.turn] {
            let miss = (measured - zero) - (true_ - zero_ref);
            scores.add(
                "band_coverage_angle",
                covered(miss, pair.range_error),
                truth,
                "1",
            );
        }
    }
}

fn pair(rep: &Rep, metric: Metric, reference: &Reference<'_>, begin_s: f64) -> Option<Pair> {
    let Measured::Value {
        min,
        max,
        at_turn,
        at_start,
        error,
        range_error,
        ..
    } = rep.measured(metric)?
    else {
        return None;
    };
    let (from, to) = (rep.start.seconds() + begin_s, rep.end.seconds() + begin_s);
    let [low, high] = reference.ends(from, to)?;
    let start = (at_start, reference.at(from)?);
    let turn = (at_turn, reference.at(rep.turn.seconds() + begin_s)?);
    Some(Pair {
        min: (min, low.1),
        max: (max, high.1),
        turn,
        stand: if start.1 < turn.1 { start } else { turn },
        range_error: range_error.unwrap_or(error),
    })
}

/// The whole course within repetitions, and the instants of the turns.
fn course(
    said: &Said,
    metric: Metric,
    reference: &Reference<'_>,
    begin_s: f64,
    zero: f64,
    scores: &mut Scores<'_>,
) {
    let errors: Vec<f64> = said
        .trace
        .iter()
        .filter(|(_, m, _)| *m == metric)
        .filter_map(|(t, _, v)| Some(v - reference.at(t + begin_s)?))
        .collect();
    let zeroed: Vec<f64> = errors.iter().map(|e| e - zero).collect();
    scores.add("angle_rmse", rms(&zeroed), None, "deg");
    let offset = errors.iter().sum::<f64>() / errors.len() as f64;
    scores.add(
        "angle_offset",
        Some(offset).filter(|o| o.is_finite()),
        None,
        "deg",
    );
    let turns: Vec<f64> = said
        .finals
        .iter()
        .filter_map(|rep| {
            let at = |t: crate::model::time::SessionNs| t.seconds() + begin_s;
            let [low, high] = reference.ends(at(rep.start), at(rep.end))?;
            // The turn is where the reference stands at one of its ends.
            Some(
                (at(rep.turn) - low.0)
                    .abs()
                    .min((at(rep.turn) - high.0).abs()),
            )
        })
        .collect();
    scores.add("phase_error", quantile(&turns, 0.5), None, "s");
}
