//! `plimsoll evaluate`: accuracy on labelled recordings, by the same stages as live.
//!
//! | file | what |
//! |---|---|
//! | `recording` | one recording against its truth |
//! | `angles` | joint angles of one side against an optical reference, and their bands |
//! | `hinges` | relative angle of two sensors on a mechanical hinge |
//! | `counts` | repetitions, their boundaries, and what was counted where nothing was to count |
//! | `form` | was a fault acted? |
//! | `heart` | intervals between beats, and known artefacts |
//! | `inclination` | "up" against a reference attitude |
//! | `rivals` | published ways to count, on the same samples |
//! | `score` | the comparisons |
//! | `table` | many recordings as a table |
//! | `tuned` | what a threshold was chosen on |

mod angles;
mod counts;
mod form;
mod heart;
mod hinges;
mod inclination;
mod recording;
mod rivals;
mod score;
mod table;
mod tuned;

use super::{Outcome, Usage, wire_vectors};
use crate::cli::out::{say, say_line};
use crate::wire::labelled::Meta;
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use score::Score;
use std::{
    collections::BTreeSet,
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
};
use table::People;
use tuned::tuned_on;

/// What the figures mean; shown by `--help`.
const METRICS: &str = "\
Metrics, one figure a recording:
  rep_count_live       repetitions that the live machine confirmed; truth = labelled number
  rep_count_final      repetitions after the pass over the whole set; truth = labelled number
  rep_count_recofit, rep_count_threshold  with --baseline: the same by published rivals, written anew
  false_reps           repetitions where nothing was to count: no exercise, walking, or nothing for 5 s and more
                       between labelled ones; false_reps_live: those that the live machine ever confirmed
  idle_time            min, how long that was
  rep_boundary_error   s, median distance of begin and end from the labelled ones
  rep_boundary_spread  s, the same after begins and ends are shifted by their median difference: a label may mean
                       another instant of the movement
  live_turn_delay      s, median time from the turn to the provisional repetition; windows of 0.1 s included
  live_end_delay       s, median time from the end to the confirmed repetition
  live_withdrawn       repetitions that were confirmed and taken back
  phase_error          s, median distance of the turn from the end of the reference angle
  angle_rmse           deg, knee flexion of one side within repetitions, after the set, against the optical
                       reference; both zeroed at the standing end of the repetitions
  angle_offset         deg, mean of the same difference without that zeroing
  rom_error            deg, root mean square error of the range of knee flexion per repetition
  hip_rom_error        deg, the same of hip flexion
  band_coverage_range  1 = the reference range of a knee or hip in one repetition lies in the stated 95 % band
  band_coverage_angle  the same of smallest, largest and turning angle, both zeroed at the standing end; the
                       zero's own part of the band is left out
  band_width_range     deg, half-width of that band
  hinge_rom_error      deg, root mean square error of the range per swing of a mechanical hinge, two sensors
  hinge_rom_error_live the same of the streaming filter
  hinge_rom_error_soft the same with both sensors on a soft mount
  hinge_angle_rmse     deg, relative angle on the hinge, without one constant offset
  band_coverage_hinge  1 = the reference range of one swing lies in the stated 95 % band
  rr_error             ms, median difference of an interval between beats from the electrocardiogram's
  rr_excluded          %, intervals that touch a flagged beat
  rmssd_error          %, variability (RMSSD) against that of the electrocardiogram
  rmssd_ectopic_error  %, median change when 15 of 420 beats are made 20 to 35 % early; rmssd_ectopic_worst: largest
  ectopic_excluded     %, of these early beats, those that were excluded
  rmssd_given          %, stretches with them in which a figure was still given
  inclination_rmse     deg, direction of \"up\" in the sensor against the reference attitude, live filter
  inclination_rmse_post  the same, after the set
  inclination_rmse_loss  the same, live, at about 95 Hz with 1 % of packets of 5 samples lost
  inclination_rmse_soft  the same, live, of further sensors on a segment: holds the wobble of their mounts
  form FAULT           a repetition: 1 = found faulty; truth 1 = the fault was acted, 0 = correct; against the person's
                       own correct repetitions; \"form any\" = all faults together
  wire_vector          1 = a packet decodes as its source states, 0 = it does not

Rows of recordings that a threshold was chosen on are marked (tuned on); figures of the others were in view.
Recordings are labelled folders (meta.json and tables), folders of these, or a wire_vectors.json.";

/// Arguments of `plimsoll evaluate`.
#[derive(Debug, clap::Args)]
#[command(after_help = METRICS)]
pub struct Args {
    /// Recordings, collections of them, or a wire_vectors.json.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// One JSON object a line: dataset, recording, metric, value, truth, unit.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// The table in Markdown.
    #[arg(long)]
    markdown: bool,
    /// Count by published rivals too, on the same recordings.
    #[arg(long)]
    baseline: bool,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let mut folders = Vec::new();
    let mut all = Evaluated::default();
    for path in &args.paths {
        if path.is_dir() {
            let before = folders.len();
            find(path, &mut folders)?;
            if folders.len() == before {
                return Err(Usage(format!(
                    "there is no labelled recording in {} (expected folders with a meta.json)",
                    path.display()
                ))
                .into());
            }
        } else if path.is_file() {
            all.vectors(path)?;
        } else {
            return Err(Usage(format!("there is nothing at {} (expected a labelled recording, a folder of them, or a wire_vectors.json)", path.display())).into());
        }
    }
    all.recordings(&folders, args.baseline);
    all.show(args)?;
    for failure in &all.failures {
        eprintln!("{failure}");
    }
    anyhow::ensure!(
        all.failures.is_empty(),
        "evaluate {} of {} recordings",
        all.failures.len(),
        folders.len()
    );
    Ok(Outcome::Done)
}

