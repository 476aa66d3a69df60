//! What files and sockets are called: the records that the probes send once for each object that a thread waited for.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use wakechain_wire::*;

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const TCP_LISTEN: u16 = 10;

/// Names of protocols that sockets commonly have (netinet/in.h); others keep their number.
const PROTOCOLS: [(u16, &str); 3] = [(6, "tcp"), (17, "udp"), (132, "sctp")];

#[derive(Default)]
pub struct Objects {
    /// By inode and device.
    files: HashMap<(u64, u32), String>,
    /// By inode: a socket's name changes when it connects, and then the later one says more.
    sockets: HashMap<u64, Vec<(u64, String)>>,
    /// Records of both kinds.
    pub records: u64,
}

impl Objects {
    pub fn take_file(&mut self, record: &FileRecord) {
        self.records += 1;
        if let Some(path) = path(record) {
            self.files.insert((record.inode, record.device), path);
        }
    }

    pub fn take_socket(&mut self, record: &SocketRecord) {
        self.records += 1;
        if let Some(name) = socket_name(record) {
            self.sockets.entry(record.inode).or_default().push((record.at_ns, name));
        }
    }

    pub fn file(&self, inode: u64, device: u32) -> Option<&str> {
        self.files.get(&(inode, device)).map(String::as_str)
    }

    /// As it was called at that moment, or first after it.
    pub fn socket(&self, inode: u64, at_ns: u64) -> Option<&str> {
        let names = self.sockets.get(&inode)?;
        let before = names.iter().filter(|(from_ns, _)| *from_ns <= at_ns).max_by_key(|(from_ns, _)| *from_ns);
        let found = before.or_else(|| names.iter().min_by_key(|(from_ns, _)| *from_ns));
        found.map(|(_, name)| name.as_str())
    }
}

/// A path whose beginning did not fit begins with three dots.
fn path(record: &FileRecord) -> Option<String> {
    let parts: Vec<String> = record
        .names
        .chunks_exact(FILE_PART_BYTES as usize)
        .take(record.parts.min(FILE_PATH_PARTS) as usize)
        .map(text)
        .collect();
    if parts.is_empty() {
        return (record.is_whole != 0).then(|| "/".into());
    }
    let below: Vec<&str> = parts.iter().rev().map(String::as_str).collect();
    Some(format!("{}/{}", if record.is_whole != 0 { "" } else { "..." }, below.join("/")))
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

/// `tcp 127.0.0.1:5000 -> 127.0.0.1:6000`, `tcp [::]:80 (listening)`, `unix /run/socket`, `unix (peer 1234)`.
fn socket_name(record: &SocketRecord) -> Option<String> {
    match record.family {
        AF_INET | AF_INET6 => {
            let protocol = PROTOCOLS
                .iter()
                .find(|(number, _)| *number == record.protocol)
                .map_or_else(|| format!("protocol {}", record.protocol), |(_, name)| (*name).to_string());
            let local = address(record.family, &record.local, record.local_port);
            Some(if record.state == TCP_LISTEN {
                format!("{protocol} {local} (listening)")
            } else if record.remote_port == 0 {
                format!("{protocol} {local}")
            } else {
                format!("{protocol} {local} -> {}", address(record.family, &record.remote, record.remote_port))
            })
        }
        AF_UNIX => {
            let path = record.path.get(..record.path_bytes.min(108) as usize).unwrap_or_default();
            Some(match path.split_first() {
                Some((0, rest)) => format!("unix @{}", text(rest)),
                Some(_) => format!("unix {}", text(path)),
                None if record.peer_inode != 0 => format!("unix (peer {})", record.peer_inode),
                None => "unix".into(),
            })
        }
        _ => None,
    }
}

/// `127.0.0.1:80`, `[::1]:80`; an IPv4 address that an IPv6 socket talks to is shown as what it is.
pub fn address(family: u16, bytes: &[u8; 16], port: u16) -> String {
    let [a, b, c, d, ..] = *bytes;
    if family == AF_INET {
        return SocketAddr::from((Ipv4Addr::new(a, b, c, d), port)).to_string();
    }
    let address = Ipv6Addr::from(*bytes);
    match address.to_ipv4_mapped() {
        Some(mapped) => SocketAddr::from((mapped, port)).to_string(),
        None => SocketAddr::from((address, port)).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(parts: &[&str], is_whole: bool) -> FileRecord {
        let mut names = [0; 1024];
        for (slot, part) in names.chunks_exact_mut(FILE_PART_BYTES as usize).zip(parts) {
            slot[..part.len()].copy_from_slice(part.as_bytes());
        }
        FileRecord { names, parts: parts.len() as u32, is_whole: u32::from(is_whole), ..FileRecord::default() }
    }

    #[test]
    fn paths_are_told_innermost_first() {
        assert_eq!(path(&file(&["shard-1", "models", "srv"], true)).as_deref(), Some("/srv/models/shard-1"));
        assert_eq!(path(&file(&["shard-1", "models"], false)).as_deref(), Some(".../models/shard-1"));
        assert_eq!(path(&file(&[], true)).as_deref(), Some("/"));
        assert_eq!(path(&file(&[], false)), None);
    }

    #[test]
    fn sockets_by_their_ends() {
        let mut record = SocketRecord::default();
        record.family = AF_INET;
        record.protocol = 6;
        record.local[..4].copy_from_slice(&[127, 0, 0, 1]);
        record.local_port = 5000;
        assert_eq!(socket_name(&record).as_deref(), Some("tcp 127.0.0.1:5000"));
        record.state = TCP_LISTEN;
        assert_eq!(socket_name(&record).as_deref(), Some("tcp 127.0.0.1:5000 (listening)"));
        record.state = 1;
        record.family = AF_INET6;
        record.local = Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().octets();
        record.remote = Ipv6Addr::LOCALHOST.octets();
        record.remote_port = 80;
        assert_eq!(socket_name(&record).as_deref(), Some("tcp 10.0.0.1:5000 -> [::1]:80"));
        let mut record = SocketRecord::default();
        record.family = AF_UNIX;
        record.peer_inode = 77;
        assert_eq!(socket_name(&record).as_deref(), Some("unix (peer 77)"));
        record.path[1..4].copy_from_slice(b"bus");
        record.path_bytes = 4;
        assert_eq!(socket_name(&record).as_deref(), Some("unix @bus"));
    }

    #[test]
    fn a_socket_is_called_as_it_was_then() {
        let mut objects = Objects::default();
        objects.sockets.insert(5, vec![(200, "later".into()), (100, "first".into())]);
        let names: Vec<_> = [50, 100, 250].map(|at_ns| objects.socket(5, at_ns)).into();
        assert_eq!(names, [Some("first"), Some("first"), Some("later")]);
        assert_eq!(objects.socket(6, 100), None);
    }
}
