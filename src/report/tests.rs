//! What the report must and must not say, on sessions written by hand.

use super::fixture::{self, one_set};
use super::{RepVerdict, SessionReport, html, text_summary};
use crate::model::{
    command::SetRole,
    event::{Event, Numbered},
    finding::{CheckKind, ContrastRow, LoadContrast, Verdict},
    metric::Metric,
    plan::TrainingSide,
    rep::Stage,
    session::Origin,
};

fn full() -> SessionReport {
    SessionReport::build(
        &fixture::header(Origin::Sensors),
        Some(&fixture::plan()),
        &fixture::session(),
        &fixture::traces(),
    )
}

fn of(events: &[Numbered]) -> SessionReport {
    SessionReport::build(
        &fixture::header(Origin::Sensors),
        Some(&fixture::plan()),
        events,
        &[],
    )
}

/// The page without its style sheet, which names every colour.
fn body(report: &SessionReport) -> String {
    let page = html(report);
    let style = page.find("</style>").expect("a style sheet");
    // The legend explains every shape; it is no verdict.
    let legend = page.find("class=\"legend\"").expect("a legend");
    let after = page[legend..].find("</p>").expect("the legend's end") + legend;
    format!("{}{}", &page[style..legend], &page[after..])
}

#[test]
fn the_terminal_summary_reads_well() {
    insta::assert_snapshot!(text_summary(&full()));
}

#[test]
fn only_what_the_pass_after_the_set_upheld_counts() {
    let report = full();
    let set = &report.sets[0];
    assert_eq!(set.reps, 12);
    assert_eq!(set.counts.total(), 12);
    assert_eq!(set.counts.outside, 1);
    assert_eq!(set.counts.no_data, 2);
    assert_eq!(
        report.status.stops, 4,
        "three repetitions and the heart rate"
    );
    assert_eq!(report.status.limit_reps, 3);
}

#[test]
fn a_set_that_never_ended_is_incomplete_and_not_judged() {
    let mut events = one_set(&[Verdict::Within; 5]);
    events.retain(|n| match &n.event {
        Event::Rep(r) => r.stage == Stage::Confirmed,
        Event::Finding(f) => f.stage == Stage::Confirmed,
        Event::Set(_) | Event::Closed { .. } => false,
        _ => true,
    });
    let report = of(&events);
    assert_eq!(report.sets[0].reps, 5);
    assert_eq!(report.sets[0].rep_verdicts, [RepVerdict::NotJudged; 5]);
    let page = body(&report);
    assert!(page.contains("never ended: incomplete"));
    assert!(page.contains("SESSION NOT CLOSED"));
}

#[test]
fn a_repetition_without_data_is_never_green() {
    let all_good = body(&of(&one_set(&[Verdict::Within; 4])));
    assert!(
        all_good.contains("tile within"),
        "green is there to be earned"
    );
    assert_eq!(all_good.matches("i class=\"within\"").count(), 4);

    let page = body(&of(&one_set(&[Verdict::Invalid; 4])));
    assert!(!page.contains("within\""), "no shape and no text in green");
    assert!(!page.contains("#16803D"), "no green in a picture");
    assert_eq!(page.matches("i class=\"no_data\"").count(), 4);
    assert!(page.contains("no data"));

    let one_missing = body(&of(&one_set(&[Verdict::Within, Verdict::Invalid])));
    assert!(!one_missing.contains("tile within"));
    assert!(!one_missing.contains("mark within"));
    assert_eq!(one_missing.matches("i class=\"within\"").count(), 1);
}

#[test]
fn without_a_plan_nothing_is_judged_and_the_page_says_so() {
    let mut events = one_set(&[Verdict::Within; 3]);
    events.retain(|n| !matches!(n.event, Event::Finding(_)));
    let header = fixture::header(Origin::Sensors);
    let report = SessionReport::build(&header, None, &events, &[]);
    let page = body(&report);
    assert!(page.contains("NO PLAN - limits not checked"));
    assert!(!page.contains("within\""));
    assert_eq!(report.charts.len(), 1, "measured values are still shown");
    assert!(text_summary(&report).contains("NO PLAN - limits not checked"));
}