/// Folders with a `meta.json`, in order.
fn find(dir: &Path, out: &mut Vec<PathBuf>) -> Result<()> {
    if dir.join("meta.json").is_file() {
        out.push(dir.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(dir).with_context(|| format!("list {}", dir.display()))?;
    let mut below: Vec<_> = entries
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.is_dir())
        .collect();
    below.sort();
    below.iter().try_for_each(|p| find(p, out))
}

#[derive(Default)]
struct Evaluated {
    scores: Vec<Score>,
    people: People,
    failures: Vec<String>,
    notes: Vec<String>,
    /// Collection and recording.
    tuned: BTreeSet<(String, String)>,
}

impl Evaluated {
    fn recordings(&mut self, folders: &[PathBuf], baseline: bool) {
        let bar = bar(folders.len());
        let mut known: Vec<(PathBuf, Meta)> = Vec::new();
        for dir in folders {
            bar.inc(1);
            match recording::score(dir, baseline) {
                Ok((meta, scores)) => {
                    let person = meta
                        .subject
                        .clone()
                        .or_else(|| meta.group.clone())
                        .unwrap_or_else(|| meta.id.clone());
                    self.people
                        .insert((counts::EXACT.into(), meta.id.clone()), person.clone());
                    self.people
                        .insert((meta.dataset.clone(), meta.id.clone()), person);
                    if tuned_on(&meta) {
                        self.tuned.insert((meta.dataset.clone(), meta.id.clone()));
                    }
                    if scores.is_empty() {
                        self.notes.push(format!(
                            "{}/{}: no truth that is measured here",
                            meta.dataset, meta.id
                        ));
                    }
                    self.scores.extend(scores);
                    known.push((dir.clone(), meta));
                }
                Err(e) => self
                    .failures
                    .push(format!("failed to evaluate {}: {e:#}", dir.display())),
            }
        }
        bar.finish_and_clear();
        match form::score(&known) {
            Ok(scores) => self.scores.extend(scores),
            Err(e) => self
                .failures
                .push(format!("failed to evaluate form: {e:#}")),
        }
    }

    fn vectors(&mut self, path: &Path) -> Result<()> {
        let text = fs::read_to_string(path)
            .map_err(|e| Usage(format!("failed to read {}: {e}", path.display())))?;
        let scored =
            wire_vectors::score(&text).map_err(|e| Usage(format!("{}: {e}", path.display())))?;
        for v in scored {
            if !v.supported {
                self.notes.push(format!(
                    "wire_vectors/{}: family {} is not decoded yet",
                    v.id, v.device
                ));
                continue;
            }
            if !v.ok {
                self.notes
                    .push(format!("wire_vectors/{}: {}", v.id, v.detail));
            }
            self.people
                .insert(("wire_vectors".into(), v.id.clone()), v.device.clone());
            self.scores.push(Score {
                dataset: format!("wire_vectors/{}", v.device),
                recording: v.id,
                metric: "wire_vector",
                value: f64::from(u8::from(v.ok)),
                truth: Some(1.0),
                unit: "1",
            });
        }
        Ok(())
    }

    /// Recordings that something was tuned on as a collection of their own.
    fn set_apart(&self) -> (Vec<Score>, People) {
        let name = |dataset: &str, recording: &str| {
            let tuned = self
                .tuned
                .contains(&(dataset.to_owned(), recording.to_owned()));
            let mark = if tuned { " (tuned on)" } else { "" };
            format!("{dataset}{mark}")
        };
        let scores = self.scores.iter().map(|s| Score {
            dataset: name(&s.dataset, &s.recording),
            ..s.clone()
        });
        let people = self.people.iter().map(|((dataset, recording), person)| {
            (
                (name(dataset, recording), recording.clone()),
                person.clone(),
            )
        });
        (scores.collect(), people.collect())
    }

    fn show(&self, args: &Args) -> Result<()> {
        if args.json {
            for score in &self.scores {
                say_line(serde_json::to_string(score)?)?;
            }
            return Ok(());
        }
        let (scores, people) = self.set_apart();
        let text = if args.markdown {
            table::markdown(&scores, &people)
        } else {
            table::plain(&scores, &people)
        };
        say(text)?;
        for note in &self.notes {
            eprintln!("{note}");
        }
        Ok(())
    }
}

/// On stderr, only on a terminal.
fn bar(length: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} recordings, {eta} left") {
        bar.set_style(style);
    }
    bar
}
