//! The program as it is built: exit status, JSON lines, and that whatever is not built yet is refused, not ignored.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::fs;
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wakechain-collector")).args(arguments).output().expect("the collector runs")
}

/// Every line of standard output, each of which must be a JSON object with a type.
fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    let values: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(values.iter().all(|value| value["type"].is_string()), "{text}");
    values
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn wrong_usage_is_refused_with_a_sentence() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["selftest"], "not built yet"),
        (&["selftest", "--json"], "not built yet"),
        (
            &["capture", "--output", "f", "--all", "--filter-user", "0"],
            "--filter-user (a filter by user) is not built yet",
        ),
        (&["capture", "--output", "f", "--all", "--redact"], "--redact"),
        (&["capture", "--output", "f", "--all", "--max-bytes=0"], "--max-bytes"),
        (&["capture", "--output", "f", "--all", "--overhead-percent", "200"], "0 to 100"),
        (&["capture", "--output", "f", "--all", "--profile", "deep"], "not built yet"),
        (&["capture", "--output", "f", "--all", "--nonsense"], "--nonsense"),
        (&["capture", "--output", "f"], "--pid"),
        (&["capture", "--all"], "--output"),
        (&["capture", "--output", "f", "--all", "--duration", "0"], "more than 0"),
        (&["finalize", "spool"], "--output"),
        (&["frobnicate"], "frobnicate"),
    ];
    for (arguments, word) in cases {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(words(&output).contains(word), "{arguments:?}: {}", words(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!fs::exists("f").unwrap());
    }
}

#[test]
fn help_goes_to_standard_output() {
    for arguments in [&["--help"][..], &["capture", "--help"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&output.stdout).contains("Usage"));
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn version() {
    let output = run(&["version", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let line = &lines(&output)[0];
    assert_eq!(line["type"], "version");
    assert_eq!(line["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(line["schema_version"], 1);
    assert_eq!(line["wire_version"], 2);
    assert!(line["bpf_build_id"].as_str().unwrap().len() >= 16, "{line}");
    let text = run(&["version"]).stdout;
    assert!(String::from_utf8_lossy(&text).starts_with(&format!("wakechain-collector {}", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn check_says_of_each_item_what_was_found() {
    let output = run(&["check", "--json"]);
    let said = lines(&output);
    let check = &said[0];
    let items = check["items"].as_array().unwrap();
    let codes: Vec<&str> = items.iter().map(|item| item["code"].as_str().unwrap()).collect();
    for code in [
        "kernel",
        "btf",
        "privileges",
        "namespaces",
        "lockdown",
        "uprobe_rung",
        "perf_event_paranoid",
        "kernel_symbols",
        "cgroup",
        "tracefs",
        "driver",
        "cuda_libraries",
        "disk",
    ] {
        assert!(codes.contains(&code), "{code} is missing among {codes:?}");
    }
    for item in items {
        assert!(
            item["message"].as_str().is_some_and(|text| text.ends_with(['.', ')']) || item["code"] == "kernel"),
            "{item}"
        );
        match item["state"].as_str().unwrap() {
            "pass" => assert_eq!(item["cost"], "", "{item}"),
            "degraded" | "fail" => assert_ne!(item["cost"], "", "{item}"),
            other => panic!("{other}"),
        }
    }
    assert_eq!(codes.contains(&"probes"), items.iter().all(|item| item["state"] != "fail" || item["code"] == "probes"));
    let fails = items.iter().any(|item| item["state"] == "fail");
    assert_eq!(check["can_capture"], !fails);
    assert_eq!(output.status.code(), Some(i32::from(fails)));
    assert_eq!(said.last().unwrap()["type"] == "error", fails);

    let text = run(&["check"]);
    assert_eq!(text.status.code(), output.status.code());
    assert_eq!(
        String::from_utf8_lossy(&text.stdout).lines().filter(|line| !line.starts_with(' ')).count(),
        items.len()
    );
}

#[test]
fn processes_is_one_object() {
    let output = run(&["processes", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let said = lines(&output);
    assert_eq!(said.len(), 1);
    assert!(said[0]["processes"].is_array() && said[0]["forbidden"].is_u64());
}

#[test]
fn what_is_there_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("old.wakechain.db");
    fs::write(&output, "precious").unwrap();
    let path = output.to_str().unwrap();
    for arguments in [&["capture", "--output", path, "--all"][..], &["finalize", "/dev/null", "--output", path]] {
        let ended = run(arguments);
        assert_eq!(ended.status.code(), Some(1));
        let said = lines(&ended);
        let last = said.last().unwrap();
        assert_eq!((last["type"].as_str(), last["code"].as_str()), (Some("error"), Some("output_exists")));
        assert!(last["hint"].as_str().unwrap().contains("--output"));
        assert!(words(&ended).contains("is there already"));
    }
    assert_eq!(fs::read(&output).unwrap(), b"precious");
}

#[test]
fn what_is_no_spool_is_said_to_be_none() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("text"), "a letter to somebody, longer than a header").unwrap();
    fs::write(at("empty"), "").unwrap();
    for (spool, code) in [("text", "not_a_spool"), ("empty", "not_a_spool"), ("missing", "spool_unreadable")] {
        let ended = run(&["finalize", &at(spool), "--output", &at("new.wakechain.db")]);
        assert_eq!(ended.status.code(), Some(1), "{spool}");
        assert_eq!(lines(&ended).last().unwrap()["code"], code, "{spool}");
        assert!(words(&ended).contains(spool), "the sentence names the file: {}", words(&ended));
    }
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
