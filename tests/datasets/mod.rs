//! Where the recordings of real people are: no part of the repository.

use std::path::{Path, PathBuf};

/// The folder that `PLIMSOLL_DATASETS` names, else `../shared/datasets`, or a sentence why there is none; where `CI` is
/// set their absence fails, unless `PLIMSOLL_DATASETS` is `none`.
pub fn datasets() -> Option<PathBuf> {
    let folder = std::env::var_os("PLIMSOLL_DATASETS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/datasets"),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    let said = format!(
        "no recordings in {}: set PLIMSOLL_DATASETS to their folder",
        folder.display()
    );
    let meant = folder.as_os_str() == "none";
    assert!(meant || std::env::var_os("CI").is_none(), "{said}");
    eprintln!("not run: {said}");
    None
}
