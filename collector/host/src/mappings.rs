//! The files that a process maps. Files are told apart by device and inode, never by name: containers, wheels and
//! upgrades give one name to several files, and a deleted file has none at all.

use crate::HostError;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// A file as the kernel knows it. Equal in `/proc/PID/maps` of every process that maps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    pub major: u32,
    pub minor: u32,
    pub inode: u64,
}

/// One line of `/proc/PID/maps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub start: u64,
    pub end: u64,
    /// In the file, bytes.
    pub offset: u64,
    pub executable: bool,
    pub file: FileId,
    /// As the process sees it, in its own mount namespace; `[heap]` and the like for what is no file; may be empty.
    pub path: String,
    /// The name is gone (`apt upgrade`, a wheel removed); the file lives on while it is mapped.
    pub deleted: bool,
}

impl Mapping {
    pub fn is_file(&self) -> bool {
        self.file.inode != 0 && self.path.starts_with('/')
    }

    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// The thread through which a process can be looked into: its first, or, where that one has left (pthread_exit) and
/// let go of the memory that the others still share, one of them. `/proc/TID` is there for every thread. `None`: a
/// zombie, a kernel thread, or gone.
pub fn living_thread(pid: u32) -> Option<u32> {
    let has_memory = |tid: &u32| fs::read_link(format!("/proc/{tid}/exe")).is_ok();
    if has_memory(&pid) {
        return Some(pid);
    }
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks.filter_map(|task| task.file_name().to_str()?.parse().ok()).find(has_memory)
}

/// All mappings of a process, in order of address.
pub fn mappings(pid: u32) -> Result<Vec<Mapping>, HostError> {
    let living = living_thread(pid).unwrap_or(pid);
    let text = fs::read(format!("/proc/{living}/maps")).map_err(|error| HostError::of_process(pid, error))?;
    Ok(parse(&String::from_utf8_lossy(&text)))
}

fn parse(text: &str) -> Vec<Mapping> {
    text.lines().filter_map(parse_line).collect()
}

/// `7f00-7f10 r-xp 00001000 fd:00 1234    /usr/lib/libx.so (deleted)`; the path may hold blanks, a newline is `\012`.
fn parse_line(line: &str) -> Option<Mapping> {
    let mut rest = line;
    let mut field = || {
        let (head, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        rest = tail;
        head
    };
    let (start, end) = field().split_once('-')?;
    let permissions = field();
    let offset = field();
    let (major, minor) = field().split_once(':')?;
    let inode = field();
    let named = rest.trim_start();
    let (path, deleted) = match named.strip_suffix(" (deleted)") {
        Some(path) => (path, true),
        None => (named, false),
    };
    Some(Mapping {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        offset: u64::from_str_radix(offset, 16).ok()?,
        executable: permissions.as_bytes().get(2) == Some(&b'x'),
        file: FileId {
            major: u32::from_str_radix(major, 16).ok()?,
            minor: u32::from_str_radix(minor, 16).ok()?,
            inode: inode.parse().ok()?,
        },
        path: path.replace("\\012", "\n"),
        deleted,
    })
}

/// A path by which this process can open the very file that is mapped, while the process lives.
///
/// `/proc/PID/map_files` is that file whatever its name has become, but wants CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE;
/// without them the name inside the process's own root must do, if it still leads to the same inode. (The device is not
/// compared: overlayfs and btrfs show another one in `maps` than in `stat`.)
pub fn open_path(pid: u32, mapping: &Mapping) -> Option<PathBuf> {
    let pid = living_thread(pid).unwrap_or(pid);
    let by_address = PathBuf::from(format!("/proc/{pid}/map_files/{:x}-{:x}", mapping.start, mapping.end));
    if fs::File::open(&by_address).is_ok() {
        return Some(by_address);
    }
    let by_name = PathBuf::from(format!("/proc/{pid}/root{}", mapping.path));
    let same = fs::metadata(&by_name).is_ok_and(|found| found.ino() == mapping.file.inode);
    (same && fs::File::open(&by_name).is_ok()).then_some(by_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_kind() {
        let text = "\
55d0c0000000-55d0c0001000 r-xp 00001000 fd:10 1837 /opt/a program/x
7f0000000000-7f0000021000 rw-p 00000000 00:00 0 
7f0000100000-7f0000200000 r--p 00000000 08:01 99                         /usr/lib/libcudart.so.12 (deleted)
7ffd00000000-7ffd00001000 rw-p 00000000 00:00 0                          [stack]
7f0000300000-7f0000400000 r--s 00000000 00:1c 7                          /tmp/new\\012line
not a mapping
";
        let found = parse(text);
        assert_eq!(found.len(), 5);
        assert_eq!(found[0].path, "/opt/a program/x");
        assert!(found[0].executable && found[0].is_file() && !found[0].deleted);
        assert_eq!(found[0].offset, 0x1000);
        assert_eq!(found[0].file, FileId { major: 0xfd, minor: 0x10, inode: 1837 });
        assert_eq!((found[1].path.as_str(), found[1].is_file()), ("", false));
        assert!(found[2].deleted && !found[2].executable);
        assert_eq!(found[2].file_name(), "libcudart.so.12");
        assert!(!found[3].is_file());
        assert_eq!(found[4].path, "/tmp/new\nline");
    }

    #[test]
    fn our_own_mappings_hold_the_code_that_runs() {
        let here = lines_of_every_kind as fn() as usize as u64;
        let own = mappings(std::process::id()).expect("own maps");
        let code = own.iter().find(|m| m.start <= here && here < m.end).expect("the mapping of this function");
        assert!(code.executable && code.is_file());
        let opened = open_path(std::process::id(), code).expect("own executable can be opened");
        let (a, b) = (fs::metadata(opened).expect("stat"), fs::metadata("/proc/self/exe").expect("stat"));
        assert_eq!((a.ino(), a.dev()), (b.ino(), b.dev()));
    }

    /// Its first thread has left, by the system call itself; another one goes on.
    const WITHOUT_LEADER: &str = "import ctypes, platform, threading, time
threading.Thread(target=time.sleep, args=(30,)).start()
ctypes.CDLL(None).syscall(60 if platform.machine() == 'x86_64' else 93, 0)";

    #[test]
    fn a_process_whose_first_thread_has_left_is_still_looked_into() {
        let mut child = std::process::Command::new("python3").args(["-c", WITHOUT_LEADER]).spawn().expect("python3");
        let pid = child.id();
        let left = || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
        let in_time = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            left()
        });
        let (living, found, facts) = (living_thread(pid), mappings(pid), crate::process::facts(pid));
        let opened = found.as_ref().ok().and_then(|all| open_path(pid, all.iter().find(|one| one.is_file())?));
        child.kill().expect("ours");
        let zombie = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            living_thread(pid).is_none()
        });
        child.wait().expect("ours");
        assert!(in_time, "the first thread leaves");
        assert!(living.is_some_and(|tid| tid != pid), "{living:?}");
        assert!(found.expect("its mappings").iter().any(|mapping| mapping.executable && mapping.is_file()));
        assert!(opened.is_some());
        let facts = facts.expect("its facts");
        assert!(facts.executable.is_some() && facts.command_line.contains("python3"), "{facts:?}");
        assert!(zombie, "that all threads have left is told");
    }

    #[test]
    fn a_process_that_is_gone_is_said_to_be_gone() {
        assert!(matches!(mappings(u32::MAX), Err(HostError::NoProcess { pid: u32::MAX })));
    }
}
