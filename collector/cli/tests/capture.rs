//! Captures as a person or the extension runs them: every way to end one, and what is left behind. Real probes: these
//! tests need what `check` asks for, and say so where it is not there.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

struct Collector {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Collector {
    fn start(output: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wakechain-collector"))
            .args(["capture", "--output"])
            .arg(output)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the collector runs");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line of this type; what comes before it is skipped.
    fn line(&mut self, kind: &str) -> Value {
        let mut seen = Vec::new();
        for line in self.lines.by_ref() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if line["type"] == kind {
                return line;
            }
            seen.push(line);
        }
        let mut words = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        panic!("no line '{kind}' after {seen:?}\n{words}");
    }

    fn say(&mut self, words: &str) {
        // it may have ended already, which its exit status tells
        let _ = self.child.stdin.as_mut().unwrap().write_all(words.as_bytes());
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap().success());
    }

    fn exit(mut self) -> (Option<i32>, String) {
        let mut words = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        (self.child.wait().unwrap().code(), words)
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn trace(&self) -> PathBuf {
        self.0.path().join("t.wakechain.db")
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

const WHOLE: [&str; 2] = ["t.wakechain.db", "t.wakechain.db.sha256"];

fn assert_whole(folder: &Folder, finished: &Value) {
    let file = folder.trace();
    assert_eq!(fs::canonicalize(finished["file"].as_str().unwrap()).unwrap(), fs::canonicalize(&file).unwrap());
    let bytes = fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"SQLite format 3\0"));
    assert_eq!(finished["bytes"], bytes.len());
    let summed = Command::new("sha256sum")
        .args(["--check", "--status", "t.wakechain.db.sha256"])
        .current_dir(folder.0.path())
        .status();
    assert!(summed.unwrap().success());
    let hash = fs::read_to_string(folder.0.path().join("t.wakechain.db.sha256")).unwrap();
    assert!(hash.starts_with(finished["sha256"].as_str().unwrap()));
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_command_is_run_to_its_end_and_its_status_is_told() {
    let folder = Folder::new();
    let mut collector = Collector::start(&folder.trace(), &["--", "sh", "-c", "echo said by the command; exit 7"]);
    let started = collector.line("started");
    assert!(started["probes"].as_u64().unwrap() > 5, "{started}");
    assert!(started["command_pid"].is_u64(), "{started}");
    let finished = collector.line("finished");
    assert_whole(&folder, &finished);
    assert_eq!(finished["exit_status"], 7);
    assert_eq!(finished["end_reason"], "command exited");
    assert!(finished.get("spool").is_none());
    let (status, words) = collector.exit();
    assert_eq!(status, Some(0));
    assert!(words.contains("said by the command"), "its output goes to standard error: {words}");
    assert_eq!(folder.names(), WHOLE);
}

#[test]
fn each_way_to_stop_gives_a_whole_file() {
    type Act = fn(&mut Collector);
    let ways: &[(&str, Act)] = &[
        ("stopped", |collector| collector.say("stop\n")),
        ("input closed", |collector| drop(collector.child.stdin.take())),
        ("signal", |collector| collector.signal("TERM")),
        ("signal", |collector| collector.signal("INT")),
        ("signal", |collector| collector.signal("HUP")),
        ("duration", |_| {}),
    ];
    for (reason, act) in ways {
        let folder = Folder::new();
        let duration = if *reason == "duration" { "0.3" } else { "60" };
        let own = std::process::id().to_string();
        let mut collector =
            Collector::start(&folder.trace(), &["--pid", &own, "--duration", duration, "--control-stdin"]);
        collector.line("started");
        act(&mut collector);
        let finished = collector.line("finished");
        assert_whole(&folder, &finished);
        assert_eq!(finished["end_reason"], *reason);
        assert_eq!(finished["exit_status"], Value::Null);
        assert_eq!(collector.exit().0, Some(0));
        assert_eq!(folder.names(), WHOLE, "{reason}");
    }
}

#[test]
fn cancel_leaves_nothing_while_recording() {
    let own = std::process::id().to_string();
    for moment in ["at once", "started", "progress"] {
        let folder = Folder::new();
        let mut collector = Collector::start(&folder.trace(), &["--pid", &own, "--duration", "60", "--control-stdin"]);
        if moment != "at once" {
            collector.line(moment);
        }
        collector.say("cancel\n");
        assert_eq!(collector.line("error")["code"], "cancelled", "{moment}");
        assert_eq!(collector.exit().0, Some(3), "{moment}");
        assert_eq!(folder.names(), [""; 0], "{moment}");
    }
}

/// A small trace is built within milliseconds, and then it is promised: `cancel` may come too late. Either way is clean.
#[test]
fn cancel_leaves_nothing_while_the_trace_is_built() {
    let own = std::process::id().to_string();
    for _ in 0..50 {
        let folder = Folder::new();
        let mut collector = Collector::start(&folder.trace(), &["--pid", &own, "--duration", "0.5", "--control-stdin"]);
        collector.line("finalizing");
        collector.say("cancel\n");
        match collector.exit().0 {
            Some(0) => assert_eq!(folder.names(), WHOLE),
            Some(3) => {
                assert_eq!(folder.names(), [""; 0]);
                return;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("fifty traces were built faster than they could be cancelled");
}

#[test]
fn the_spool_is_kept_where_asked_and_gives_the_same_trace() {
    let folder = Folder::new();
    let spools = Folder::new();
    let directory = spools.0.path().to_str().unwrap();
    let mut collector =
        Collector::start(&folder.trace(), &["--spool", directory, "--keep-spool", "--", "sh", "-c", "sleep 0.2"]);
    let finished = collector.line("finished");
    assert_eq!(collector.exit().0, Some(0));
    assert_eq!(folder.names(), WHOLE);
    assert_eq!(spools.names(), ["t.wakechain.db.spool"]);
    let spool = finished["spool"].as_str().unwrap();
    assert_eq!(fs::metadata(spool).unwrap().mode() & 0o777, 0o600);

    let again = folder.0.path().join("again.wakechain.db");
    let built = Command::new(env!("CARGO_BIN_EXE_wakechain-collector"))
        // Its input is at its end at once: that stops nothing.
        .args(["finalize", spool, "--owner", "65534", "--control-stdin", "--output"])
        .arg(&again)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(built.status.code(), Some(0), "{}", String::from_utf8_lossy(&built.stderr));
    let last = String::from_utf8_lossy(&built.stdout).lines().last().unwrap().to_owned();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(last["type"], "finished");
    assert_eq!(last["bytes"].as_u64(), Some(fs::metadata(&again).unwrap().len()));
    assert_eq!(fs::metadata(&again).unwrap().uid(), 65534);
    assert!(spools.names() == ["t.wakechain.db.spool"], "finalize leaves the spool alone");

    // a second capture does not touch what is there
    let mut second = Collector::start(&folder.0.path().join("t.wakechain.db"), &["--spool", directory, "--all"]);
    assert_eq!(second.line("error")["code"], "output_exists");
    fs::remove_file(folder.trace()).unwrap();
    fs::remove_file(folder.0.path().join("t.wakechain.db.sha256")).unwrap();
    let mut third = Collector::start(&folder.trace(), &["--spool", directory, "--all"]);
    assert_eq!(third.line("error")["code"], "spool_exists");
}

#[test]
fn the_trace_and_the_command_can_belong_to_somebody_else() {
    let folder = Folder::new();
    let command = ["--owner", "65534", "--as", "nobody", "--", "sh", "-c", "echo user $(id -u), groups $(id -G)"];
    let mut collector = Collector::start(&folder.trace(), &command);
    let finished = collector.line("finished");
    assert_whole(&folder, &finished);
    assert_eq!(finished["exit_status"], 0);
    let words = collector.exit().1;
    assert!(words.contains("user 65534, groups 65534"), "{words}");
    for name in WHOLE {
        assert_eq!(fs::metadata(folder.0.path().join(name)).unwrap().uid(), 65534, "{name}");
    }
}

#[test]
fn targets_that_are_not_there() {
    let cases: &[(&[&str], &str)] = &[
        (&["--pid", "4194305"], "no_such_process"),
        (&["--as", "no-such-user", "--", "true"], "no_such_user"),
        (&["--", "/nowhere/program"], "command_start"),
    ];
    for (arguments, code) in cases {
        let folder = Folder::new();
        let mut collector = Collector::start(&folder.trace(), arguments);
        let error = collector.line("error");
        assert_eq!(error["code"], *code, "{error}");
        assert!(error["message"].as_str().unwrap().ends_with('.'), "{error}");
        assert_eq!(collector.exit().0, Some(1));
        assert_eq!(folder.names(), [""; 0], "{arguments:?}");
    }
}
