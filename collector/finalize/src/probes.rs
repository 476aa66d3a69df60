//! The probe table: what was asked for, what each index means, and what the counters say. Tables `probe` and
//! `cuda_function`.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use rusqlite::{Connection, params};
use wakechain_cuda::Known;

use crate::calls::CopyKind;
use crate::clock::exact;
use crate::database::row_id;
use crate::error::FinalizeError;
use crate::texts::{self, Probe};

/// hits, emitted, merged, filtered, lost, missed: NULL where no counter was ever written.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counts {
    pub hits: u64,
    pub emitted: u64,
    pub merged: u64,
    pub filtered: u64,
    pub lost: u64,
    pub missed: u64,
}

#[derive(Debug, Clone)]
pub struct Function {
    pub id: u32,
    pub name: String,
    /// What the table of functions says of it.
    pub known: Option<Known>,
    /// What its name says of the kind of copy.
    pub copies: Option<CopyKind>,
}

#[derive(Default)]
pub struct ProbeTable {
    pub by_index: BTreeMap<u32, Probe>,
    /// Refused before they got an index.
    refused: Vec<Probe>,
    pub counts: HashMap<u32, Counts>,
    counted_ns: u64,
    functions: HashMap<u32, Rc<Function>>,
    rows: Vec<texts::Function>,
}

const LIBRARIES: [&str; 4] = ["runtime", "driver", "nccl", "other"];
const CATEGORIES: [&str; 13] = [
    "launch",
    "synchronize",
    "copy",
    "memset",
    "allocate",
    "free",
    "event",
    "stream",
    "graph",
    "module",
    "collective",
    "context",
    "other",
];

impl ProbeTable {
    /// Rows are added, or brought up to date by their index.
    pub fn take(&mut self, probes: texts::Probes) {
        for probe in probes.probes {
            match probe.index {
                Some(index) => drop(self.by_index.insert(index, probe)),
                None => self.refused.push(probe),
            }
        }
    }

    /// The latest counters count.
    pub fn count(&mut self, counters: &texts::Counters) {
        if counters.at_ns < self.counted_ns {
            return;
        }
        self.counted_ns = counters.at_ns;
        for (index, values) in &counters.probes {
            let Ok(index) = index.parse() else { continue };
            let value = |place: usize| values.get(place).copied().unwrap_or(0);
            let counts = Counts {
                hits: value(0),
                emitted: value(1),
                merged: value(2),
                filtered: value(3),
                lost: value(4),
                missed: value(5),
            };
            self.counts.insert(index, counts);
        }
    }

    /// The function that a probe is on. An index that no text introduced still gets a name.
    pub fn function(&mut self, index: u32) -> Rc<Function> {
        if let Some(known) = self.functions.get(&index) {
            return Rc::clone(known);
        }
        let said = self.by_index.get(&index).and_then(|probe| probe.function.clone());
        let mut row =
            said.unwrap_or_else(|| texts::Function { name: format!("[probe {index}]"), ..texts::Function::default() });
        if !LIBRARIES.contains(&row.library.as_str()) {
            row.library = "other".into();
        }
        if !CATEGORIES.contains(&row.category.as_str()) {
            row.category = "other".into();
        }
        let known = wakechain_cuda::known(&row.name, row.major);
        // one row for all versions of a library
        row.major = 0;
        let position = self.rows.iter().position(|known| *known == row).unwrap_or_else(|| {
            self.rows.push(row.clone());
            self.rows.len() - 1
        });
        let copies = CopyKind::of_name(&row.name);
        let function = Rc::new(Function { id: position as u32 + 1, name: row.name, known, copies });
        self.functions.insert(index, Rc::clone(&function));
        function
    }

    pub fn lost(&self) -> u64 {
        self.counts.values().map(|counts| counts.lost).fold(0, u64::saturating_add)
    }

    pub fn write(&mut self, database: &Connection) -> Result<(), FinalizeError> {
        let mut insert = database.prepare(
            "INSERT INTO probe (id, kind, target, rung, placement, attached, error, hits, emitted, merged, filtered, lost, missed) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?;
        let uncounted_below = self.by_index.keys().next_back().map_or(0, |last| last + 1);
        let with_index = self.by_index.iter().map(|(index, probe)| (*index, probe, self.counts.get(index)));
        let without =
            self.refused.iter().enumerate().map(|(place, probe)| (uncounted_below + place as u32, probe, None));
        for (index, probe, counts) in with_index.chain(without) {
            let column = |read: fn(&Counts) -> u64| counts.and_then(|counts| exact(read(counts)));
            insert.execute(params![
                i64::from(index) + 1,
                probe.kind,
                probe.target,
                probe.rung,
                probe.placement,
                probe.attached,
                probe.error,
                column(|counts| counts.hits),
                column(|counts| counts.emitted),
                column(|counts| counts.merged),
                column(|counts| counts.filtered),
                column(|counts| counts.lost),
                column(|counts| counts.missed),
            ])?;
        }
        // a function that was probed and never called is there too: "no calls" is then an observation
        let indices: Vec<u32> =
            self.by_index.iter().filter(|(_, probe)| probe.function.is_some()).map(|(index, _)| *index).collect();
        for index in indices {
            self.function(index);
        }
        let mut insert =
            database.prepare("INSERT INTO cuda_function (id, name, library, category) VALUES (?1, ?2, ?3, ?4)")?;
        for (place, row) in self.rows.iter().enumerate() {
            insert.execute(params![row_id(place), row.name, row.library, row.category])?;
        }
        Ok(())
    }
}
