//! Options of `capture` from a TOML file: the same names, each on a line of its own.
//!
//!     duration = 10
//!     profile = "minimal"
//!     probe = ["-event", "cudaGetDevice"]
//!
//! They become arguments in front of those of the command line, which so have the last word. Each is tried by itself first:
//! a name or a value that is wrong is said with its line.

use crate::arguments::Arguments;
use clap::{CommandFactory, Parser};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use toml::de::{DeTable, DeValue};

const COMMAND: &str = "capture";
const OPTION: &str = "--config";

/// The command line with what its `--config FILE` says put into it; as it is where there is none.
pub fn expand(line: Vec<OsString>) -> Result<Vec<OsString>, String> {
    let Some(file) = file_of(&line) else { return Ok(line) };
    let shown = Path::new(&file).display().to_string();
    let text = fs::read_to_string(&file).map_err(|error| format!("{shown} cannot be read: {error}."))?;
    let said = arguments(&text).map_err(|(at, sentence)| {
        let number = text.get(..at).unwrap_or(&text).matches('\n').count() + 1;
        format!("{shown}, line {number}: {sentence}")
    })?;
    let (before, after) = line.split_at(2);
    Ok([before, &said, after].concat())
}

/// What `--config` names, before any command that is to be started.
fn file_of(line: &[OsString]) -> Option<OsString> {
    if line.get(1).is_none_or(|command| command != COMMAND) {
        return None;
    }
    let own: Vec<&OsStr> = line.iter().skip(2).map(OsString::as_os_str).take_while(|word| *word != "--").collect();
    own.iter().enumerate().find_map(|(at, word)| {
        let joined = word.to_str().and_then(|word| word.strip_prefix(OPTION)?.strip_prefix('=')).map(OsString::from);
        joined.or_else(|| (*word == OPTION).then(|| own.get(at + 1).map(|file| (*file).to_owned()))?)
    })
}

/// Place in the text, and what is wrong there.
type Wrong = (usize, String);

fn arguments(text: &str) -> Result<Vec<OsString>, Wrong> {
    let table = DeTable::parse(text)
        .map_err(|error| (error.span().map_or(0, |span| span.start), format!("{}.", error.message())))?;
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut all = Vec::new();
    for (key, value) in entries {
        let wrong = |sentence: String| (key.span().start, sentence);
        let name = key.get_ref().as_ref();
        if !is_option(name) {
            return Err(wrong(format!("{name} is no option that can stand in a file; `capture --help` lists them.")));
        }
        let said = words(name, value.get_ref())
            .ok_or_else(|| wrong(format!("{name} is to be a text, a number, true or false, or a list of them.")))?;
        try_alone(name, &said).map_err(wrong)?;
        all.extend(said.into_iter().map(OsString::from));
    }
    Ok(all)
}

/// Long options of `capture`; a file names no further file.
fn is_option(name: &str) -> bool {
    let definition = Arguments::command();
    let capture = definition.find_subcommand(COMMAND);
    let is_long = capture.is_some_and(|capture| {
        capture.get_arguments().any(|argument| argument.get_long() == Some(name) && !argument.is_hide_set())
    });
    is_long && !OPTION.ends_with(name)
}

fn words(name: &str, value: &DeValue<'_>) -> Option<Vec<String>> {
    let option = |text: &str| vec![format!("--{name}={text}")];
    Some(match value {
        DeValue::Boolean(true) => vec![format!("--{name}")],
        DeValue::Boolean(false) => Vec::new(),
        DeValue::String(text) => option(text),
        DeValue::Integer(number) => option(&number.to_string()),
        DeValue::Float(number) => option(&number.to_string()),
        DeValue::Array(values) => {
            let each: Option<Vec<Vec<String>>> = values.iter().map(|value| words(name, value.get_ref())).collect();
            each?.concat()
        }
        DeValue::Datetime(_) | DeValue::Table(_) => return None,
    })
}

/// As if it stood alone on a command line that lacks nothing else.
fn try_alone(name: &str, said: &[String]) -> Result<(), String> {
    let rest: &[&str] = match name {
        "pid" | "all" => &["--output", "f"],
        "as" => &["--output", "f", "--", "true"],
        "output" => &["--all"],
        _ => &["--output", "f", "--all"],
    };
    if said.is_empty() {
        return Ok(());
    }
    let line = ["x", COMMAND].into_iter().chain(said.iter().map(String::as_str)).chain(rest.iter().copied());
    let error = match Arguments::try_parse_from(line) {
        Ok(_) => return Ok(()),
        Err(error) => error.to_string(),
    };
    let first = error.lines().next().unwrap_or_default();
    Err(first.trim_start_matches("error: ").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(text: &str) -> Result<Vec<String>, Wrong> {
        Ok(arguments(text)?.into_iter().map(|word| word.to_string_lossy().into_owned()).collect())
    }

    #[test]
    fn a_file_becomes_arguments_in_its_order() {
        let text = "duration = 2.5\nprofile = \"minimal\" # fewer\nall = true\nkeep-spool = false\nprobe = [\"-event\", \"launch\"]\n";
        let said = ["--duration=2.5", "--profile=minimal", "--all", "--probe=-event", "--probe=launch"];
        assert_eq!(words_of(text).expect("right"), said);
        assert_eq!(words_of("").expect("right"), Vec::<String>::new());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let folder = tempfile::tempdir().expect("tempdir");
        let file = folder.path().join("wakechain.toml");
        for (text, line, word) in [
            ("duration = 1\nduraton = 2\n", 2, "duraton is no option"),
            ("\n\nduration = 0\n", 3, "more than 0"),
            ("all = true\nprobe = [\"cudaMaloc\"]\n", 2, "cudaMalloc"),
            ("pid = \"me\"\n", 1, "--pid"),
            ("output = \"a\"\n[table]\nx = 1\n", 2, "table"),
            ("duration = \n", 1, ""),
            ("config = \"other.toml\"\n", 1, "no option"),
            ("duration = { seconds = 1 }\n", 1, "a text, a number"),
        ] {
            fs::write(&file, text).expect("write");
            let command = ["x", "capture", "--config"].map(OsString::from).into_iter().chain([file.clone().into()]);
            let error = expand(command.collect()).expect_err(text);
            assert!(
                error.contains(&format!("wakechain.toml, line {line}: ")) && error.contains(word),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn the_command_line_has_the_last_word() {
        let folder = tempfile::tempdir().expect("tempdir");
        let file = folder.path().join("c.toml");
        fs::write(&file, "output = \"f\"\nall = true\nduration = 5\nprobe = [\"-event\"]\n").expect("write");
        let config = format!("--config={}", file.display());
        let line = ["x", "capture", &config, "--duration", "7", "--probe", "event"].map(OsString::from);
        let parsed = Arguments::try_parse_from(expand(line.to_vec()).expect("right")).expect("whole");
        let crate::arguments::Command::Capture(capture) = parsed.command else { panic!("capture") };
        assert_eq!(capture.duration, Some(std::time::Duration::from_secs(7)));
        assert!(capture.all);
        assert_eq!(capture.probes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["-event", "+event"]);
    }

    #[test]
    fn what_stands_after_the_command_is_not_ours() {
        let line =
            ["x", "capture", "--output", "f", "--", "python3", "--config", "theirs"].map(OsString::from).to_vec();
        assert_eq!(expand(line.clone()).expect("as it is"), line);
        let missing = ["x", "capture", "--config", "/nonexistent/file"].map(OsString::from).to_vec();
        assert!(expand(missing).expect_err("missing").contains("cannot be read"));
    }
}
