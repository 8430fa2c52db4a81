//! Reading a recording record by record: one that is still written, or larger than memory should be.
//! What is believed is what [`super::read`] believes; the first thing that is not whole ends the reading.

use super::{
    Item, RecordingError,
    read::{Damage, FILE_ENDS, Reader},
};
use crate::model::session::SessionHeader;
use mcap::{MAGIC, records::op};
use std::{
    io::{self, Read},
    vec::IntoIter,
};

/// No record is larger: a length beyond is damage.
const LARGEST_RECORD: u64 = 1 << 28;
/// What was being written when a process was killed is no longer than this: chunks are written several times a second. A
/// longer record that is cut has a damaged length.
const LONGEST_TAIL: u64 = 1 << 20;
/// Operation code and length.
const RECORD_HEAD: usize = 9;

/// How a recording ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With its closing record.
    Whole,
    /// In the middle: whoever wrote it was killed, or writes it still.
    Torn,
    /// Bytes in it changed: what lies behind them is not read.
    Damaged,
    /// The disk does not give what comes next.
    Unreadable(String),
}

/// The items of a recording, one after the other.
pub struct Items<R> {
    input: R,
    reader: Reader,
    ready: IntoIter<Item>,
    header: SessionHeader,
    first: bool,
    end: Option<End>,
}

impl<R: Read> Items<R> {
    /// Reads up to the header and the plan.
    ///
    /// # Errors
    /// It is no recording, or ends before its header.
    pub fn open(mut input: R) -> Result<Self, RecordingError> {
        let mut magic = Vec::new();
        let read = input
            .by_ref()
            .take(MAGIC.len() as u64)
            .read_to_end(&mut magic);
        if read.is_ok() && magic.is_empty() {
            return Err(RecordingError::Empty);
        }
        if magic != MAGIC {
            return Err(RecordingError::NotMcap(magic));
        }
        let mut reader = Reader::default();
        let (mut first, mut offset) = (true, MAGIC.len() as u64);
        while reader.header_json.is_none() {
            let no_header = |reason| RecordingError::NoHeader(Damage { offset, reason });
            let (op, body) = match record(&mut input) {
                Ok(Next::Record(op, body)) => (op, body),
                Ok(Next::Nothing | Next::Cut) => return Err(no_header(FILE_ENDS.to_owned())),
                Ok(Next::Nonsense) => return Err(no_header("a record is too long".to_owned())),
                Err(e) => return Err(no_header(e.to_string())),
            };
            reader.record(op, &body, first).map_err(no_header)?;
            first = false;
            offset += (RECORD_HEAD + body.len()) as u64;
        }
        let json = reader.header_json.as_deref().unwrap_or_default();
        let header =
            serde_json::from_slice(json).map_err(|e| RecordingError::Header(e.to_string()))?;
        Ok(Self {
            input,
            ready: std::mem::take(&mut reader.items).into_iter(),
            reader,
            header,
            first,
            end: None,
        })
    }

    /// Who, which sensors where.
    #[must_use]
    pub fn header(&self) -> &SessionHeader {
        &self.header
    }

    /// The plan file, as it was.
    #[must_use]
    pub fn plan_text(&self) -> Option<&str> {
        self.reader.plan_text.as_deref()
    }

    /// How it ends; [`End::Torn`] as long as not all of it was taken.
    #[must_use]
    pub fn end(&self) -> End {
        self.end.clone().unwrap_or(End::Torn)
    }

    /// The next chunk's items; how it ends, at its end.
    fn more(&mut self) -> Option<End> {
        let (op, body) = match record(&mut self.input) {
            Ok(Next::Record(op, body)) => (op, body),
            Ok(Next::Nothing | Next::Cut) => return Some(End::Torn),
            Ok(Next::Nonsense) => return Some(End::Damaged),
            Err(e) => return Some(End::Unreadable(e.to_string())),
        };
        let sound = self.reader.record(op, &body, self.first).is_ok();
        self.first = false;
        // What was read before the damage is sound.
        self.ready = std::mem::take(&mut self.reader.items).into_iter();
        if sound {
            (op == op::FOOTER).then_some(End::Whole)
        } else {
            Some(self.end_at_damage())
        }
    }

    /// What is not whole and the last of all was being written.
    fn end_at_damage(&mut self) -> End {
        match record(&mut self.input) {
            Ok(Next::Record(op::HEADER..=op::DATA_END, _) | Next::Nonsense) => End::Damaged,
            Ok(_) => End::Torn,
            Err(e) => End::Unreadable(e.to_string()),
        }
    }
}

impl<R: Read> Iterator for Items<R> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.ready.next() {
                return Some(item);
            }
            if self.end.is_some() {
                return None;
            }
            self.end = self.more();
        }
    }
}