#[test]
fn hostile_strings_stay_text() {
    let hostile = "<script>alert('x')</script>\"&";
    let mut header = fixture::header(Origin::Imported);
    header.client = hostile.to_owned();
    header.session.0 = hostile.to_owned();
    header.software = hostile.to_owned();
    header.sensors[0].alias = hostile.to_owned();
    let mut plan = fixture::plan();
    plan.title = hostile.to_owned();
    plan.avoid[0].trainer_text = hostile.to_owned();
    plan.exercises[0].id = hostile.to_owned();
    let mut events = fixture::session();
    for n in &mut events {
        match &mut n.event {
            Event::SetStarted {
                exercise, by_eye, ..
            } => {
                *exercise = hostile.to_owned();
                by_eye.push(hostile.to_owned());
            }
            Event::Set(s) => s.exercise = hostile.to_owned(),
            Event::Finding(f) if f.kind == CheckKind::Watch => f.code = hostile.to_owned(),
            _ => {}
        }
    }
    let page = html(&SessionReport::build(
        &header,
        Some(&plan),
        &events,
        &fixture::traces(),
    ));
    assert!(!page.contains("<script"));
    assert!(page.contains("&lt;script&gt;"));
}

#[test]
fn data_that_are_not_a_clients_say_so() {
    for (origin, word) in [
        (Origin::Simulated, "SIMULATED"),
        (Origin::Imported, "IMPORTED"),
    ] {
        let header = fixture::header(origin);
        let report = SessionReport::build(&header, None, &[], &[]);
        assert!(html(&report).contains(word));
        assert!(text_summary(&report).contains(word));
    }
    assert!(!html(&full()).contains("SIMULATED"));
}

#[test]
fn the_page_needs_nothing_from_outside_and_runs_nothing() {
    let page = html(&full());
    for forbidden in ["<script", "<link", "<img", "url(", "@import", "javascript:"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let loads = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!loads.contains("http://") && !loads.contains("https://"));
}

#[test]
fn values_come_with_their_error_and_denominators_are_named() {
    let page = body(&full());
    assert!(page.contains("79 ± 4°"));
    assert!(page.contains("7 within, 1 with watch items, 1 unsure, 1 outside, 2 no data of 12"));
    assert!(page.contains("12 not judged of 30"));
    assert!(page.contains("lost 1x, 40.2 s without data"));
}

#[test]
fn the_same_session_gives_the_same_bytes() {
    assert_eq!(html(&full()), html(&full()));
}

#[test]
fn words_that_the_product_avoids_are_absent_from_the_page() {
    let page = body(&full()).to_lowercase();
    let footer = page.find("<footer").expect("a footer");
    for word in [
        "diagnos", "injur", "unsafe", "risk", "cleared", "abnormal", "wrong",
    ] {
        assert!(!page[..footer].contains(word), "{word}");
    }
}

#[test]
fn what_appears_only_under_load_has_a_table_of_its_own() {
    let row = |metric, lighter, loaded, appears| ContrastRow {
        metric,
        feature: "max".to_owned(),
        lighter,
        loaded,
        detectable: 5.0,
        reps: 4,
        departing: if appears { 4 } else { 0 },
        appears,
    };
    let contrast = |rows| LoadContrast {
        set: 1,
        exercise: "squat".to_owned(),
        side: TrainingSide::Left,
        load_kg: 20.0,
        lighter_kg: None,
        accepted_by: "T-01".to_owned(),
        rows,
    };
    let with = |contrast: LoadContrast| {
        let mut events = one_set(&[Verdict::Within; 4]);
        events.push(Numbered {
            event: Event::LoadContrast(contrast),
            ..events[0].clone()
        });
        of(&events)
    };
    let trunk = row(Metric::TrunkForwardTilt, 30.0, 45.0, true);
    let knee = row(Metric::KneeFlexion, 80.0, 81.0, false);
    let report = with(contrast(vec![trunk, knee.clone()]));
    let text = text_summary(&report);
    let line = "trunk forward inclination 45° instead of 30°, apart in 4 of 4";
    assert!(text.contains(line), "{text}");
    assert!(!text.contains("knee flexion 81"), "{text}");
    let page = body(&report);
    assert!(page.contains("Only under load") && page.contains("apart in 4 of 4"));
    let text = text_summary(&with(contrast(vec![knee])));
    assert!(
        text.contains("20 kg against no load: nothing of 1 metrics"),
        "{text}"
    );
    assert!(!body(&of(&one_set(&[Verdict::Within; 4]))).contains("Only under load"));
}

#[test]
fn a_baseline_that_was_refused_is_none() {
    let mut events = one_set(&[Verdict::Within; 2]);
    for n in &mut events {
        if let Event::Set(summary) = &mut n.event {
            summary.role = SetRole::Baseline {
                accepted_by: "T-01".to_owned(),
            };
        }
    }
    events.push(Numbered {
        event: Event::BaselineRefused {
            set: 1,
            reps: 2,
            needed: 3,
        },
        ..events[0].clone()
    });
    let report = of(&events);
    let text = text_summary(&report);
    assert!(
        text.contains("no baseline: 2 valid repetitions, 3 are needed"),
        "{text}"
    );
    assert!(body(&report).contains("no baseline: 2 valid reps of 3"));
}
