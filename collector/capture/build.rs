//! Compiles the probes (bpf/) with clang and makes their Rust skeleton.
//!
//! CLANG chooses the compiler; else the newest clang of 16 or later that is found.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use libbpf_cargo::SkeletonBuilder;
use sha2::{Digest, Sha256};

const OLDEST_CLANG: u32 = 16;
const NEWEST_CLANG: u32 = 30;

fn main() {
    let bpf = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../bpf");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let object = out.join("wakechain.bpf.o");
    let processor = match env::var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("x86_64") => "x86",
        Ok("aarch64") => "arm64",
        other => panic!("Wakechain knows x86_64 and aarch64, not {other:?}."),
    };
    SkeletonBuilder::new()
        .source(bpf.join("wakechain.bpf.c"))
        .obj(&object)
        .clang(clang())
        .clang_args([
            format!("-D__TARGET_ARCH_{processor}"),
            "-mcpu=v3".to_owned(),
            "-Wall".to_owned(),
            "-Werror".to_owned(),
            "-Wno-unused-function".to_owned(),
            // The object holds the names of its sources: the same ones wherever it is built.
            format!("-ffile-prefix-map={}=bpf", bpf.display()),
        ])
        .build_and_generate(out.join("wakechain.skel.rs"))
        .expect("the probes must compile");
    let hash = Sha256::digest(fs::read(&object).expect("the object was just made"));
    let build_id: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    println!("cargo:rustc-env=WAKECHAIN_BPF_BUILD_ID={build_id}");
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
