//! Compiles the probes (bpf/) with clang and makes their Rust skeleton.
//!
//! CLANG chooses the compiler; else the newest clang of 16 or later that is found.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use libbpf_cargo::SkeletonBuilder;

const OLDEST_CLANG: u32 = 16;
const NEWEST_CLANG: u32 = 30;

fn main() {
    let bpf = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../bpf");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("wakechain.skel.rs");
    let processor = match env::var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("x86_64") => "x86",
        Ok("aarch64") => "arm64",
        other => panic!("Wakechain knows x86_64 and aarch64, not {other:?}."),
    };
    SkeletonBuilder::new()
        .source(bpf.join("wakechain.bpf.c"))
        .clang(clang())
        .clang_args([
            format!("-D__TARGET_ARCH_{processor}"),
            "-mcpu=v3".to_owned(),
            "-Wall".to_owned(),
            "-Werror".to_owned(),
            "-Wno-unused-function".to_owned(),
        ])
        .build_and_generate(&out)
        .expect("the probes must compile");
    println!("cargo:rerun-if-changed={}", bpf.display());
    println!("cargo:rerun-if-env-changed=CLANG");
}

fn clang() -> PathBuf {
    if let Some(chosen) = env::var_os("CLANG") {
        return chosen.into();
    }
    (OLDEST_CLANG..=NEWEST_CLANG)
        .rev()
        .map(|version| format!("clang-{version}"))
        .chain(["clang".to_owned()])
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success()))
        .map(PathBuf::from)
        .unwrap_or_else(|| panic!("No clang found: install clang-{OLDEST_CLANG} or newer, or set CLANG."))
}
