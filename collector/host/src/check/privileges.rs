//! What this process may do. Not who it is: root in a container often may not, and an ordinary user with the right
//! capabilities may.

use super::{Item, text};
use crate::process::status_field;
use std::fs;

/// Bits of `CapEff` (include/uapi/linux/capability.h).
const CAP_DAC_READ_SEARCH: u32 = 2;
const CAP_SYS_PTRACE: u32 = 19;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// Inode numbers of the first namespaces (include/linux/proc_ns.h).
const FIRST_USER_NAMESPACE: &str = "user:[4026531837]";
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

const HOW: &str = "Run it through sudo, or once: setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search,cap_syslog+ep on \
                   the collector.";

pub fn capabilities() -> Item {
    let status = text("/proc/self/status").unwrap_or_default();
    let effective = status_field(&status, "CapEff").and_then(|bits| u64::from_str_radix(bits, 16).ok()).unwrap_or(0);
    let user = status_field(&status, "Uid").and_then(|ids| ids.split_whitespace().nth(1)).unwrap_or("?").to_owned();
    judge_capabilities(effective, &user)
}

fn judge_capabilities(effective: u64, user: &str) -> Item {
    let has = |bit: u32| effective >> bit & 1 == 1;
    let named = |wanted: &[(&'static str, u32, bool)]| -> Vec<&'static str> {
        wanted
            .iter()
            .filter(|(_, bit, by_admin)| !(has(*bit) || *by_admin && has(CAP_SYS_ADMIN)))
            .map(|w| w.0)
            .collect()
    };
    let to_load = named(&[("CAP_BPF", CAP_BPF, true), ("CAP_PERFMON", CAP_PERFMON, true)]);
    let to_look =
        named(&[("CAP_SYS_PTRACE", CAP_SYS_PTRACE, false), ("CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH, false)]);
    if !to_load.is_empty() {
        let missing: Vec<&str> = to_load.into_iter().chain(to_look).collect();
        Item::fail(
            "privileges",
            format!("User {user} lacks {} here.", missing.join(", ")),
            "BPF programs cannot be loaded or attached.",
            HOW,
        )
    } else if !to_look.is_empty() {
        Item::degraded(
            "privileges",
            format!("User {user} lacks {} here.", to_look.join(", ")),
            "Only processes and libraries of this user can be looked into: those of others stay without CUDA calls.",
            HOW,
        )
    } else {
        Item::pass("privileges", format!("User {user} has the capabilities that are needed."))
    }
}

pub fn namespaces() -> Item {
    let link =
        |name: &str| fs::read_link(format!("/proc/self/ns/{name}")).map(|path| path.to_string_lossy().into_owned());
    judge_namespaces(link("user").ok().as_deref(), link("pid").ok().as_deref())
}

fn judge_namespaces(user: Option<&str>, pid: Option<&str>) -> Item {
    if user.is_some_and(|user| user != FIRST_USER_NAMESPACE) {
        return Item::fail(
            "namespaces",
            "The collector runs in a user namespace (a rootless container).",
            "Its capabilities do not count outside, and BPF is outside.",
            "Run it on the host itself, as root there.",
        );
    }
    if pid.is_some_and(|pid| pid != FIRST_PID_NAMESPACE) {
        return Item::fail(
            "namespaces",
            "The collector runs in a container's pid namespace.",
            "The kernel's process ids mean other processes there: nothing could be told apart.",
            "Run it on the host itself, or start the container with the host's pid namespace (docker run --pid=host).",
        );
    }
    Item::pass("namespaces", "The collector sees the host's own processes.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::State::{self, Degraded, Fail, Pass};

    #[test]
    fn sets_of_capabilities() {
        let bits = |list: &[u32]| list.iter().fold(0_u64, |set, bit| set | 1 << bit);
        let all = [CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH];
        let cases: &[(u64, State, &str)] = &[
            (0x1ff_ffff_ffff, Pass, ""),
            (bits(&all), Pass, ""),
            (bits(&[CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH]), Pass, ""),
            (bits(&[CAP_BPF, CAP_PERFMON]), Degraded, "CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH"),
            (bits(&[CAP_SYS_ADMIN, CAP_SYS_PTRACE]), Degraded, "CAP_DAC_READ_SEARCH"),
            (bits(&[CAP_BPF, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH]), Fail, "CAP_PERFMON"),
            (0, Fail, "CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH"),
        ];
        for (effective, state, missing) in cases {
            let item = judge_capabilities(*effective, "1000");
            assert_eq!(item.state, *state, "{effective:#x}");
            assert!(item.message.contains(missing), "{}", item.message);
        }
    }

    #[test]
    fn first_namespaces_only() {
        let judge = |user, pid| judge_namespaces(user, pid).state;
        assert_eq!(judge(Some(FIRST_USER_NAMESPACE), Some(FIRST_PID_NAMESPACE)), Pass);
        assert_eq!(judge(Some("user:[4026532291]"), Some(FIRST_PID_NAMESPACE)), Fail);
        assert_eq!(judge(Some(FIRST_USER_NAMESPACE), Some("pid:[4026532290]")), Fail);
    }
}
