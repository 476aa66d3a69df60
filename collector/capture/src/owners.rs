//! Which process holds a socket: the kernel does not keep that, /proc/PID/fd does. Asked for the few sockets that had to
//! send something again, targets first.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

/// One process for each socket that is found; the others may be gone.
pub fn of(sockets: &BTreeSet<u64>, targets: &BTreeSet<u32>, everyone: &[u32]) -> Value {
    let mut wanted = sockets.clone();
    let mut found = Vec::new();
    for pid in targets.iter().chain(everyone.iter().filter(|pid| !targets.contains(pid))) {
        if wanted.is_empty() {
            break;
        }
        for inode in held_by(*pid) {
            if wanted.remove(&inode) {
                found.push(json!({"inode": inode, "pid": pid}));
            }
        }
    }
    json!({ "sockets": found })
}

fn held_by(pid: u32) -> impl Iterator<Item = u64> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    descriptors.filter_map(|descriptor| {
        let link = fs::read_link(descriptor.path()).ok()?;
        link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsRawFd;

    #[test]
    fn an_own_socket() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let link = fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).expect("the descriptor");
        let text = link.to_string_lossy().into_owned();
        let inode: u64 = text.trim_start_matches("socket:[").trim_end_matches(']').parse().expect("an inode");
        let own = std::process::id();
        let told = of(&BTreeSet::from([inode, u64::MAX]), &BTreeSet::new(), &[own]);
        assert_eq!(told, json!({"sockets": [{"inode": inode, "pid": own}]}));
    }
}
