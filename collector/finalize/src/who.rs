//! Who a tid was, when. The kernel reuses tids, records name threads by tid alone, and `thread_record`s in order of time
//! say when one thread ended and the next began. A thread still runs a little after its exit is announced, so it keeps
//! its tid until the next one takes it.

use std::collections::HashMap;

use wakechain_wire::*;

use crate::texts;

/// thread.id and process.id: counted from 1.
pub type ThreadId = u32;
pub type ProcessId = u32;

#[derive(Debug, Default, Clone)]
pub struct Thread {
    pub process: ProcessId,
    pub tid: u32,
    pub name: String,
    /// Absolute; `None` = before the capture.
    pub start_ns: Option<u64>,
    pub end_ns: Option<u64>,
    pub is_kernel: bool,
    start_boottime_ns: u64,
}

#[derive(Debug, Default, Clone)]
pub struct Process {
    pub pid: u32,
    pub namespace_pid: Option<u32>,
    pub parent: Option<ProcessId>,
    pub name: String,
    pub command_line: Option<String>,
    pub executable: Option<String>,
    pub user_id: Option<u32>,
    pub cgroup: Option<String>,
    pub container_id: Option<String>,
    pub is_target: bool,
    pub start_ns: Option<u64>,
    pub end_ns: Option<u64>,
    pub details: texts::Object,
    parent_pid: u32,
    has_leader: bool,
    named: bool,
    living: Vec<ThreadId>,
}

/// Something that happened to a thread: a row of `instant`.
#[derive(Debug, Clone, PartialEq)]
pub struct LifeEvent {
    pub at_ns: u64,
    pub kind: &'static str,
    pub thread: ThreadId,
    pub details: Option<String>,
}

#[derive(Default)]
pub struct Who {
    pub threads: Vec<Thread>,
    pub processes: Vec<Process>,
    pub events: Vec<LifeEvent>,
    /// Lives of each number, in order: (from when, whose).
    by_tid: HashMap<u32, Vec<(u64, ThreadId)>>,
    by_pid: HashMap<u32, Vec<(u64, ProcessId)>>,
}

impl Who {
    /// `lives` in order of time.
    pub fn new(lives: &[ThreadRecord]) -> Self {
        let mut who = Self::default();
        for life in lives {
            who.take(life);
        }
        for index in 0..who.processes.len() {
            let (parent_pid, start_ns) =
                who.processes.get(index).map_or((0, None), |process| (process.parent_pid, process.start_ns));
            let parent =
                who.known_process(parent_pid, start_ns.unwrap_or(0)).filter(|parent| *parent as usize != index + 1);
            if let Some(process) = who.processes.get_mut(index) {
                process.parent = parent;
            }
        }
        who
    }

    pub fn thread(&self, id: ThreadId) -> Option<&Thread> {
        self.threads.get((id as usize).wrapping_sub(1))
    }

    pub fn process(&self, id: ProcessId) -> Option<&Process> {
        self.processes.get((id as usize).wrapping_sub(1))
    }

    pub fn process_of(&self, thread: ThreadId) -> ProcessId {
        self.thread(thread).map_or(0, |thread| thread.process)
    }

    /// The thread that had this tid at that time. One that no record introduced gets a row that says so.
    pub fn thread_at(&mut self, tid: u32, at_ns: u64) -> ThreadId {
        if let Some(lives) = self.by_tid.get(&tid) {
            let known = lives.iter().rev().find(|(from_ns, _)| *from_ns <= at_ns).or(lives.first());
            if let Some((_, thread)) = known {
                return *thread;
            }
        }
        let process = self.add_process(tid, 0);
        if let Some(made) = self.process_mut(process) {
            made.name = "[unknown]".into();
            made.details.insert("unknown".into(), format!("no record says who thread {tid} was").into());
        }
        self.add_thread(process, tid, 0, "[unknown]".into())
    }

    /// The thread that had this tid at that time, as far as records introduced one.
    pub fn known_thread(&self, tid: u32, at_ns: u64) -> Option<ThreadId> {
        let lives = self.by_tid.get(&tid)?;
        lives.iter().rev().find(|(from_ns, _)| *from_ns <= at_ns).map(|(_, thread)| *thread)
    }

    /// The process that had this pid at that time, as far as records introduced one.
    pub fn known_process(&self, pid: u32, at_ns: u64) -> Option<ProcessId> {
        let lives = self.by_pid.get(&pid)?;
        lives.iter().rev().find(|(from_ns, _)| *from_ns <= at_ns).or(lives.first()).map(|(_, process)| *process)
    }

