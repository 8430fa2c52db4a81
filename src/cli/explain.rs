//! `plimsoll explain`: one finding laid open, computed again from the recording, with the raw numbers behind it.

use super::{Outcome, Usage, input};
use crate::cli::out::say;
use crate::{
    config::plan::hex,
    model::{
        event::{Event, Numbered},
        finding::{Baseline, BaselineRow, Finding},
        metric::Metric,
        plan::{Plan, TrainingSide},
        rep::Rep,
        sample::{StreamId, StreamKind},
        session::{SessionHeader, SessionId},
        time::SessionNs,
    },
    pipeline::{
        analysis::Params,
        batch,
        evidence::{self, Excerpt},
    },
    report::{Again, Explanation, SetHead},
    rules,
    wire::{plan, recording::Item},
};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

/// Arguments of `plimsoll explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The finding: its number in the recording, or SESSION/NUMBER for a session of the store. The report and
    /// `plimsoll analyse RECORDING --events -` name the numbers.
    finding: Wanted,
    /// The session's recording (`.mcap`): the finding is computed again from it.
    #[arg(long, value_name = "FILE")]
    recording: Option<PathBuf>,
    /// Judge by this plan instead of the one in the recording.
    #[arg(long, value_name = "FILE", requires = "recording")]
    plan: Option<PathBuf>,
    /// Write the raw samples behind it as a table (CSV); `-` is stdout.
    #[arg(long, value_name = "FILE")]
    samples: Option<PathBuf>,
    /// Folder of the store.
    #[arg(long, value_name = "DIR", default_value = input::DATA_DIR)]
    data: PathBuf,
}

/// Which finding.
#[derive(Debug, Clone)]
struct Wanted {
    session: Option<SessionId>,
    id: u64,
}

impl std::str::FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (session, id) = match text.rsplit_once('/') {
            Some((session, id)) => (Some(SessionId(session.to_owned())), id),
            None => (None, text),
        };
        match id.parse() {
            Ok(id) if id > 0 => Ok(Self { session, id }),
            _ => Err(format!(
                "{text:?} names no finding (expected a number from 1, such as 12, or SESSION/12)"
            )),
        }
    }
}

/// A session with everything said about it.
struct Told {
    header: SessionHeader,
    plan: Option<Plan>,
    events: Vec<Numbered>,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let wanted = &args.finding;
    let played = args
        .recording
        .as_deref()
        .map(|p| play(args, p))
        .transpose()?;
    let stored = wanted
        .session
        .as_ref()
        .map(|s| stored(args, s))
        .transpose()?;
    // What was said when it was judged speaks for it; without that, what is said now.
    let Some(told) = stored.as_ref().or(played.as_ref().map(|p| &p.told)) else {
        return Err(Usage(format!(
            "finding {} of which session? (name the session as SESSION/{}, or its recording with --recording FILE)",
            wanted.id, wanted.id
        ))
        .into());
    };
    let (finding, again) = compare(wanted, stored.as_ref(), played.as_ref().map(|p| &p.told))?;
    let about = About::of(told, &finding);
    let excerpts = match (&played, about.span) {
        (_, None) => Vec::new(),
        (Some(played), Some(span)) => from_recording(played, &about, span)?,
        (None, Some(span)) => from_store(args, told, &about, span)?,
    };
    match args.samples.as_deref() {
        Some(path) if path.as_os_str() == "-" => say(table(&told.header, &excerpts))?,
        Some(path) => {
            input::write_whole(path, table(&told.header, &excerpts).as_bytes())?;
            eprintln!("wrote {}", path.display());
        }
        None => {}
    }
    if args.samples.as_deref().is_none_or(|p| p.as_os_str() != "-") {
        say(explanation(told, &finding, about, &excerpts, again)?.text())?;
    }
    Ok(match played {
        Some(played) if !played.whole => Outcome::DataLost,
        _ => Outcome::Done,
    })
}

/// A recording with what the analysis says of it now.
struct Played {
    told: Told,
    items: Vec<Item>,
    /// It was not cut short.
    whole: bool,
}

fn play(args: &Args, path: &Path) -> Result<Played> {
    let recording = input::recording(path)?;
    let whole = recording.complete;
    let play = input::play(recording, args.plan.as_deref())?;
    let plan = parse_plan(play.plan_text.as_deref())?;
    let events = batch::analyse(&Params::default(), &play.header, plan.as_ref(), &play.items)
        .context("analyse the recording")?;
    Ok(Played {
        told: Told {
            header: play.header.as_worn(&events),
            plan,
            events,
        },
        items: play.items,
        whole,
    })
}

