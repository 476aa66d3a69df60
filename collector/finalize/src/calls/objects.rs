//! What handles stand for: one row for each life of a stream, event, graph, module or communicator. The driver reuses
//! handles, so a handle means what was made with it last; the runtime and the driver each tell of the same making.

use std::collections::HashMap;

use serde_json::Value;

use crate::details::Details;
use crate::who::ProcessId;

pub type ObjectId = u32;

/// As `cuda_object.kind` of the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Stream,
    Event,
    Graph,
    GraphExec,
    Module,
    Communicator,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Stream => "stream",
            Kind::Event => "event",
            Kind::Graph => "graph",
            Kind::GraphExec => "graph_exec",
            Kind::Module => "module",
            Kind::Communicator => "communicator",
        }
    }
}

#[derive(Debug)]
pub struct Object {
    pub process: ProcessId,
    pub kind: Kind,
    pub handle: u64,
    pub details: Details,
}

#[derive(Debug, Clone, Copy)]
struct Life {
    object: ObjectId,
    /// When the call that made it returned; 0 = it was there before, or nobody saw.
    made_ns: u64,
    /// When the call that ended it returned.
    ended_ns: Option<u64>,
}

#[derive(Default)]
pub struct Objects {
    pub list: Vec<Object>,
    lives: HashMap<(ProcessId, Kind, u64), Life>,
}

impl Objects {
    /// The object that a call from `at_ns` on is about.
    pub fn used(&mut self, process: ProcessId, kind: Kind, handle: u64, at_ns: u64) -> ObjectId {
        match self.lives.get(&(process, kind, handle)) {
            Some(life) if life.ended_ns.is_none_or(|ended_ns| at_ns < ended_ns) => life.object,
            _ => self.begin(process, kind, handle, 0, None),
        }
    }

    /// The object that a call made. Nested calls that tell of the same making overlap.
    pub fn made(&mut self, process: ProcessId, kind: Kind, handle: u64, start_ns: u64, end_ns: u64) -> ObjectId {
        match self.lives.get(&(process, kind, handle)) {
            Some(life) if life.ended_ns.is_none() && start_ns < life.made_ns => life.object,
            _ => self.begin(process, kind, handle, end_ns, None),
        }
    }

    /// The object whose life a call ended.
    pub fn ended(&mut self, process: ProcessId, kind: Kind, handle: u64, start_ns: u64, end_ns: u64) -> ObjectId {
        let object = self.used(process, kind, handle, start_ns);
        if let Some(life) = self.lives.get_mut(&(process, kind, handle)) {
            life.ended_ns.get_or_insert(end_ns);
        }
        object
    }

    /// A stream argument: 0, 1 and 2 are default streams, for ever.
    pub fn stream(&mut self, process: ProcessId, handle: u64, at_ns: u64, per_thread_default: bool) -> ObjectId {
        let default_stream = match handle {
            0 if per_thread_default => Some((2, "per_thread")),
            0 | 1 => Some((0, "legacy")),
            2 => Some((2, "per_thread")),
            _ => None,
        };
        let Some((handle, which)) = default_stream else { return self.used(process, Kind::Stream, handle, at_ns) };
        match self.lives.get(&(process, Kind::Stream, handle)) {
            Some(life) => life.object,
            None => self.begin(process, Kind::Stream, handle, 0, Some(which)),
        }
    }

    /// Something to know of an object.
    pub fn say(&mut self, object: ObjectId, key: &str, value: impl Into<Value>) {
        if let Some(object) = self.list.get_mut(object as usize - 1) {
            object.details.say(key, value);
        }
    }

    /// The same, unless it was said already.
    pub fn say_once(&mut self, object: ObjectId, key: &str, value: impl Into<Value>) {
        if self.list.get(object as usize - 1).is_some_and(|object| !object.details.says(key)) {
            self.say(object, key, value);
        }
    }

    fn begin(
        &mut self,
        process: ProcessId,
        kind: Kind,
        handle: u64,
        made_ns: u64,
        default_stream: Option<&'static str>,
    ) -> ObjectId {
        let mut details = Details::default();
        if let Some(which) = default_stream {
            details.say("default", which);
        }
        self.list.push(Object { process, kind, handle, details });
        let object = self.list.len() as ObjectId;
        self.lives.insert((process, kind, handle), Life { object, made_ns, ended_ns: None });
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_has_one_object_for_each_life() {
        let mut objects = Objects::default();
        // cudaStreamCreate 10..30 runs cuStreamCreate 12..28, which stores the same handle
        let first = objects.made(1, Kind::Stream, 0xa, 10, 30);
        assert_eq!(objects.made(1, Kind::Stream, 0xa, 12, 28), first);
        assert_eq!(objects.used(1, Kind::Stream, 0xa, 40), first);
        assert_eq!(objects.ended(1, Kind::Stream, 0xa, 50, 60), first);
        assert_eq!(objects.ended(1, Kind::Stream, 0xa, 52, 58), first, "the driver's call inside");
        let second = objects.made(1, Kind::Stream, 0xa, 70, 80);
        assert_ne!(second, first);
        assert_eq!(objects.used(1, Kind::Stream, 0xa, 90), second);
        assert_ne!(objects.used(2, Kind::Stream, 0xa, 90), second, "another process");
        assert_ne!(objects.used(1, Kind::Event, 0xa, 90), second, "another kind");
    }

    #[test]
    fn default_streams_are_named() {
        let mut objects = Objects::default();
        let legacy = objects.stream(1, 0, 5, false);
        assert_eq!(objects.stream(1, 1, 6, true), legacy);
        let own = objects.stream(1, 0, 7, true);
        assert_eq!(objects.stream(1, 2, 8, false), own);
        assert!(objects.list[own as usize - 1].details.says("default"));
    }
}
