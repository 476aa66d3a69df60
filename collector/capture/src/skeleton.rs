//! The probes as libbpf-cargo made them from bpf/ (see build.rs): generated code, so the lints do not apply to it.
#![allow(unsafe_code, clippy::all, clippy::unwrap_used, dead_code)]

include!(concat!(env!("OUT_DIR"), "/wakechain.skel.rs"));
