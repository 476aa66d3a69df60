//! The spool as a file: what is written comes back, whatever was cut off or changed is noticed, and nothing panics.

use wakechain_wire::record::Records;
use wakechain_wire::spool::{SpoolError, SpoolReader, SpoolWriter};
use wakechain_wire::text::Joiner;
use wakechain_wire::*;

/// A 64-bit linear congruential generator (Knuth's MMIX constants): the same bytes in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 17
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

fn switch(number: u64) -> Vec<u8> {
    let mut record =
        SwitchRecord { at_ns: number, prev_tid: number as u32, system_call: -1, ..SwitchRecord::default() };
    record.header = RecordHeader { bytes: SwitchRecord::BYTES as u16, kind: RECORD_SWITCH as u8, flags: 0, cpu: 1 };
    record.to_bytes().to_vec()
}

fn sample_spool(switches: u64) -> Vec<u8> {
    let mut writer = SpoolWriter::new(Vec::new(), 62).unwrap();
    writer.append_json(RECORD_META, 1, &serde_json::json!({ "host": "here", "long": "y".repeat(100_000) })).unwrap();
    writer.flush().unwrap();
    for number in 0..switches {
        writer.append(RING_SCHEDULER, (number % 2) as u32, &switch(number)).unwrap();
    }
    writer.append_json(RECORD_END, 9, &serde_json::json!({ "end_reason": "duration" })).unwrap();
    writer.finish().unwrap()
}

struct Content {
    switches: Vec<u64>,
    texts: Vec<String>,
    cut: bool,
    blocks: usize,
}

fn read(bytes: &[u8]) -> Result<Content, SpoolError> {
    let mut reader = SpoolReader::open(bytes)?;
    let mut content = Content { switches: Vec::new(), texts: Vec::new(), cut: false, blocks: 0 };
    let mut joiner = Joiner::default();
    let mut raw = Vec::new();
    while let Some(index) = reader.next_block(&mut raw)? {
        for (_, record) in Records::new(&raw) {
            if u32::from(record.header.kind) == RECORD_SWITCH {
                content.switches.extend(SwitchRecord::from_bytes(record.bytes).map(|record| record.at_ns));
            }
            content.texts.extend(joiner.push(&record).map(|text| text.text));
        }
        let first = raw.clone();
        reader.load(index, &mut raw)?;
        assert_eq!(first, raw, "a block reads the same twice");
    }
    content.cut = reader.cut().is_some();
    content.blocks = reader.blocks().len();
    content.switches.sort_unstable();
    Ok(content)
}

#[test]
fn everything_comes_back() {
    let content = read(&sample_spool(5000)).unwrap();
    assert_eq!(content.switches, (0..5000).collect::<Vec<_>>());
    assert_eq!(content.texts.len(), 2);
    assert_eq!(content.texts[0].len(), r#"{"host":"here","long":""}"#.len() + 100_000);
    assert!(!content.cut);
    assert!(content.blocks > 4, "several blocks for each CPU, {}", content.blocks);
}

#[test]
fn a_spool_cut_anywhere_is_sound_up_to_there() {
    let whole = sample_spool(5000);
    let mut last = 0;
    for length in (16..whole.len()).step_by(211) {
        let content = read(&whole[..length]).unwrap();
        assert!(content.switches.len() >= last, "a longer file holds no less");
        last = content.switches.len();
        assert!(content.cut || content.texts.len() < 2, "the end is missing, or the cut is reported");
    }
    assert!(last > 1000);
    for length in 0..16 {
        assert!(matches!(read(&whole[..length]), Err(SpoolError::NotASpool(_))));
    }
}

#[test]
fn a_changed_byte_is_noticed_and_ends_the_file() {
    let whole = sample_spool(5000);
    let mut random = Random(1);
    for _ in 0..300 {
        let mut changed = whole.clone();
        let at = 16 + 24 + random.below(changed.len() - 40);
        changed[at] ^= 1 << random.below(8);
        let content = read(&changed).unwrap();
        // a block's ring and CPU are only labels; every other byte counts
        let untouched = content.switches.len() == 5000 && content.texts.len() == 2;
        assert!(content.cut || untouched, "byte {at}");
    }
}

#[test]
fn no_bytes_make_the_reader_panic() {
    let whole = sample_spool(300);
    let mut random = Random(2);
    for _ in 0..3000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + random.below(6) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = random.next() as u8,
                1 => bytes.truncate(at.max(1)),
                2 => drop(bytes.splice(at..at, (0..random.below(40)).map(|_| 0xff))),
                _ => bytes[at..].iter_mut().take(8).for_each(|byte| *byte = 0xff),
            }
        }
        let _ = read(&bytes);
    }
}

#[test]
fn no_record_makes_its_reader_panic() {
    let mut random = Random(3);
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..random.below(400)).map(|_| random.next() as u8).collect();
        let mut joiner = Joiner::default();
        for (_, record) in Records::new(&bytes) {
            let _ = joiner.push(&record);
        }
        let _ = (
            SwitchDetailRecord::from_bytes(&bytes),
            UserStackRecord::from_bytes(&bytes),
            CallArgsRecord::from_bytes(&bytes),
        );
    }
}

#[test]
fn what_is_not_a_whole_record_is_refused() {
    let mut writer = SpoolWriter::new(Vec::new(), 62).unwrap();
    let good = switch(1);
    assert!(writer.append(RING_SCHEDULER, 0, &good[..40]).is_err());
    assert!(writer.append(RING_SCHEDULER, 0, &[]).is_err());
    assert!(writer.append(RING_CLASSES + 1, 0, &good).is_err());
    assert!(writer.append(RING_SCHEDULER, u32::MAX, &good).is_err());
    assert!(writer.append(RING_SCHEDULER, 0, &good).is_ok());
}

#[test]
fn another_format_is_named() {
    let mut bytes = sample_spool(1);
    bytes[8] = 99;
    assert!(matches!(read(&bytes), Err(SpoolError::Version { found: 99, .. })));
}

#[test]
fn a_full_disk_ends_writing_and_leaves_what_was_whole() {
    struct Disk {
        bytes: Vec<u8>,
        room: usize,
    }
    impl std::io::Write for Disk {
        fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
            let taken = buffer.len().min(self.room);
            self.room -= taken;
            self.bytes.extend_from_slice(&buffer[..taken]);
            if taken == 0 { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut disk = Disk { bytes: Vec::new(), room: 20_000 };
    let mut writer = SpoolWriter::new(&mut disk, 62).unwrap();
    let first_error = (0..100_000).find_map(|number| writer.append(RING_SCHEDULER, 0, &switch(number)).err());
    assert!(matches!(first_error, Some(SpoolError::Io { .. })));
    let later_error = (0..100_000).find_map(|number| writer.append(RING_SCHEDULER, 0, &switch(number)).err());
    assert!(matches!(later_error, Some(SpoolError::Failed)), "no block may follow half a block");
    drop(writer);
    let content = read(&disk.bytes).unwrap();
    assert!(content.cut && content.blocks > 0);
}
