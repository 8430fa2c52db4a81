//! Where sensors are worn, written back into the configuration file: only these values change, comments and order stay,
//! and after a power cut there is the old file or the new one.

use crate::model::body::Segment;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};
use toml_edit::{DocumentMut, Item, TableLike, Value};

/// Why places were not written.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The file.
    #[error("write {}: {reason}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// It is not what it was when the session began.
    #[error("write {}: {reason}", file.display())]
    Content {
        /// Which.
        file: PathBuf,
        /// What stands against it.
        reason: String,
    },
}

/// Writes where the sensors of these aliases are worn, and who saw them there.
///
/// # Errors
/// The file cannot be read or written, has no such sensor, or would not be a sound configuration afterwards.
pub fn write(
    file: &Path,
    places: &[(&str, Segment)],
    confirmed_by: &str,
) -> Result<(), PlaceError> {
    let failed = |reason| PlaceError::File {
        file: file.to_owned(),
        reason,
    };
    // A link stays a link: what it leads to is replaced.
    let target = fs::canonicalize(file).map_err(failed)?;
    let before = fs::read_to_string(&target).map_err(failed)?;
    let after = placed(&before, places, confirmed_by).map_err(|reason| PlaceError::Content {
        file: file.to_owned(),
        reason,
    })?;
    replace(&target, after.as_bytes()).map_err(failed)
}

/// The text of the configuration with these places in it.
fn placed(text: &str, places: &[(&str, Segment)], confirmed_by: &str) -> Result<String, String> {
    let mut document: DocumentMut = text
        .parse()
        .map_err(|e| format!("it does not parse: {e}"))?;
    for (alias, segment) in places {
        let table = sensors(&mut document)
            .into_iter()
            .find(|t| t.get("alias").and_then(Item::as_str) == Some(*alias))
            .ok_or_else(|| format!("it has no sensor called {alias:?} any more"))?;
        set(table, "segment", segment.as_str());
        set(table, "confirmed_by", confirmed_by);
    }
    let text = document.to_string();
    match super::parse(&text) {
        Ok(_) => Ok(text),
        Err(problems) => {
            let said: Vec<String> = problems.into_iter().map(|(_, said)| said).collect();
            Err(said.join("; "))
        }
    }
}

/// The tables of the sensors, however they are written.
fn sensors(document: &mut DocumentMut) -> Vec<&mut dyn TableLike> {
    match document.get_mut("sensors") {
        Some(Item::ArrayOfTables(tables)) => {
            let each = tables.iter_mut();
            each.map(|t| t as &mut dyn TableLike).collect()
        }
        Some(Item::Value(Value::Array(list))) => {
            let each = list.iter_mut().filter_map(Value::as_inline_table_mut);
            each.map(|t| t as &mut dyn TableLike).collect()
        }
        _ => Vec::new(),
    }
}

/// Changes a value and leaves what stands around it.
fn set(table: &mut dyn TableLike, key: &str, text: &str) {
    let mut value = Value::from(text);
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *value.decor_mut() = old.decor().clone();
    }
    table.insert(key, Item::Value(value));
}

/// Beside the target first, then in its place; its rights stay.
fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let temporary = target.with_file_name(format!(".{name}.tmp"));
    let written = File::create(&temporary).and_then(|mut file| {
        file.set_permissions(fs::metadata(target)?.permissions())?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, target)
    });
    if written.is_err() {
        // The error that matters is the first.
        let _ = fs::remove_file(&temporary);
        return written;
    }
    let folder = target.parent().unwrap_or(Path::new("/"));
    File::open(folder).and_then(|d| d.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# The gym's box\n[web]\nlisten = \"127.0.0.1:8460\" # only here\n\n\
        [[sensors]] # the blue one\nalias = \"one\"\ndriver = \"witmotion\"\nid = \"C0:FF:EE:00:00:01\"\n\
        segment = \"unplaced\" # nobody said\n\n\
        [[sensors]]\nalias = \"two\"\ndriver = \"witmotion\"\nid = \"C0:FF:EE:00:00:02\"\n\
        segment = \"shank_r\"\nconfirmed_by = \"R-07\"\nrate_hz = 50.0\n";

    #[test]
    fn only_the_places_change_and_comments_stay() {
        let worn = [("one", Segment::ShankR), ("two", Segment::ShankL)];
        let text = placed(FILE, &worn, "T \"x\"").unwrap();
        let expected = FILE
            .replace(
                "\"unplaced\" # nobody said\n",
                "\"shank_r\" # nobody said\nconfirmed_by = 'T \"x\"'\n",
            )
            .replace(
                "\"shank_r\"\nconfirmed_by = \"R-07\"",
                "\"shank_l\"\nconfirmed_by = 'T \"x\"'",
            );
        assert_eq!(text, expected);
        assert_eq!(
            super::super::parse(&text).unwrap().sensors[0].segment,
            Segment::ShankR
        );
    }

    #[test]
    fn what_would_be_no_sound_configuration_is_not_written() {
        let said = placed(FILE, &[("one", Segment::ShankR)], "T").unwrap_err();
        assert!(said.contains("both worn on shank_r"), "{said}");
        let said = placed(FILE, &[("three", Segment::ShankL)], "T").unwrap_err();
        assert!(said.contains("\"three\""), "{said}");
    }

    #[test]
    fn the_file_is_replaced_whole_and_keeps_its_rights() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("p.toml"), folder.path().join("link"));
        fs::write(&file, FILE).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, &[("one", Segment::ThighL)], "T").unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.contains("thigh_l") && text.contains("# the blue one"),
            "{text}"
        );
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(write(&folder.path().join("none"), &[], "T").is_err());
    }
}
