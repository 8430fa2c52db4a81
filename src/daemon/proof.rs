//! That names are nowhere in a folder: every byte of every file, and every file's name, is searched.
//!
//! A place counts where the name stands by itself: no letter, digit, `-` or `_` on either side. A short name, which bytes
//! that are no text spell by chance, counts where it stands in text. What stands within longer words is counted apart.

use aho_corasick::{AhoCorasick, MatchKind};
use anyhow::{Context, Result};
use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

/// Bytes read at a time.
const BLOCK: usize = 1 << 20;
/// Bytes kept on both sides of a place, to see what it stands in.
const AROUND: usize = 160;
/// A name this long is not spelled by chance.
const LONG: usize = 6;
/// Text around a shorter one.
const TEXT: usize = 8;
/// Places that are named; the rest is counted.
const NAMED: usize = 20;

/// What a search found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Files searched.
    pub files: u64,
    /// Bytes searched.
    pub bytes: u64,
    /// Where a name stands: file and byte, the first ones.
    pub places: Vec<String>,
    /// How many places.
    pub left: u64,
    /// Places where a name is part of a longer word.
    pub within_words: u64,
}

/// Searches everything below `dir` for `names`.
///
/// # Errors
/// A file that cannot be read: then nothing is proven.
pub fn search(dir: &Path, names: &[&str]) -> Result<Proof> {
    let finder = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .build(names)
        .context("search for these names")?;
    let mut search = Search {
        names,
        finder,
        proof: Proof::default(),
    };
    search.folder(dir)?;
    Ok(search.proof)
}

struct Search<'a> {
    names: &'a [&'a str],
    finder: AhoCorasick,
    proof: Proof,
}

impl Search<'_> {
    fn folder(&mut self, dir: &Path) -> Result<()> {
        let read = || format!("search {}", dir.display());
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(dir).with_context(read)? {
            paths.push(entry.with_context(read)?.path());
        }
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            self.block(&path, name, 0, 0..name.len(), "its name");
            let kind = fs::symlink_metadata(&path).with_context(read)?.file_type();
            if kind.is_dir() {
                self.folder(&path)?;
            } else if kind.is_file() {
                self.file(&path)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        let read = || format!("search {}", path.display());
        let mut file = File::open(path).with_context(read)?;
        self.proof.files += 1;
        let longest = self.names.iter().map(|n| n.len()).max().unwrap_or(0);
        let margin = AROUND + longest;
        // What was read and is still needed; `from` = its place in the file. Places that begin before `done` are found.
        let (mut kept, mut from, mut done) = (Vec::new(), 0_u64, 0_usize);
        loop {
            let before = kept.len();
            let got = file
                .by_ref()
                .take(BLOCK as u64)
                .read_to_end(&mut kept)
                .with_context(read)?;
            self.proof.bytes += got as u64;
            let last = kept.len() == before;
            // The end of a block is looked at again with what comes after it.
            let until = if last {
                kept.len()
            } else {
                kept.len().saturating_sub(margin).max(done)
            };
            self.block(path, &kept, from, done..until, "byte");
            if last {
                return Ok(());
            }
            let drop = until.saturating_sub(margin);
            kept.drain(..drop);
            from += drop as u64;
            done = until - drop;
        }
    }

    /// Places that begin in `range` of `bytes`, which begin at `from` in the file.
    fn block(
        &mut self,
        path: &Path,
        bytes: &[u8],
        from: u64,
        range: std::ops::Range<usize>,
        what: &str,
    ) {
        for found in self.finder.find_overlapping_iter(bytes) {
            let (start, end) = (found.start(), found.end());
            if !range.contains(&start) {
                continue;
            }
            match standing(bytes, start, end) {
                Standing::Chance => {}
                Standing::WithinWord => self.proof.within_words += 1,
                Standing::Alone => {
                    self.proof.left += 1;
                    if self.proof.places.len() < NAMED {
                        let name = self.names[found.pattern().as_usize()];
                        let at = if what == "byte" {
                            format!("byte {}", from + start as u64)
                        } else {
                            what.to_owned()
                        };
                        self.proof
                            .places
                            .push(format!("{}\t{at}\t{name}", path.display()));
                    }
                }
            }
        }
    }
}

/// How a name stands among its neighbours.
enum Standing {
    /// By itself.
    Alone,
    /// Part of a longer word.
    WithinWord,
    /// A few bytes that are no text.
    Chance,
}

fn standing(bytes: &[u8], start: usize, end: usize) -> Standing {
    let is_text = |b: &&u8| (0x20..0x7f).contains(*b);
    let before = bytes[..start].iter().rev().take(AROUND);
    let after = bytes[end..].iter().take(AROUND);
    let text = before.take_while(is_text).count() + after.take_while(is_text).count();
    // A whole that small is text by itself: the name of a file.
    if end - start < LONG && text < TEXT && text + end - start < bytes.len() {
        return Standing::Chance;
    }
    let word =
        |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_');
    if word(start.checked_sub(1).and_then(|i| bytes.get(i))) || word(bytes.get(end)) {
        Standing::WithinWord
    } else {
        Standing::Alone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(content: &[u8], names: &[&str]) -> Proof {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(folder.path().join("deep/file"), content).unwrap();
        search(folder.path(), names).unwrap()
    }

    #[test]
    fn a_name_counts_where_it_stands_by_itself() {
        for (text, left, within) in [
            (r#"{"client":"C-0001"}"#, 1, 0),
            (r#"{"client":"C-00012"}"#, 0, 1),
            (r#"{"session":"S-C-0001-2"}"#, 0, 1),
            ("C-0001", 1, 0),
            ("\u{1}C-0001\u{2}", 1, 0),
            ("c-0001", 0, 0),
        ] {
            let proof = found(text.as_bytes(), &["C-0001"]);
            assert_eq!((proof.left, proof.within_words), (left, within), "{text}");
            assert_eq!((proof.files, proof.bytes), (1, text.len() as u64));
        }
        // One name within another: both are found.
        let proof = found(b"S-C-0001 C-0001", &["C-0001", "S-C-0001"]);
        assert_eq!((proof.left, proof.within_words), (2, 1));
    }

    #[test]
    fn a_short_name_counts_in_text_only() {
        assert_eq!(found(b"\x80\x01C1\x02\xff", &["C1"]).left, 0);
        assert_eq!(found(br#"{"client":"C1"}"#, &["C1"]).left, 1);
    }

    #[test]
    fn names_of_files_and_folders_are_searched() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("C1")).unwrap();
        fs::write(folder.path().join("C1/S-1.mcap"), "").unwrap();
        let proof = search(folder.path(), &["C1", "S-1"]).unwrap();
        assert_eq!(proof.left, 2, "{proof:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Wherever blocks are cut.
        #[test]
        fn every_place_is_found_once(at in proptest::collection::btree_set(0_usize..300_000, 0..30), near in 0_usize..4) {
            // Places around the ends of blocks, and anywhere.
            let mut content = vec![b' '; 3 * BLOCK];
            let mut places: Vec<usize> = at.iter().map(|a| a * 10).collect();
            for block in 1..3 {
                places.push(block * BLOCK - near * 3);
            }
            places.sort_unstable();
            places.dedup_by(|a, b| a.abs_diff(*b) < 10);
            for place in &places {
                content[*place..*place + 6].copy_from_slice(b"C-0001");
            }
            prop_assert_eq!(found(&content, &["C-0001"]).left, places.len() as u64);
        }
    }
}
