//! The file itself: how it is made, whose it is, and that nothing is left behind.

mod common;

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use common::*;
use wakechain_finalize::{FinalizeOptions, finalize};
use wakechain_wire::*;

fn spool_with(rows: u64) -> Vec<u8> {
    let mut spool = Spool::new();
    for number in 0..rows {
        spool.switch(
            SWITCH_HAS_SLICE,
            SwitchRecord {
                at_ns: at(number * 10 + 10),
                slice_start_ns: at(number * 10),
                prev_tid: 100,
                ..SwitchRecord::default()
            },
        );
    }
    spool.end();
    spool.bytes()
}

fn names(folder: &Path) -> Vec<String> {
    let mut all: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    all.sort();
    all
}

#[test]
fn the_file_is_private_hashed_and_alone() {
    let trace = Trace::of(&spool_with(100)).unwrap();
    let metadata = std::fs::metadata(&trace.path).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(metadata.len(), trace.report.bytes);
    assert_eq!(names(trace.folder.path()), ["capture.spool", "trace.wakechain.db", "trace.wakechain.db.sha256"]);
    let checked = Command::new("sha256sum")
        .args(["-c", "trace.wakechain.db.sha256"])
        .current_dir(trace.folder.path())
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let beside = std::fs::read_to_string(trace.folder.path().join("trace.wakechain.db.sha256")).unwrap();
    assert!(beside.starts_with(&trace.report.sha256));
}

#[test]
fn the_header_is_what_readers_expect() {
    let trace = Trace::of(&spool_with(1)).unwrap();
    let bytes = std::fs::read(&trace.path).unwrap();
    assert_eq!(&bytes[..16], b"SQLite format 3\0");
    assert_eq!(u16::from_be_bytes([bytes[16], bytes[17]]), 4096, "page size");
    assert_eq!(bytes[18..20], [1, 1], "no WAL");
    assert_eq!(trace.one::<i64>("PRAGMA application_id"), 0x5741_4b45);
    assert_eq!(trace.one::<i64>("PRAGMA user_version"), 1);
    assert_eq!(trace.one::<String>("PRAGMA journal_mode"), "delete");
    let indexes: i64 = trace.one("SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL");
    assert!(indexes >= 5);
    for view in ["threads", "cuda_calls", "off_cpu_events", "host_events"] {
        trace.rows(&format!("SELECT * FROM {view} LIMIT 1"));
    }
}

#[test]
fn the_same_spool_gives_the_same_bytes() {
    let spool = spool_with(500);
    assert_eq!(Trace::of(&spool).unwrap().report.sha256, Trace::of(&spool).unwrap().report.sha256);
}

#[test]
fn cancelling_leaves_nothing_at_any_moment() {
    let spool = spool_with(60_000);
    for after in [0, 1, 2, 4, 8, 12] {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("capture.spool");
        std::fs::write(&from, &spool).unwrap();
        let asked = std::cell::Cell::new(0);
        let cancelled = || {
            asked.set(asked.get() + 1);
            asked.get() > after
        };
        let made =
            finalize(&from, &folder.path().join("trace.db"), &FinalizeOptions::default(), &mut |_| {}, &cancelled);
        assert_eq!(made.unwrap_err().code, "cancelled", "after {after}");
        assert_eq!(names(folder.path()), ["capture.spool"]);
    }
}

#[test]
fn progress_goes_from_0_to_1() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("capture.spool");
    std::fs::write(&from, spool_with(40_000)).unwrap();
    let mut shares = Vec::new();
    finalize(
        &from,
        &folder.path().join("trace.db"),
        &FinalizeOptions::default(),
        &mut |share| shares.push(share),
        &|| false,
    )
    .unwrap();
    assert!(shares.is_sorted() && shares.first() == Some(&0.0) && shares.last() == Some(&1.0), "{shares:?}");
    assert!(shares.len() > 6);
}

#[test]
fn it_is_never_written_through_a_link_or_over_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("capture.spool");
    std::fs::write(&from, spool_with(1)).unwrap();
    let precious = folder.path().join("precious");
    std::fs::write(&precious, "keep me").unwrap();
    let link = folder.path().join("link.db");
    symlink(&precious, &link).unwrap();
    std::fs::create_dir(folder.path().join("folder.db")).unwrap();
    for target in [link, folder.path().join("folder.db"), folder.path().join("missing/trace.db")] {
        let error = finalize(&from, &target, &FinalizeOptions::default(), &mut |_| {}, &|| false).unwrap_err();
        assert_eq!(error.code, "output_not_writable");
        assert!(
            error.hint.is_some() && error.message.contains(target.file_name().unwrap().to_str().unwrap()),
            "{error:?}"
        );
    }
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "keep me");
    assert_eq!(names(folder.path()), ["capture.spool", "folder.db", "link.db", "precious"]);
}

#[test]
fn what_comes_there_meanwhile_is_not_overwritten_and_nothing_is_left() {
    for taken in ["trace.db", "trace.db.sha256"] {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("capture.spool");
        std::fs::write(&from, spool_with(1)).unwrap();
        let other = folder.path().join(taken);
        let mut put = |_| std::fs::write(&other, "somebody else's").unwrap();
        let target = folder.path().join("trace.db");
        let error = finalize(&from, &target, &FinalizeOptions::default(), &mut put, &|| false).unwrap_err();
        assert_eq!(error.code, "output_exists", "{error}");
        assert!(error.message.contains(taken), "{error}");
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "somebody else's");
        assert_eq!(names(folder.path()), ["capture.spool", taken]);
        std::fs::remove_file(&other).unwrap();
        finalize(&from, &target, &FinalizeOptions::default(), &mut |_| {}, &|| false).unwrap();
    }
}

#[test]
fn what_is_no_spool_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("capture.spool");
    for (bytes, code) in
        [(&b""[..], "not_a_spool"), (b"short", "not_a_spool"), (b"SQLite format 3\0 and so on", "not_a_spool")]
    {
        std::fs::write(&from, bytes).unwrap();
        let error =
            finalize(&from, &folder.path().join("trace.db"), &FinalizeOptions::default(), &mut |_| {}, &|| false)
                .unwrap_err();
        assert_eq!(error.code, code);
        assert!(error.hint.is_some());
    }
    let missing = finalize(
        &folder.path().join("none"),
        &folder.path().join("trace.db"),
        &FinalizeOptions::default(),
        &mut |_| {},
        &|| false,
    );
    assert_eq!(missing.unwrap_err().code, "spool_unreadable");
    let is_folder =
        finalize(folder.path(), &folder.path().join("trace.db"), &FinalizeOptions::default(), &mut |_| {}, &|| false);
    assert_eq!(is_folder.unwrap_err().code, "not_a_spool");
}

#[test]
fn the_owner_gets_both_files() {
    // only root may give files away
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("capture.spool");
    std::fs::write(&from, spool_with(1)).unwrap();
    let target = folder.path().join("trace.db");
    finalize(&from, &target, &FinalizeOptions { owner_uid: Some(65534) }, &mut |_| {}, &|| false).unwrap();
    for file in [target, folder.path().join("trace.db.sha256")] {
        let metadata = std::fs::metadata(file).unwrap();
        assert_eq!((metadata.uid(), metadata.permissions().mode() & 0o777), (65534, 0o600));
    }
}