fn explanation<'a>(
    told: &'a Told,
    finding: &'a Finding,
    about: About<'a>,
    excerpts: &[Excerpt],
    again: Again,
) -> Result<Explanation<'a>> {
    let evidence = about.span.map_or_else(Vec::new, |(from, to)| {
        let of = |e: &Excerpt| evidence::evidence(e, from, to);
        excerpts.iter().map(of).collect()
    });
    Ok(Explanation {
        header: &told.header,
        finding,
        sentence: rules::explain(finding),
        set: about.set,
        rep: about.rep,
        plan: told.plan.as_ref(),
        baseline: about.baseline,
        software: env!("CARGO_PKG_VERSION"),
        parameters_sha256: parameters_sha256()?,
        evidence,
        again,
    })
}

fn parse_plan(text: Option<&str>) -> Result<Option<Plan>> {
    let parsed = text.map(plan::parse).transpose().map_err(|_| {
        Usage("the plan inside the recording does not parse; name another with --plan".into())
    })?;
    Ok(parsed.map(|p| p.plan))
}

fn stored(args: &Args, session: &SessionId) -> Result<Told> {
    let store = input::store(&args.data)?;
    super::report::known(&store, session)?;
    let info = store.session(session)?;
    let events = store.events(session)?;
    Ok(Told {
        plan: parse_plan(info.plan_text.as_deref())?,
        header: info.header.as_worn(&events),
        events,
    })
}

fn parameters_sha256() -> Result<String> {
    let text = serde_json::to_string(&Params::default()).context("name the parameters")?;
    Ok(hex(&Sha256::digest(text.as_bytes())))
}

fn findings(told: &Told) -> impl Iterator<Item = &Finding> {
    told.events.iter().filter_map(|n| match &n.event {
        Event::Finding(f) => Some(f),
        _ => None,
    })
}

/// The finding, and whether it comes out again.
fn compare(wanted: &Wanted, stored: Option<&Told>, now: Option<&Told>) -> Result<(Finding, Again)> {
    let find = |told: &Told| findings(told).find(|f| f.id == wanted.id).cloned();
    let first = stored.or(now);
    let Some(finding) = first.and_then(find) else {
        let last = first.map_or(0, |t| findings(t).count());
        return Err(Usage(format!(
            "there is no finding {}: the session has {}",
            wanted.id,
            if last == 0 {
                "none".to_owned()
            } else {
                format!("findings 1 to {last}")
            }
        ))
        .into());
    };
    let again = match (stored, now) {
        (None, _) => Again::Computed,
        (Some(_), None) => Again::Stored,
        (Some(_), Some(now)) => match find(now) {
            Some(same) if same == finding => Again::Same,
            other => Again::Differs(other),
        },
    };
    Ok((finding, again))
}

/// What surrounds a finding.
struct About<'a> {
    set: Option<SetHead>,
    rep: Option<&'a Rep>,
    baseline: Option<(&'a Baseline, &'a BaselineRow)>,
    /// Time of the samples it rests on; `None` = a person typed it.
    span: Option<(SessionNs, SessionNs)>,
    streams: Vec<StreamId>,
}

/// A heart rate is judged by what came in so many nanoseconds before: 10 s.
const HEART_NS: i64 = 10_000_000_000;

impl<'a> About<'a> {
    fn of(told: &'a Told, f: &Finding) -> Self {
        let set = told.events.iter().find_map(|n| match &n.event {
            Event::SetStarted {
                set,
                exercise,
                side,
                load_kg,
                ..
            } if *set == f.set => Some(SetHead {
                exercise: exercise.clone(),
                side: *side,
                load_kg: *load_kg,
            }),
            _ => None,
        });
        let rep = told.events.iter().find_map(|n| match &n.event {
            Event::Rep(r) if (r.set, Some(r.number), r.stage) == (f.set, f.rep, f.stage) => Some(r),
            _ => None,
        });
        let side = set.as_ref().map_or(TrainingSide::Both, |s| s.side);
        Self {
            baseline: set.as_ref().and_then(|s| baseline(told, f, s)),
            span: span(told, f, rep),
            streams: streams(&told.header, f.metric, side),
            set,
            rep,
        }
    }
}