    /// What /proc said of a process; the latest word counts.
    pub fn describe(&mut self, described: texts::Process, at_ns: u64) {
        if described.pid == 0 {
            return;
        }
        let known = self.known_process(described.pid, at_ns);
        let id = known.unwrap_or_else(|| self.add_process(described.pid, 0));
        let Some(process) = self.process_mut(id) else { return };
        process.command_line =
            described.command_line.as_ref().and_then(texts::command_line).or(process.command_line.take());
        process.executable = described.executable.or(process.executable.take());
        process.user_id = described.user_id.or(process.user_id);
        process.cgroup = described.cgroup.or(process.cgroup.take());
        process.container_id = described.container_id.or(process.container_id.take());
        process.namespace_pid = described.namespace_pid.filter(|pid| *pid != described.pid).or(process.namespace_pid);
        process.is_target |= described.is_target;
        process.details.extend(described.details.unwrap_or_default());
        if process.name.is_empty() {
            process.name =
                process.executable.as_deref().and_then(|path| path.rsplit('/').next()).unwrap_or("[unknown]").into();
        }
    }

    pub fn note(&mut self, pid: u32, at_ns: u64, key: &str, value: serde_json::Value) {
        if let Some(process) = self.known_process(pid, at_ns).and_then(|id| self.process_mut(id)) {
            process.details.insert(key.into(), value);
        }
    }

    fn process_mut(&mut self, id: ProcessId) -> Option<&mut Process> {
        self.processes.get_mut((id as usize).wrapping_sub(1))
    }

    fn thread_mut(&mut self, id: ThreadId) -> Option<&mut Thread> {
        self.threads.get_mut((id as usize).wrapping_sub(1))
    }

    fn add_process(&mut self, pid: u32, from_ns: u64) -> ProcessId {
        self.processes.push(Process { pid, ..Process::default() });
        let id = self.processes.len() as ProcessId;
        self.by_pid.entry(pid).or_default().push((from_ns, id));
        id
    }

    fn add_thread(&mut self, process: ProcessId, tid: u32, from_ns: u64, name: String) -> ThreadId {
        self.threads.push(Thread { process, tid, name, ..Thread::default() });
        let id = self.threads.len() as ThreadId;
        self.by_tid.entry(tid).or_default().push((from_ns, id));
        id
    }

    fn take(&mut self, life: &ThreadRecord) {
        let event = life.event;
        let name = comm(&life.comm);
        let latest = self.by_tid.get(&life.tid).and_then(|lives| lives.last()).map(|(_, id)| *id);
        let same = latest.filter(|id| event != THREAD_FORK && self.is_same(*id, life));
        // seen by the iterator as well as by its fork: one thread
        let again = latest.filter(|id| event == THREAD_FORK && life.start_boottime_ns != 0 && self.is_same(*id, life));
        let thread = same.or(again).unwrap_or_else(|| self.begin(life, name.clone()));
        let process = self.process_of(thread);
        let is_leader = life.tid == life.tgid;
        let before = self.thread(thread).map(|thread| thread.name.clone()).unwrap_or_default();
        if let Some(found) = self.thread_mut(thread) {
            found.name.clone_from(&name);
            found.is_kernel |= life.header.has(THREAD_IS_KERNEL);
        }
        if let Some(found) = self.process_mut(process) {
            if is_leader || !found.named {
                found.name.clone_from(&name);
                found.named |= is_leader;
            }
            found.user_id = Some(life.user_id);
            found.is_target |= life.header.has(THREAD_IS_TARGET);
            if life.namespace_tgid != 0 && life.namespace_tgid != life.tgid {
                found.namespace_pid = Some(life.namespace_tgid);
            }
            if life.parent_tgid != 0 {
                found.parent_pid = life.parent_tgid;
            }
        }
        let mut happened = |kind, details| self.events.push(LifeEvent { at_ns: life.at_ns, kind, thread, details });
        match event {
            THREAD_FORK => happened("fork", None),
            THREAD_RENAME => happened("rename", Some(serde_json::json!({ "from": before, "to": name }).to_string())),
            THREAD_EXEC => {
                happened("exec", Some(serde_json::json!({ "from": before, "to": name }).to_string()));
                self.end_others(process, thread, life.at_ns);
            }
            THREAD_EXIT => {
                happened("exit", None);
                self.end(process, thread, life.at_ns);
            }
            THREAD_OOM_KILL => happened("oom_kill", None),
            _ => {}
        }
    }

    fn is_same(&self, id: ThreadId, life: &ThreadRecord) -> bool {
        self.thread(id).is_some_and(|known| {
            let unknown = known.start_boottime_ns == 0 || life.start_boottime_ns == 0;
            let of_its_process = self.process(known.process).is_some_and(|process| process.pid == life.tgid);
            of_its_process && (known.start_boottime_ns == life.start_boottime_ns || unknown && known.end_ns.is_none())
        })
    }

