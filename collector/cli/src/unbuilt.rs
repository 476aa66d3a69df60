//! What the design promises and this version does not do yet. Asking for it is a usage error with a sentence: an option
//! that is ignored would make a trace say something that is not so.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Option or command, and what it is for.
const UNBUILT: &[(&str, &str)] = &[
    ("selftest", "checking a host against delays of known length"),
    ("--filter-user", "a filter by user"),
    ("--filter-cgroup", "a filter by control group"),
    ("--filter-thread", "a filter by thread"),
    ("--filter-command", "a filter by command"),
    ("--redact", "leaving command lines and paths out"),
];

pub const DEEP: &str = "the profile deep is not built yet: there are minimal and standard";

/// The sentence for a refused command line that asked for something of the list.
pub fn sentence(error: &clap::Error) -> Option<String> {
    let kind = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return None,
    };
    let Some(ContextValue::String(asked)) = error.get(kind) else { return None };
    let (name, purpose) = UNBUILT.iter().find(|(name, _)| name == asked)?;
    Some(format!("{name} ({purpose}) is not built yet in version {}.", env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Arguments;
    use clap::{CommandFactory, Parser};

    #[test]
    fn each_is_refused_with_its_sentence_and_none_is_in_the_help() {
        let mut command = Arguments::command();
        command.build();
        let help: String = command.get_subcommands_mut().map(|sub| sub.render_long_help().to_string()).collect();
        for (name, purpose) in UNBUILT {
            let line = match name.strip_prefix("--") {
                Some(_) => vec!["x", "capture", "--output", "f", "--all", name, "5"],
                None => vec!["x", name],
            };
            let error = Arguments::try_parse_from(line).expect_err(name);
            let sentence = sentence(&error).unwrap_or_else(|| panic!("{name}: {error}"));
            assert!(sentence.starts_with(name) && sentence.contains(purpose), "{sentence}");
            assert!(!help.contains(name), "{name} is in the help");
        }
    }
}