fn span(told: &Told, f: &Finding, rep: Option<&Rep>) -> Option<(SessionNs, SessionNs)> {
    match (f.metric, rep) {
        (Metric::Pain | Metric::Exertion | Metric::Symptoms | Metric::Load, _) => None,
        (Metric::HeartRate, _) => Some((SessionNs(f.t.0 - HEART_NS), SessionNs(f.t.0 + 1))),
        (_, Some(rep)) => Some((rep.start, rep.end)),
        (_, None) => told.events.iter().find_map(|n| match &n.event {
            Event::Set(s) if s.set == f.set => Some((s.start, s.end)),
            _ => None,
        }),
    }
}

/// Streams that a metric is measured on: of the segments it needs, else of everything that moves.
fn streams(header: &SessionHeader, metric: Metric, side: TrainingSide) -> Vec<StreamId> {
    let needed: Vec<_> = metric
        .facts()
        .parts
        .iter()
        .flat_map(|p| side.sides().iter().map(|s| p.on(*s)))
        .collect();
    let kinds: &[StreamKind] = if metric == Metric::HeartRate {
        &[StreamKind::HeartRate, StreamKind::Rr]
    } else {
        &[StreamKind::Imu, StreamKind::Acc]
    };
    header
        .devices()
        .filter(|(_, s)| needed.is_empty() || needed.contains(&s.segment))
        .flat_map(|(device, _)| {
            kinds.iter().map(move |kind| StreamId {
                device,
                kind: *kind,
            })
        })
        .collect()
}

/// The accepted baseline, and its row, that the thresholds of this finding are counted from.
fn baseline<'a>(
    told: &'a Told,
    f: &Finding,
    set: &SetHead,
) -> Option<(&'a Baseline, &'a BaselineRow)> {
    let usual = f.usual?;
    let earlier = told.header.baselines.iter();
    let here = told.events.iter().filter_map(|n| match &n.event {
        Event::Baseline(b) => Some(b),
        _ => None,
    });
    earlier
        .chain(here)
        .filter(|b| b.exercise == set.exercise && b.side == set.side)
        .flat_map(|b| b.rows.iter().map(move |row| (b, row)))
        .rfind(|(_, row)| row.metric == f.metric && row.centre.total_cmp(&usual).is_eq())
}

fn from_recording(
    played: &Played,
    about: &About,
    (from, to): (SessionNs, SessionNs),
) -> Result<Vec<Excerpt>> {
    let mut excerpts = Vec::new();
    batch::windows(&played.told.header, &played.items, |window| {
        evidence::gather(window, from, to, &mut excerpts);
    })
    .context("read the samples of the recording")?;
    excerpts.retain(|e| about.streams.contains(&e.stream));
    Ok(excerpts)
}

fn from_store(
    args: &Args,
    told: &Told,
    about: &About,
    (from, to): (SessionNs, SessionNs),
) -> Result<Vec<Excerpt>> {
    let store = input::store(&args.data)?;
    let mut excerpts = Vec::new();
    for stream in &about.streams {
        // The store's interval includes its end.
        let samples = store
            .stream(&told.header.session, *stream, from, SessionNs(to.0 - 1))
            .context("read the samples of the store")?;
        if !samples.is_empty() {
            excerpts.push(Excerpt {
                stream: *stream,
                first_sequence: None,
                samples,
            });
        }
    }
    Ok(excerpts)
}

/// The samples as a table: m/s² and rad/s, or the unit of the stream in the first value.
fn table(header: &SessionHeader, excerpts: &[Excerpt]) -> String {
    let mut out = String::from("segment,stream,sequence,t_s,v0,v1,v2,v3,v4,v5,quality\n");
    for e in excerpts {
        let segment = header
            .sensors
            .get(usize::from(e.stream.device.0))
            .map_or_else(String::new, |s| s.segment.to_string());
        for (i, s) in e.samples.iter().enumerate() {
            let sequence = e
                .first_sequence
                .map_or_else(String::new, |n| (n + i as u64).to_string());
            let _ = write!(
                out,
                "{segment},{},{sequence},{:.9}",
                e.stream.kind.as_str(),
                s.t.seconds()
            );
            for k in 0..6 {
                let _ = if k < e.stream.kind.channels() {
                    write!(out, ",{}", s.values[k])
                } else {
                    write!(out, ",")
                };
            }
            let _ = writeln!(out, ",{}", s.quality.0);
        }
    }
    out
}
