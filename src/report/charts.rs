//! The values behind the charts: one chart for each limit of each exercise, straight from the
//! findings, so that the picture shows what was judged and nothing else.

use super::{
    facts::{Chart, ChartPoint},
    gather::{Gathered, SetFacts},
    set_rows::{shown_metric, value_at_turn},
};
use crate::model::finding::{CheckKind, Finding, Verdict};

/// Charts in the order of the session; without a plan, each exercise's own metric without a number.
pub(super) fn of(all: &Gathered, judged: bool) -> Vec<Chart> {
    let mut charts: Vec<Chart> = Vec::new();
    for (number, set) in &all.sets {
        let limits = set
            .findings
            .iter()
            .copied()
            .filter(|f| f.kind == CheckKind::Limit);
        let mut any = false;
        for f in limits {
            any = true;
            let chart = chart_for(&mut charts, set.exercise(), f);
            place(chart, f);
        }
        if !any && !judged {
            unjudged(&mut charts, *number, set);
        }
    }
    // A check that is by eye alone has nothing to draw; it stands in the list of what is by eye.
    let drawable = |p: &ChartPoint| p.verdict != Some(Verdict::NotAssessed);
    charts.retain(|c| c.points.iter().any(drawable));
    charts
}

fn chart_for<'c>(charts: &'c mut Vec<Chart>, exercise: &str, f: &Finding) -> &'c mut Chart {
    // The two ends of a limit are judged on different features (largest, smallest value): two charts.
    let same = |c: &Chart| {
        c.exercise == exercise && c.metric == f.metric && (c.min, c.max) == (f.min, f.max)
    };
    let at = charts.iter().position(same).unwrap_or_else(|| {
        charts.push(Chart {
            exercise: exercise.to_owned(),
            metric: f.metric,
            min: f.min,
            max: f.max,
            guard: f.guard,
            points: Vec::new(),
        });
        charts.len() - 1
    });
    &mut charts[at]
}

fn place(chart: &mut Chart, f: &Finding) {
    let Some(rep) = f.rep else { return };
    let point = ChartPoint {
        set: f.set,
        rep,
        value: f.value,
        error: f.error,
        verdict: Some(f.verdict),
    };
    match chart
        .points
        .iter_mut()
        .find(|p| p.set == f.set && p.rep == rep)
    {
        Some(old) if worse(old.verdict, f.verdict) => *old = point,
        Some(_) => {}
        None => chart.points.push(point),
    }
}

fn worse(old: Option<Verdict>, new: Verdict) -> bool {
    let rank = |v: Verdict| match v {
        Verdict::Within => 0,
        Verdict::Unsure => 1,
        Verdict::NotAssessed => 2,
        Verdict::Invalid => 3,
        Verdict::Outside => 4,
    };
    old.is_none_or(|o| rank(new) > rank(o))
}

fn unjudged(charts: &mut Vec<Chart>, number: u32, set: &SetFacts) {
    let Some(metric) = shown_metric(set) else {
        return;
    };
    let points = set.reps.iter().map(|(rep, facts)| {
        let value = value_at_turn(facts, metric);
        ChartPoint {
            set: number,
            rep: *rep,
            value: value.map(|v| v.0),
            error: value.map(|v| v.1),
            verdict: None,
        }
    });
    let same = |c: &Chart| c.exercise == set.exercise() && c.metric == metric;
    match charts.iter().position(same) {
        Some(at) => charts[at].points.extend(points),
        None => charts.push(Chart {
            exercise: set.exercise().to_owned(),
            metric,
            min: None,
            max: None,
            guard: 0.0,
            points: points.collect(),
        }),
    }
}