/// What comes next in a file.
enum Next {
    /// A whole record: operation code, body.
    Record(u8, Vec<u8>),
    /// The file ends.
    Nothing,
    /// The file ends within a record.
    Cut,
    /// A length that no record has.
    Nonsense,
}

fn record(input: &mut impl Read) -> io::Result<Next> {
    let mut head = Vec::with_capacity(RECORD_HEAD);
    input.take(RECORD_HEAD as u64).read_to_end(&mut head)?;
    let Some((op, rest)) = head.split_first() else {
        return Ok(Next::Nothing);
    };
    let Ok(len) = rest.try_into().map(u64::from_le_bytes) else {
        return Ok(Next::Cut);
    };
    if len > LARGEST_RECORD {
        return Ok(Next::Nonsense);
    }
    let mut body = Vec::new();
    input.take(len).read_to_end(&mut body)?;
    Ok(match body.len() {
        read if read as u64 == len => Next::Record(*op, body),
        _ if len > LONGEST_TAIL => Next::Nonsense,
        _ => Next::Cut,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::recording::{
        Writer,
        fixture::{PLAN, header, items},
        read,
    };
    use proptest::prelude::*;

    fn bytes() -> Vec<u8> {
        let mut writer = Writer::create(Vec::new(), &header(), Some(PLAN)).unwrap();
        for (i, item) in items(250).iter().enumerate() {
            writer.item(item).unwrap();
            if i % 10 == 9 {
                writer.flush().unwrap();
            }
        }
        writer.finish().unwrap().inner
    }

    #[test]
    fn the_same_items_header_and_plan() {
        let bytes = bytes();
        let stream = Items::open(&*bytes).unwrap();
        assert_eq!(stream.header(), &header());
        assert_eq!(stream.plan_text(), Some(PLAN));
        assert!(stream.eq(items(250)));
    }

    fn end(bytes: &[u8]) -> End {
        let mut stream = Items::open(bytes).unwrap();
        while stream.next().is_some() {}
        stream.end()
    }

    #[test]
    fn what_was_cut_is_told_from_what_was_damaged() {
        let whole = bytes();
        assert_eq!(end(&whole), End::Whole);
        assert_eq!(end(&whole[..whole.len() / 2]), End::Torn);
        let mut zeros = whole[..whole.len() / 2].to_vec();
        zeros.extend([0; 4096]);
        assert_eq!(end(&zeros), End::Torn, "a file system may leave zeros");
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 1;
        assert_eq!(end(&damaged), End::Damaged);
        let mut long = whole.clone();
        // The length of the second record.
        let second = MAGIC.len() + RECORD_HEAD + usize::from(whole[MAGIC.len() + 1]);
        long[second + 7] = 0xff;
        assert!(Items::open(&*long).is_err_and(|e| !e.holds_nothing()));
    }

    #[test]
    fn a_disk_that_gives_no_more_is_no_end() {
        struct Failing<'a>(&'a [u8]);
        impl Read for Failing<'_> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                if self.0.is_empty() {
                    return Err(io::Error::other("no more"));
                }
                self.0.read(out)
            }
        }
        let whole = bytes();
        let mut stream = Items::open(Failing(&whole[..whole.len() / 2])).unwrap();
        while stream.next().is_some() {}
        assert_eq!(stream.end(), End::Unreadable("no more".to_owned()));
    }

    #[test]
    fn a_file_without_its_header_holds_nothing() {
        let whole = bytes();
        for cut in [0, 5, MAGIC.len(), MAGIC.len() + 4, MAGIC.len() + 40] {
            assert!(
                Items::open(&whole[..cut]).is_err_and(|e| e.holds_nothing()),
                "{cut}"
            );
        }
        assert!(Items::open(&b"something"[..]).is_err_and(|e| !e.holds_nothing()));
    }

    proptest! {
        /// Cut or damaged anywhere: what is read is what the reader of whole files reads.
        #[test]
        fn it_believes_what_the_other_reader_believes(cut in 0.0..1.0f64, at in 0.0..1.0f64, flip in 0u8..3) {
            let mut bytes = bytes();
            let length = bytes.len();
            bytes.truncate((length as f64 * cut) as usize);
            let i = (bytes.len() as f64 * at) as usize;
            if let Some(byte) = bytes.get_mut(i) {
                *byte ^= flip << 3;
            }
            let streamed: Option<Vec<_>> = Items::open(&*bytes).ok().map(Iterator::collect);
            let whole = read(&bytes).ok().map(|r| r.items);
            prop_assert_eq!(streamed, whole);
        }
    }
}
