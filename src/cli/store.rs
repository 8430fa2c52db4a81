//! `plimsoll store`: what is kept, whether it is whole, and removing what should not be.

use super::{Outcome, Usage, input, migrate};
use crate::{
    cli::out::say_line,
    config,
    daemon::{clock::wall_now, keeping, recovery},
    store::{self, Act, Report, Retention, Store},
    wire::recording,
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Arguments of `plimsoll store`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check the checksums of everything stored and recorded; exit code 3 when something is missing or damaged.
    Verify(Data),
    /// Show how much is stored and how much room it takes.
    Stats(Data),
    /// Remove what is older than `[store.retention]` says; without days there nothing is removed.
    Retain(Retain),
    /// Remove a client, then search every byte of the folder for what is left.
    Erase(Erase),
    /// Move the samples of finished sessions to an InfluxDB, or back into the folder.
    Migrate(migrate::Args),
    /// Show who removed what.
    Audit(Data),
}

#[derive(Debug, clap::Args)]
struct Erase {
    /// Pseudonym of the client.
    #[arg(value_parser = input::client)]
    client: String,
    /// Who has it erased, for the audit.
    #[arg(long, value_name = "WHO", value_parser = input::client)]
    by: String,
    /// Also sessions that never ended here, because not all of them came.
    #[arg(long)]
    also_open: bool,
    /// The InfluxDB that samples went to is gone for good: it is not asked to remove them.
    #[arg(long)]
    server_is_gone: bool,
    #[command(flatten)]
    at: Data,
}

#[derive(Debug, clap::Args)]
struct Retain {
    /// The configuration file with `[store.retention]` and the store's folder.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the store, if not that of the configuration.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Only show what would go.
    #[arg(long)]
    dry_run: bool,
    /// Who has it removed, for the audit.
    #[arg(long, value_name = "WHO", default_value = "retention", value_parser = input::client)]
    by: String,
}

#[derive(Debug, clap::Args)]
struct Data {
    /// Folder of the store.
    #[arg(long, value_name = "DIR", default_value = input::DATA_DIR)]
    data: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Verify(at) => verify(&at.data),
        Command::Stats(at) => stats(&at.data),
        Command::Retain(args) => retain(args),
        Command::Erase(args) => erase(args),
        Command::Migrate(args) => migrate::run(args),
        Command::Audit(at) => audit(&at.data),
    }
}

fn verify(dir: &Path) -> Result<Outcome> {
    let store = input::store(dir)?;
    let mut said = Ok(());
    let all = store
        .verify_all(|session, report| {
            if said.is_ok() {
                said = say_report(&session.0, report);
            }
        })
        .with_context(|| format!("verify the store in {}", dir.display()))?;
    said?;
    for problem in &all.database {
        say_line(problem)?;
    }
    let mut problems = all.problems();
    for path in keeping::recordings(dir)? {
        problems += usize::from(!recording_is_sound(&path)?);
    }
    let sessions = all.sessions.len();
    say_line(format_args!("{sessions} sessions, {problems} problems"))?;
    Ok(if problems == 0 {
        Outcome::Done
    } else {
        Outcome::DataLost
    })
}

fn erase(args: &Erase) -> Result<Outcome> {
    let Erase {
        client,
        by,
        also_open,
        server_is_gone,
        at: Data { data },
    } = args;
    if by == client {
        return Err(
            Usage("--by: expected who erases the client, not the client".to_owned()).into(),
        );
    }
    let mut store = input::store(data)?;
    let now = wall_now();
    let act = Act {
        actor: by,
        at: &now,
    };
    if *server_is_gone {
        for (session, _) in store.sessions_of(client)? {
            for place in store.forget_points(&session)? {
                let session = &session.0;
                say_line(format_args!(
                    "{session}\tnot removed from {place}, if it is there"
                ))?;
            }
        }
    }
    let erased = keeping::erase(&mut store, data, client, *also_open, act)?;
    let keeping::Erased {
        sessions,
        recordings,
        proof,
    } = erased;
    say_line(format_args!(
        "erased: {sessions} sessions, {recordings} recordings"
    ))?;
    for place in &proof.places {
        say_line(format_args!("left\t{place}"))?;
    }
    let (files, bytes, within) = (proof.files, proof.bytes, proof.within_words);
    say_line(format_args!(
        "searched {files} files, {bytes} bytes, for the client and {sessions} sessions: {} places left, {within} within \
         longer words",
        proof.left
    ))?;
    say_line("backups and exports elsewhere are yours to remove")?;
    anyhow::ensure!(
        proof.left == 0,
        "prove that {client} is erased: {} places are left in {}",
        proof.left,
        data.display()
    );
    Ok(Outcome::Done)
}