    fn begin(&mut self, life: &ThreadRecord, name: String) -> ThreadId {
        let was_forked = life.event == THREAD_FORK;
        let is_first = !self.by_tid.contains_key(&life.tid);
        // the first that is known of a number was there from the start, unless it was born before our eyes
        let from_ns = if was_forked || !is_first { life.at_ns } else { 0 };
        let is_leader = life.tid == life.tgid;
        let latest = self.by_pid.get(&life.tgid).and_then(|lives| lives.last()).map(|(_, id)| *id);
        let joins = latest.filter(|id| self.process(*id).is_some_and(|process| !is_leader || !process.has_leader));
        let process = joins.unwrap_or_else(|| {
            let id = self.add_process(life.tgid, from_ns);
            if let Some(process) = self.process_mut(id) {
                process.start_ns = (was_forked && is_leader).then_some(life.at_ns);
            }
            id
        });
        let thread = self.add_thread(process, life.tid, from_ns, name);
        if let Some(process) = self.process_mut(process) {
            process.has_leader |= is_leader;
            process.living.push(thread);
        }
        if let Some(made) = self.thread_mut(thread) {
            made.start_ns = was_forked.then_some(life.at_ns);
            made.start_boottime_ns = life.start_boottime_ns;
        }
        thread
    }

    fn end(&mut self, process: ProcessId, thread: ThreadId, at_ns: u64) {
        if let Some(thread) = self.thread_mut(thread) {
            thread.end_ns = Some(at_ns);
        }
        if let Some(process) = self.process_mut(process) {
            process.living.retain(|living| *living != thread);
            if process.living.is_empty() {
                process.end_ns = Some(at_ns);
            }
        }
    }

    /// exec ends every other thread of the process; the one that takes over the leader's id ends without a word.
    fn end_others(&mut self, process: ProcessId, kept: ThreadId, at_ns: u64) {
        let living = self.process(process).map(|process| process.living.clone()).unwrap_or_default();
        for thread in living.into_iter().filter(|thread| *thread != kept) {
            self.end(process, thread, at_ns);
        }
    }
}

/// `task->comm`: at most 15 bytes, whatever the program wrote there.
fn comm(bytes: &[u8; 16]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(at_ns: u64, event: u32, tid: u32, tgid: u32, born: u64, name: &str) -> ThreadRecord {
        let mut record = ThreadRecord {
            at_ns,
            event,
            tid,
            tgid,
            start_boottime_ns: born,
            parent_tgid: 1,
            ..ThreadRecord::default()
        };
        record.comm[..name.len()].copy_from_slice(name.as_bytes());
        record
    }

    fn names(who: &mut Who, tid: u32, times: &[u64]) -> Vec<String> {
        times
            .iter()
            .map(|at_ns| {
                let id = who.thread_at(tid, *at_ns);
                who.threads[id as usize - 1].name.clone()
            })
            .collect()
    }

    #[test]
    fn a_reused_tid_is_two_threads() {
        let mut who = Who::new(&[
            life(100, THREAD_EXISTING, 7, 7, 10, "first"),
            life(200, THREAD_EXIT, 7, 7, 10, "first"),
            life(300, THREAD_FORK, 7, 7, 290, "second"),
        ]);
        assert_eq!(
            names(&mut who, 7, &[50, 150, 250, 299, 300, 999]),
            ["first", "first", "first", "first", "second", "second"]
        );
        assert_eq!(who.processes.len(), 2);
        assert_eq!((who.threads[0].start_ns, who.threads[0].end_ns), (None, Some(200)));
        assert_eq!((who.threads[1].start_ns, who.processes[1].start_ns), (Some(300), Some(300)));
        assert_eq!(who.processes[0].end_ns, Some(200));
    }

    #[test]
    fn a_thread_that_is_forked_and_then_iterated_is_one() {
        let who = Who::new(&[
            life(100, THREAD_FORK, 8, 7, 90, "worker"),
            life(110, THREAD_EXISTING, 8, 7, 90, "worker"),
            life(111, THREAD_EXISTING, 7, 7, 10, "main"),
        ]);
        assert_eq!(who.threads.len(), 2);
        assert_eq!(who.processes.len(), 1);
        assert_eq!(who.processes[0].name, "main", "a process is named by its leader");
    }

    #[test]
    fn rename_and_exec_keep_the_thread_and_tell_the_story() {
        let who = Who::new(&[
            life(100, THREAD_FORK, 9, 9, 95, "sh"),
            life(110, THREAD_FORK, 10, 9, 105, "helper"),
            life(120, THREAD_EXEC, 9, 9, 95, "engine"),
            life(130, THREAD_RENAME, 9, 9, 95, "tokenizer"),
        ]);
        assert_eq!(who.threads[0].name, "tokenizer");
        assert_eq!(who.threads[1].end_ns, Some(120), "exec ends the other threads");
        let kinds: Vec<_> = who.events.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, ["fork", "fork", "exec", "rename"]);
        assert_eq!(who.events[3].details.as_deref(), Some(r#"{"from":"engine","to":"tokenizer"}"#));
    }

    #[test]
    fn an_unknown_tid_says_so_and_stays_one_thread() {
        let mut who = Who::new(&[]);
        let first = who.thread_at(42, 5);
        assert_eq!(first, who.thread_at(42, 500));
        assert_eq!(who.threads[0].name, "[unknown]");
        assert!(who.processes[0].details.contains_key("unknown"));
    }
}
