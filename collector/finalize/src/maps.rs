//! Which file is mapped at an address of a process, at a time. Mappings were read several times: the latest reading
//! before the moment counts, then later ones (a library loaded just before its first stack was read with the next).

use std::collections::HashMap;

use crate::texts;
use crate::who::{ProcessId, Who};

pub type FileId = u32;

/// A mapped file as some process saw it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MappedFile {
    pub path: String,
    pub build_id: Option<String>,
    pub inode: u64,
    pub device: String,
}

#[derive(Debug, Clone, Copy)]
struct Mapping {
    start: u64,
    end: u64,
    offset: u64,
    file: FileId,
}

#[derive(Default)]
pub struct Maps {
    pub files: Vec<MappedFile>,
    /// Where a file might be opened now, besides its path.
    pub open_paths: Vec<Vec<String>>,
    ids: HashMap<MappedFile, FileId>,
    /// Readings of a process in order of time, each sorted by address.
    spaces: HashMap<ProcessId, Vec<(u64, Vec<Mapping>)>>,
}

/// How many generations of forks without exec are looked through.
const MAX_FORKS: usize = 8;

impl Maps {
    pub fn take(&mut self, process: ProcessId, read: &texts::Maps) {
        let mut mappings = Vec::with_capacity(read.maps.len());
        for map in &read.maps {
            let (Some(start), Some(end), Some(offset)) =
                (texts::hex(&map.start), texts::hex(&map.end), texts::hex(&map.offset))
            else {
                continue;
            };
            mappings.push(Mapping { start, end, offset, file: self.file(map) });
        }
        mappings.sort_unstable_by_key(|mapping| mapping.start);
        let readings = self.spaces.entry(process).or_default();
        readings.push((read.at_ns, mappings));
        readings.sort_by_key(|(at_ns, _)| *at_ns);
    }

    fn file(&mut self, map: &texts::Map) -> FileId {
        let file = MappedFile {
            path: map.path.clone(),
            build_id: map.build_id.clone(),
            inode: map.inode,
            device: map.device.clone(),
        };
        let next = self.files.len() as FileId;
        let id = *self.ids.entry(file.clone()).or_insert(next);
        if id == next {
            self.files.push(file);
            self.open_paths.push(Vec::new());
        }
        if let (Some(path), Some(known)) = (&map.open_path, self.open_paths.get_mut(id as usize)) {
            if !known.contains(path) {
                known.push(path.clone());
            }
        }
        id
    }

    /// The file, and the offset in it.
    pub fn find(&self, who: &Who, process: ProcessId, address: u64, at_ns: u64) -> Option<(FileId, u64)> {
        let readings = self.readings(who, process)?;
        let later = readings.partition_point(|(read_ns, _)| *read_ns <= at_ns);
        readings.get(later.saturating_sub(1)..)?.iter().find_map(|(_, mappings)| {
            let index = mappings.partition_point(|mapping| mapping.start <= address).checked_sub(1)?;
            let mapping = mappings.get(index).filter(|mapping| address < mapping.end)?;
            Some((mapping.file, mapping.offset.wrapping_add(address - mapping.start)))
        })
    }

    /// A child that has not executed anything has its parent's mappings.
    fn readings(&self, who: &Who, mut process: ProcessId) -> Option<&Vec<(u64, Vec<Mapping>)>> {
        for _ in 0..MAX_FORKS {
            if let Some(readings) = self.spaces.get(&process) {
                return Some(readings);
            }
            process = who.process(process)?.parent?;
        }
        None
    }

    pub fn is_known(&self, who: &Who, process: ProcessId) -> bool {
        self.readings(who, process).is_some()
    }

    /// The mappings that begin nearest below an address, in the reading of that time first: (file, start, offset there).
    pub fn below(&self, who: &Who, process: ProcessId, address: u64, at_ns: u64) -> Vec<(FileId, u64, u64)> {
        let Some(readings) = self.readings(who, process) else { return Vec::new() };
        let later = readings.partition_point(|(read_ns, _)| *read_ns <= at_ns);
        let in_order = readings.get(later.saturating_sub(1)..).unwrap_or_default();
        let mut found: Vec<(FileId, u64, u64)> = Vec::new();
        for (_, mappings) in in_order {
            let index = mappings.partition_point(|mapping| mapping.start <= address).checked_sub(1);
            let Some(mapping) = index.and_then(|index| mappings.get(index)) else { continue };
            let place = (mapping.file, mapping.start, mapping.offset);
            if !found.contains(&place) {
                found.push(place);
            }
        }
        found
    }
}