fn say_report(session: &str, report: &Report) -> Result<()> {
    let Report {
        windows,
        samples,
        events,
        problems,
        removed,
    } = report;
    let state = if problems.is_empty() {
        "whole"
    } else {
        "NOT WHOLE"
    };
    say_line(format_args!(
        "{session}\t{state}\t{windows} windows\t{samples} samples\t{events} events"
    ))?;
    for line in removed.iter().chain(problems) {
        say_line(format_args!("{session}\t{line}"))?;
    }
    Ok(())
}

/// Says how a recording is. One whose process was killed and all of whose bytes can be read has nothing missing.
fn recording_is_sound(path: &Path) -> Result<bool> {
    let name = path.display();
    if recovery::is_written(path) {
        say_line(format_args!("{name}\tis being written, not checked"))?;
        return Ok(true);
    }
    let bytes = fs::read(path).with_context(|| format!("read {name}"))?;
    let recording = match recording::read(&bytes) {
        Ok(recording) => recording,
        Err(e) => {
            say_line(format_args!("{name}\tNOT WHOLE\t{e}"))?;
            return Ok(false);
        }
    };
    let items = recording.items.len();
    let sound = recording.discarded_bytes == 0;
    if recording.complete {
        say_line(format_args!("{name}\twhole\t{items} items"))?;
    } else if sound {
        say_line(format_args!(
            "{name}\twhole up to where it was cut short\t{items} items"
        ))?;
    } else {
        let why = recording.damage.map(|d| d.to_string()).unwrap_or_default();
        let rest = recording.discarded_bytes;
        say_line(format_args!(
            "{name}\tNOT WHOLE\t{items} items, then {rest} bytes that cannot be read: {why}"
        ))?;
    }
    Ok(sound)
}

fn stats(dir: &Path) -> Result<Outcome> {
    let store: Store = input::store(dir)?;
    let asked = || format!("measure the store in {}", dir.display());
    let all = store.stats().with_context(asked)?;
    let recorded = keeping::recordings(dir)?;
    let recorded_bytes = store::size(&dir.join("recordings")).with_context(asked)?;
    let rows = [
        ("schema", all.schema.cast_unsigned()),
        ("clients", all.clients),
        ("sessions", all.sessions),
        ("sessions open", all.open_sessions),
        ("sessions archived", all.compacted_sessions),
        ("windows", all.windows),
        ("events", all.events),
        ("samples in the database", all.samples_in_database),
        ("samples in Parquet", all.samples_in_files),
        ("samples at InfluxDB", all.samples_away),
        ("samples still to go there", all.samples_waiting),
        ("samples refused there", all.samples_refused),
        ("recordings", recorded.len() as u64),
        ("database, bytes", all.database_bytes),
        ("Parquet, bytes", all.files_bytes),
        ("recordings, bytes", recorded_bytes),
        ("free on the disk, bytes", all.free_bytes),
    ];
    for (what, number) in rows {
        say_line(format_args!("{what}\t{number}"))?;
    }
    Ok(Outcome::Done)
}

fn retain(args: &Retain) -> Result<Outcome> {
    let config = config::load(args.config.as_deref()).map_err(|e| Usage(e.to_string()))?;
    let dir = args.data.as_ref().unwrap_or(&config.store.dir);
    let retention = config.store.retention;
    if retention == Retention::default() {
        say_line("nothing is removed: [store.retention] names no days")?;
        return Ok(Outcome::Done);
    }
    let mut store = input::store(dir)?;
    let at = wall_now();
    let act = Act {
        actor: &args.by,
        at: &at,
    };
    let retained = keeping::retain(&mut store, dir, &retention, act, args.dry_run)?;
    let lines = retained.gone.iter().chain(&retained.kept);
    for line in lines.chain(&retained.failed) {
        say_line(line)?;
    }
    let (count, how) = (
        retained.gone.len(),
        if args.dry_run { "would go" } else { "removed" },
    );
    say_line(format_args!("{count} {how}"))?;
    let failed = retained.failed.len();
    anyhow::ensure!(
        failed == 0,
        "remove everything that is old: {failed} left, call it again"
    );
    Ok(Outcome::Done)
}

fn audit(dir: &Path) -> Result<Outcome> {
    for row in input::store(dir)?.audit()? {
        let store::AuditRow {
            number,
            at,
            actor,
            action,
            object,
            detail,
            ..
        } = row;
        say_line(format_args!(
            "{number}\t{at}\t{actor}\t{action}\t{object}\t{detail}"
        ))?;
    }
    Ok(Outcome::Done)
}
