//! Files that are never half-written: a temporary name beside the target, synced, renamed, and the
//! folder synced, so that after a power cut there is the old file, the new one, or none.

use super::StoreError;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// Makes a folder, its missing parents too, for this user only: sessions are health data.
pub(super) fn make_private_dir(dir: &Path) -> Result<(), StoreError> {
    if dir.is_dir() {
        return Ok(());
    }
    let ancestors = dir.ancestors().take_while(|a| !a.as_os_str().is_empty());
    let missing: Vec<&Path> = ancestors.take_while(|a| !a.is_dir()).collect();
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => StoreError::NotADirectory {
            path: dir.to_owned(),
        },
        _ => StoreError::file(dir, e),
    })?;
    missing.iter().try_for_each(|made| sync_parent(made))
}

/// The name of a file or folder is durable.
fn sync_parent(path: &Path) -> Result<(), StoreError> {
    // What is named without a folder lies in the working directory.
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    sync_dir(parent.unwrap_or(Path::new(".")))
}

/// The names in a folder are durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    let synced = File::open(dir).and_then(|d| d.sync_all());
    synced.map_err(|e| StoreError::file(dir, e))
}

/// Under which name a file is written before it gets its own; a process that is killed leaves it.
#[must_use]
pub fn temporary(name: &str) -> String {
    format!(".{name}.tmp")
}

/// Writes `bytes` as `dir/name`, replacing what was there.
///
/// # Errors
/// The folder cannot be written to. What was there is still there then.
pub fn write_whole(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let path = dir.join(name);
    let temporary = dir.join(temporary(name));
    let written = write_synced(&temporary, bytes).and_then(|()| fs::rename(&temporary, &path));
    if let Err(e) = written {
        // The error that matters is the first; a left-over is overwritten next time.
        let _ = fs::remove_file(&temporary);
        return Err(StoreError::file(&path, e));
    }
    sync_dir(dir)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        write_whole(folder.path(), "a", b"old").unwrap();
        // Where the temporary file should go there is a folder.
        fs::create_dir(folder.path().join(".a.tmp")).unwrap();
        write_whole(folder.path(), "a", b"new").unwrap_err();
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"old");
        fs::remove_dir(folder.path().join(".a.tmp")).unwrap();
        write_whole(folder.path(), "a", b"new").unwrap();
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        fs::write(&file, "x").unwrap();
        for dir in [file.clone(), file.join("b")] {
            let error = make_private_dir(&dir).unwrap_err();
            assert!(
                matches!(error, StoreError::NotADirectory { .. }),
                "{error:?}"
            );
        }
    }
}
