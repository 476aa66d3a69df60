//! What the kernel is and allows.

use super::{Item, text};
use std::fs;
use std::io::{BufRead, BufReader};

/// Ring buffer 5.8, task storage in tracing programs 5.11, cookies of uprobes 5.15.
const OLDEST: (u32, u32) = (5, 15);

pub fn version() -> Item {
    let release = text("/proc/sys/kernel/osrelease").unwrap_or_default();
    judge_version(&release, std::env::consts::ARCH)
}

fn judge_version(release: &str, machine: &str) -> Item {
    let found = format!("Linux {release} on {machine}");
    match parse_release(release) {
        Some(version) if version >= OLDEST => Item::pass("kernel", found),
        Some(_) => Item::fail(
            "kernel",
            found,
            "The probes need task storage and uprobe cookies, which came with Linux 5.15.",
            "Use a host with Linux 5.15 or newer (Ubuntu 22.04, Debian 12, RHEL 9.4).",
        ),
        None => Item::degraded(
            "kernel",
            format!("The kernel's version cannot be read from '{release}'."),
            "Whether it is new enough shows only when the probes load.",
            "",
        ),
    }
}

fn parse_release(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

pub fn btf() -> Item {
    match fs::File::open("/sys/kernel/btf/vmlinux") {
        Ok(_) => Item::pass("btf", "The kernel describes its own types (/sys/kernel/btf/vmlinux)."),
        Err(error) => Item::fail(
            "btf",
            format!("The kernel's type information, /sys/kernel/btf/vmlinux, cannot be read: {error}."),
            "Without it the probes cannot find their way in this kernel's structures.",
            "Use a kernel built with CONFIG_DEBUG_INFO_BTF=y: those of Debian, Ubuntu, Fedora and RHEL are.",
        ),
    }
}

pub fn lockdown() -> Item {
    judge_lockdown(text("/sys/kernel/security/lockdown").as_deref())
}

/// `none [integrity] confidentiality`: the one in force is in brackets.
fn judge_lockdown(text: Option<&str>) -> Item {
    let mode = text.and_then(|text| text.split_once('[')?.1.split_once(']')).map(|(mode, _)| mode);
    match mode {
        None | Some("none") => Item::pass("lockdown", "The kernel is not locked down."),
        Some("confidentiality") => Item::fail(
            "lockdown",
            "The kernel is locked down for confidentiality.",
            "BPF programs may then read nothing of the kernel, so no probe can work.",
            "Boot with lockdown=integrity, or without the lockdown= parameter.",
        ),
        Some(mode) => {
            Item::pass("lockdown", format!("The kernel's lockdown mode is {mode}, which allows what is needed."))
        }
    }
}

pub fn perf_events() -> Item {
    let level = text("/proc/sys/kernel/perf_event_paranoid");
    match level.as_deref() {
        Some(level) => Item::pass(
            "perf_event_paranoid",
            format!("kernel.perf_event_paranoid is {level}; it does not bind root or CAP_PERFMON."),
        ),
        None => Item::fail(
            "perf_event_paranoid",
            "The kernel has no perf events.",
            "Uprobes cannot be attached without them.",
            "Use a kernel built with CONFIG_PERF_EVENTS=y.",
        ),
    }
}

/// Whether kernel frames can be named: tried, since `kptr_restrict`, capabilities and lockdown all have a say.
pub fn symbols() -> Item {
    let restrict = text("/proc/sys/kernel/kptr_restrict").unwrap_or_else(|| "unknown".to_owned());
    // the first symbols can be offsets of variables that each CPU has, from 0 on
    let shown = |line: &String| line.bytes().take_while(|byte| *byte != b' ').any(|byte| byte != b'0');
    let named = fs::File::open("/proc/kallsyms")
        .is_ok_and(|file| BufReader::new(file).lines().map_while(Result::ok).take(10_000).any(|line| shown(&line)));
    if named {
        return Item::pass(
            "kernel_symbols",
            format!("Kernel functions have names here (kernel.kptr_restrict is {restrict})."),
        );
    }
    // 2 hides them from everyone; below that, root and CAP_SYSLOG see them.
    let hint = if restrict == "2" { "sysctl -w kernel.kptr_restrict=1" } else { "Run it as root or with CAP_SYSLOG." };
    Item::degraded(
        "kernel_symbols",
        format!("The addresses of kernel functions are hidden (kernel.kptr_restrict is {restrict})."),
        "Kernel frames stay without names, and wake-ups by interrupts cannot be told from others.",
        hint,
    )
}

pub fn control_groups() -> Item {
    let has = |path: &str| fs::metadata(path).is_ok();
    let (unified, hybrid) =
        (has("/sys/fs/cgroup/cgroup.controllers"), has("/sys/fs/cgroup/unified/cgroup.controllers"));
    match (unified, hybrid, has("/sys/fs/cgroup/cpu")) {
        (true, _, _) => Item::pass("cgroup", "Control groups are of version 2."),
        (_, true, _) => Item::pass("cgroup", "Control groups are hybrid: limits of version 1, names of version 2."),
        (_, _, true) => Item::degraded(
            "cgroup",
            "Control groups are of version 1.",
            "A thread's group is known, but a BPF program sees no id for it.",
            "Boot with systemd.unified_cgroup_hierarchy=1 if containers matter.",
        ),
        _ => Item::degraded("cgroup", "No control groups are mounted here.", "Containers are not told apart.", ""),
    }
}

/// Uprobes go through the perf_event_open(2) interface, not through tracefs.
pub fn tracefs() -> Item {
    let by_perf = fs::metadata("/sys/bus/event_source/devices/uprobe/type").is_ok();
    let mounted = ["/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events"]
        .into_iter()
        .find(|path| fs::metadata(path).is_ok());
    match (by_perf, mounted) {
        (true, Some(path)) => Item::pass("tracefs", format!("Uprobes are available; tracefs is mounted ({path}).")),
        (true, None) => Item::pass("tracefs", "Uprobes are available; tracefs is not mounted and not needed."),
        (false, _) => Item::fail(
            "tracefs",
            "The kernel offers no uprobes (/sys/bus/event_source/devices/uprobe is missing).",
            "CUDA calls cannot be seen without them.",
            "Use a kernel built with CONFIG_UPROBE_EVENTS=y; in a container, let it see /sys.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::State::{self, Degraded, Fail, Pass};

    #[test]
    fn versions() {
        let cases: &[(&str, State)] = &[
            ("6.18.5", Pass),
            ("5.15.0-101-generic", Pass),
            ("5.14.0-427.el9.x86_64", Fail),
            ("4.18.0-553.el8_10.x86_64", Fail),
            ("10.0-rc1", Pass),
            ("mainline", Degraded),
        ];
        for (release, state) in cases {
            assert_eq!(judge_version(release, "x86_64").state, *state, "{release}");
        }
    }

    #[test]
    fn lockdown_modes() {
        let cases: &[(Option<&str>, State)] = &[
            (None, Pass),
            (Some("[none] integrity confidentiality"), Pass),
            (Some("none [integrity] confidentiality"), Pass),
            (Some("none integrity [confidentiality]"), Fail),
        ];
        for (text, state) in cases {
            assert_eq!(judge_lockdown(*text).state, *state, "{text:?}");
        }
    }
}
