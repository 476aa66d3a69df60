//! Makes the Rust side of the records from `bpf/wire.h`, so that the two can never differ: the programs are compiled
//! from the same file.

#[path = "generate/emit.rs"]
mod emit;
#[path = "generate/parse.rs"]
mod parse;

use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), String> {
    let variable = |name: &str| env::var(name).map_err(|error| format!("{name}: {error}"));
    let header = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../../bpf/wire.h");
    println!("cargo::rerun-if-changed={}", header.display());
    let text = fs::read_to_string(&header).map_err(|error| format!("{}: {error}", header.display()))?;
    let declarations = parse::parse(&text).map_err(|error| format!("{}: {error}", header.display()))?;
    let output = PathBuf::from(variable("OUT_DIR")?).join("records.rs");
    fs::write(&output, emit::emit(&declarations)).map_err(|error| format!("{}: {error}", output.display()))
}
