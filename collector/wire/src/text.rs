//! Texts, mostly one JSON object, as records. A header counts at most 64 KiB, so a long text is split, and each part but
//! the last is flagged `TEXT_MORE_FOLLOWS`. Splits fall between characters.

use crate::record::Record;
use crate::records::{RECORD_META, TEXT_MORE_FOLLOWS, TextRecord};

/// What one record carries: a multiple of 8, and the whole record fits 16 bits.
const PART_BYTES: usize = 65_000;

/// The records of one text, each whole and ready for the spool.
pub fn split(kind: u32, at_ns: u64, text: &str) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_at(rest.floor_char_boundary(PART_BYTES));
        let bytes = (TextRecord::BYTES + part.len()).next_multiple_of(8);
        let mut record = TextRecord { at_ns, text_bytes: part.len() as u32, ..TextRecord::default() };
        record.header.bytes = bytes as u16;
        record.header.kind = kind as u8;
        record.header.flags = if after.is_empty() { 0 } else { TEXT_MORE_FOLLOWS as u8 };
        let mut whole = record.to_bytes().to_vec();
        whole.extend_from_slice(part.as_bytes());
        whole.resize(bytes, 0);
        records.push(whole);
        rest = after;
        if rest.is_empty() {
            return records;
        }
    }
}

/// A text with its parts put together again.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    pub kind: u32,
    pub at_ns: u64,
    pub text: String,
}

/// Puts texts together from records in the order of the file. A text whose last part is missing never comes out.
#[derive(Debug, Default)]
pub struct Joiner {
    pending: Option<(u32, u64, Vec<u8>)>,
}

impl Joiner {
    /// Takes the next record; gives the text that it completes. Records of the kernel's rings are none of its business. Invalid UTF-8 becomes U+FFFD.
    pub fn push(&mut self, record: &Record) -> Option<Text> {
        let kind = u32::from(record.header.kind);
        if kind < RECORD_META {
            return None;
        }
        let text = TextRecord::from_bytes(record.bytes)?;
        let end = TextRecord::BYTES.checked_add(usize::try_from(text.text_bytes).ok()?)?;
        let part = record.bytes.get(TextRecord::BYTES..end)?;
        let (_, at_ns, mut whole) =
            self.pending.take().filter(|(of, _, _)| *of == kind).unwrap_or((kind, text.at_ns, Vec::new()));
        whole.extend_from_slice(part);
        if text.header.has(TEXT_MORE_FOLLOWS) {
            self.pending = Some((kind, at_ns, whole));
            return None;
        }
        Some(Text { kind, at_ns, text: String::from_utf8_lossy(&whole).into_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Records;
    use crate::records::RECORD_MAPS;

    fn join(records: &[Vec<u8>]) -> Vec<Text> {
        let mut joiner = Joiner::default();
        let block = records.concat();
        Records::new(&block).filter_map(|(_, record)| joiner.push(&record)).collect()
    }

    #[test]
    fn a_text_comes_back_whatever_its_length() {
        for length in [0, 1, 7, 8, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES + 5] {
            let text: String = "aé漢😀".chars().cycle().take(length).collect();
            let records = split(RECORD_MAPS, 77, &text);
            assert_eq!(join(&records), [Text { kind: RECORD_MAPS, at_ns: 77, text }], "{length} characters");
        }
    }

    #[test]
    fn a_text_without_its_last_part_does_not_leak_into_the_next() {
        let mut records = split(RECORD_MAPS, 1, &"x".repeat(2 * PART_BYTES));
        records.pop();
        records.extend(split(RECORD_META, 2, "{}"));
        assert_eq!(join(&records), [Text { kind: RECORD_META, at_ns: 2, text: "{}".into() }]);
    }

    #[test]
    fn a_length_that_lies_is_refused() {
        let mut record = split(RECORD_META, 1, "hello").remove(0);
        record[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(join(&[record]), []);
    }
}
