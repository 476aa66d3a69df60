//! Readings of the host at a fixed rate: rows of `sample`.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use serde::Deserialize;

use crate::clock::Clock;
use crate::error::FinalizeError;

/// Readings of one moment, as the capture writes them.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Readings {
    pub at_ns: u64,
    pub values: BTreeMap<String, f64>,
}

pub fn write(database: &Connection, clock: &Clock, readings: &[Readings]) -> Result<(), FinalizeError> {
    let mut insert = database.prepare("INSERT OR REPLACE INTO sample (at_ns, metric, value) VALUES (?1, ?2, ?3)")?;
    for one in readings {
        for (metric, value) in one.values.iter().filter(|(_, value)| value.is_finite()) {
            insert.execute(params![clock.relative(one.at_ns), metric, value])?;
        }
    }
    Ok(())
}
