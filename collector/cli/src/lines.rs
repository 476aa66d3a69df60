//! What the program says. Standard output carries one JSON object a line, for programs; standard error carries words,
//! for people. Whoever listened may be gone (a broken connection): that must not end a capture, so failed writes are
//! passed over.

use crate::codes::Failure;
use serde::Serialize;
use serde_json::json;
use std::io::{Write, stderr, stdout};

/// One line for programs: `value`'s fields after `type`.
pub fn say(kind: &str, value: &impl Serialize) {
    #[derive(Serialize)]
    struct Line<'a, T> {
        r#type: &'a str,
        #[serde(flatten)]
        value: &'a T,
    }
    if let Ok(mut line) = serde_json::to_vec(&Line { r#type: kind, value }) {
        line.push(b'\n');
        let mut out = stdout().lock();
        let _ = out.write_all(&line).and_then(|()| out.flush());
    }
}

/// One line for people.
pub fn tell(words: &str) {
    let _ = writeln!(stderr().lock(), "{words}");
}

/// Text for people that is a command's whole result.
pub fn print(text: &str) {
    let _ = stdout().lock().write_all(text.as_bytes());
}

pub fn fail(failure: &Failure) {
    tell(&format!("wakechain-collector: {}", failure.message));
    if !failure.hint.is_empty() {
        tell(&format!("  {}", failure.hint));
    }
    let Failure { code, message, hint, spool } = failure;
    match spool {
        Some(spool) => say("error", &json!({ "code": code, "message": message, "hint": hint, "spool": spool })),
        None => say("error", &json!({ "code": code, "message": message, "hint": hint })),
    }
}

/// "1 234 567"
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut result = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            result.push(' ');
        }
        result.push(digit);
    }
    result
}

/// "12.3 MB"
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1 000"), (1_234_567, "1 234 567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(megabytes(12_340_000), "12.3 MB");
    }
}
