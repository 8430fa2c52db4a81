//! Figures of many recordings as one table: per collection and metric.

use super::score::{Score, quantile};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// A line of the table.
struct Line {
    dataset: String,
    metric: &'static str,
    recordings: usize,
    people: usize,
    text: String,
}

/// Which recordings belong to which person.
pub type People = BTreeMap<(String, String), String>;

fn lines(scores: &[Score], people: &People) -> Vec<Line> {
    let mut groups: BTreeMap<(&str, &'static str), Vec<&Score>> = BTreeMap::new();
    for score in scores {
        groups
            .entry((&score.dataset, score.metric))
            .or_default()
            .push(score);
    }
    groups
        .into_iter()
        .map(|((dataset, metric), list)| Line {
            dataset: dataset.to_owned(),
            metric,
            recordings: list
                .iter()
                .map(|s| &s.recording)
                .collect::<BTreeSet<_>>()
                .len(),
            people: list
                .iter()
                .filter_map(|s| people.get(&(s.dataset.clone(), s.recording.clone())))
                .collect::<BTreeSet<_>>()
                .len(),
            text: match metric {
                "false_reps" | "false_reps_live" => false_reps(dataset, &list, scores),
                _ => summary(metric, &list),
            },
        })
        .collect()
}

fn summary(metric: &str, list: &[&Score]) -> String {
    let n = list.len() as f64;
    let percent =
        |good: &dyn Fn(&Score) -> bool| 100.0 * list.iter().filter(|s| good(s)).count() as f64 / n;
    let miss = |s: &Score| (s.value - s.truth.unwrap_or(s.value)).abs();
    match metric {
        "rep_count_live" | "rep_count_final" | "rep_count_recofit" | "rep_count_threshold" => {
            format!(
                "exact {:.1} %, within 1 {:.1} %, mean absolute error {:.2}",
                percent(&|s| miss(s) < 0.5),
                percent(&|s| miss(s) < 1.5),
                list.iter().map(|s| miss(s)).sum::<f64>() / n
            )
        }
        "wire_vector" => format!(
            "{:.0} of {} decode as stated",
            list.iter().map(|s| s.value).sum::<f64>(),
            list.len()
        ),
        "band_coverage_range" | "band_coverage_angle" | "band_coverage_hinge" => format!(
            "{:.1} % of {} in the band",
            percent(&|s| s.value > 0.5),
            list.len()
        ),
        form_of if form_of.starts_with("form ") => form(list),
        "idle_time" => format!("{:.1} min", list.iter().map(|s| s.value).sum::<f64>()),
        _ => {
            let values: Vec<_> = list.iter().map(|s| s.value.abs()).collect();
            let unit = list.first().map_or("", |s| s.unit);
            let show = |share| {
                quantile(&values, share).map_or_else(String::new, |v| format!("{v:.3} {unit}"))
            };
            format!("median {}, 90 % below {}", show(0.5), show(0.9))
        }
    }
}

/// How many there were in how long.
fn false_reps(dataset: &str, list: &[&Score], all: &[Score]) -> String {
    let count: f64 = list.iter().map(|s| s.value).sum();
    let minutes: f64 = all
        .iter()
        .filter(|s| s.dataset == dataset && s.metric == "idle_time")
        .map(|s| s.value)
        .sum();
    format!(
        "{count:.0} in {minutes:.1} min: {:.2} in 5 min",
        5.0 * count / minutes.max(1e-9)
    )
}

/// 1 = a fault was found, against 1 = a fault was acted.
fn form(list: &[&Score]) -> String {
    let share = |acted: f64, found: f64| {
        let of: Vec<_> = list.iter().filter(|s| s.truth == Some(acted)).collect();
        let hit = of.iter().filter(|s| (s.value - found).abs() < 0.5).count();
        (hit, of.len())
    };
    let ((tp, faults), (tn, correct)) = (share(1.0, 1.0), share(0.0, 0.0));
    let rate = |hit: usize, of: usize| 100.0 * hit as f64 / of.max(1) as f64;
    let (sensitivity, specificity) = (rate(tp, faults), rate(tn, correct));
    format!(
        "found {sensitivity:.1} % of {faults} faulty, left alone {specificity:.1} % of {correct} correct, balanced accuracy {:.1} %",
        0.5 * (sensitivity + specificity)
    )
}

/// Aligned for a terminal.
pub fn plain(scores: &[Score], people: &People) -> String {
    let lines = lines(scores, people);
    let width =
        |cell: fn(&Line) -> usize, head: usize| lines.iter().map(cell).max().unwrap_or(0).max(head);
    let (w1, w2) = (width(|l| l.dataset.len(), 7), width(|l| l.metric.len(), 6));
    let mut out = format!(
        "{:w1$}  {:w2$}  recordings  people  result\n",
        "dataset", "metric"
    );
    for l in &lines {
        let _ = writeln!(
            out,
            "{:w1$}  {:w2$}  {:10}  {:6}  {}",
            l.dataset, l.metric, l.recordings, l.people, l.text
        );
    }
    out
}

/// For a README.
pub fn markdown(scores: &[Score], people: &People) -> String {
    let mut out = String::from(
        "| dataset | metric | recordings | people | result |\n|---|---|---|---|---|\n",
    );
    for l in lines(scores, people) {
        let _ = writeln!(
            out,
            "| {} | `{}` | {} | {} | {} |",
            l.dataset, l.metric, l.recordings, l.people, l.text
        );
    }
    out
}
