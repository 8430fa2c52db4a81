//! Reading a recording record by record: one that is still written, or larger than memory should be.
//! What is believed is what [`super::read`] believes; the first thing that is not whole ends the reading.

use super::{
    Item, RecordingError,
    read::{Damage, Reader},
};
use crate::model::session::SessionHeader;
use mcap::{MAGIC, records::op};
use std::{
    io::{self, Read},
    vec::IntoIter,
};

/// No record is larger: a length beyond is damage.
const LARGEST_RECORD: u64 = 1 << 28;
/// Operation code and length.
const RECORD_HEAD: usize = 9;

/// The items of a recording, one after the other.
pub struct Items<R> {
    input: R,
    reader: Reader,
    ready: IntoIter<Item>,
    header: SessionHeader,
    first: bool,
    over: bool,
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
                Ok(Some(record)) => record,
                Ok(None) => return Err(no_header("the file ends".to_owned())),
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
            over: false,
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

    /// The next chunk's items; false at the end, or at what is not whole.
    fn more(&mut self) -> bool {
        let Ok(Some((op, body))) = record(&mut self.input) else {
            return false;
        };
        let sound = self.reader.record(op, &body, self.first).is_ok();
        self.first = false;
        self.ready = std::mem::take(&mut self.reader.items).into_iter();
        // What was read before the damage is sound.
        sound && op != op::FOOTER || self.ready.len() > 0
    }
}

impl<R: Read> Iterator for Items<R> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.ready.next() {
                return Some(item);
            }
            if self.over || !self.more() {
                self.over = true;
                return None;
            }
        }
    }
}

/// The next record, if it is whole.
fn record(input: &mut impl Read) -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut head = [0; RECORD_HEAD];
    if let Err(e) = input.read_exact(&mut head) {
        return match e.kind() {
            io::ErrorKind::UnexpectedEof => Ok(None),
            _ => Err(e),
        };
    }
    let [op, len @ ..] = head;
    let len = u64::from_le_bytes(len);
    if len > LARGEST_RECORD {
        return Ok(None);
    }
    let mut body = Vec::new();
    input.take(len).read_to_end(&mut body)?;
    Ok((body.len() as u64 == len).then_some((op, body)))
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
