//! What several subcommands read or write: recordings, plans, the store; said clearly when it fails.

use super::Usage;
use crate::{
    config,
    daemon::plant::Play,
    source::replay::Speed,
    store::Store,
    wire::recording::{self, Recording},
};
use anyhow::{Context, Result};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// Where sessions are kept when nothing else is said.
pub const DATA_DIR: &str = "plimsoll-data";

/// A recording of ours, whole or up to its last whole chunk; a cut is said on stderr.
pub fn recording(path: &Path) -> Result<Recording> {
    let bytes = fs::read(path).map_err(|e| {
        Usage(format!(
            "failed to read the recording {}: {e}",
            path.display()
        ))
    })?;
    let recording = recording::read(&bytes).map_err(|e| {
        Usage(format!(
            "failed to open the recording {}: {e}",
            path.display()
        ))
    })?;
    if !recording.complete {
        eprintln!(
            "warning: {} was cut short: {} packets and commands are whole, {} bytes after them are not",
            path.display(),
            recording.items.len(),
            recording.discarded_bytes
        );
    }
    Ok(recording)
}

/// The plan of a file, checked for sense and for whether it may be used for `client` on `day`.
pub fn plan(path: &Path, client: &str, day: Option<&str>) -> Result<config::plan::LoadedPlan> {
    let loaded = config::plan::load(path).map_err(|e| Usage(e.to_string()))?;
    let day = day.unwrap_or(&loaded.plan.valid_from);
    crate::rules::arming(&loaded.plan, day, client).map_err(|reasons| {
        Usage(format!(
            "the plan {} cannot be used: {}",
            path.display(),
            reasons.join("; ")
        ))
    })?;
    Ok(loaded)
}

/// What a recording plays, with another plan if one is named.
pub fn play(recording: Recording, other_plan: Option<&Path>) -> Result<Play> {
    let Recording {
        mut header,
        mut plan_text,
        items,
        ..
    } = recording;
    if let Some(path) = other_plan {
        // The day of somebody else's recording is not known: any day of the plan will do.
        let imported = header.origin == crate::model::session::Origin::Imported;
        let day = header.started_at.get(..10).filter(|_| !imported);
        let loaded = plan(path, &header.client, day)?;
        header.plan_sha256 = Some(loaded.sha256);
        header.plan_label = Some(format!("{} v{}", loaded.plan.plan_id, loaded.plan.version));
        plan_text = Some(loaded.text);
    }
    Ok(Play {
        header,
        plan_text,
        items,
    })
}

/// A pseudonym that can stand in topics and file names.
pub fn client(text: &str) -> Result<String, String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if (1..=40).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?} is no pseudonym (expected 1 to 40 letters, digits, '-' or '_'; never a name)"
        ))
    }
}

/// `max`, or how many times as fast as it happened.
pub fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    match text.trim_end_matches(['x', '×']).parse::<f64>() {
        Ok(times) if times.is_finite() && times > 0.0 => Ok(Speed::Times(times)),
        _ => Err(format!(
            "{text:?} is no speed (expected a number above 0, such as 1 or 20, or max)"
        )),
    }
}

/// The store in `dir`, which must be there.
pub fn store(dir: &Path) -> Result<Store> {
    if !dir.is_dir() {
        return Err(Usage(format!("there is no store in {} (expected the folder that a session was stored in; --data names another)", dir.display())).into());
    }
    Store::open(dir).with_context(|| format!("open the store in {}", dir.display()))
}

/// Writes `text` to `path`, whole or not at all.
pub fn write_whole(path: &Path, text: &[u8]) -> Result<()> {
    let parent = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let name = path
        .file_name()
        .with_context(|| format!("write {}: it names no file", path.display()))?;
    let part: PathBuf = parent.join(format!(".{}.part", name.to_string_lossy()));
    let written = (|| {
        let mut file = fs::File::create(&part)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&part, path)
    })();
    written.map_err(|e| {
        let _ = fs::remove_file(&part);
        anyhow::Error::new(e).context(format!("write {}", path.display()))
    })
}
