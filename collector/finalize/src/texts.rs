//! The JSON of text records, as the capture writes it. Fields that are missing or of another type are left out, never
//! an error: half a description is better than no trace.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// `None` when the text is no such object at all.
pub fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// RECORD_META and RECORD_END keep all their keys: most of them go into the table `meta` as they are.
pub type Object = serde_json::Map<String, Value>;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Probes {
    pub probes: Vec<Probe>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Probe {
    pub index: Option<u32>,
    pub kind: String,
    pub target: String,
    pub rung: Option<String>,
    pub placement: Option<String>,
    pub attached: bool,
    pub error: Option<String>,
    pub function: Option<Function>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub struct Function {
    pub name: String,
    pub library: String,
    pub category: String,
    /// Version of the library that exports it; 0 = not known.
    pub major: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Process {
    pub pid: u32,
    pub command_line: Option<Value>,
    pub executable: Option<String>,
    pub user_id: Option<u32>,
    pub cgroup: Option<String>,
    pub container_id: Option<String>,
    pub namespace_pid: Option<u32>,
    pub is_target: bool,
    pub details: Option<Object>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Maps {
    pub pid: u32,
    pub at_ns: u64,
    pub maps: Vec<Map>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Map {
    pub start: String,
    pub end: String,
    pub offset: String,
    pub inode: u64,
    pub device: String,
    pub path: String,
    pub build_id: Option<String>,
    pub open_path: Option<String>,
}

/// hits, emitted, merged, filtered, lost, missed
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Counters {
    pub at_ns: u64,
    pub probes: BTreeMap<String, Vec<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct KernelSymbols {
    pub symbols: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Coverage {
    pub start_ns: u64,
    pub end_ns: u64,
    pub what: String,
    pub reason: String,
    pub kept: f64,
    pub tid: Option<u32>,
    pub function_index: Option<u32>,
}

/// Which process holds which socket.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Owners {
    pub sockets: Vec<Owner>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Owner {
    pub inode: u64,
    pub pid: u32,
}

/// "7f12ab" or "0x7f12ab"
pub fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

/// A command line comes as one text or as a list of arguments.
pub fn command_line(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        _ => None,
    }
}
