//! The command of `capture -- COMMAND`: started, but held before its exec until the probes are in.
//!
//! The child is there (so it can be a target) and waits on a pipe. Its libraries are not mapped yet: they are looked for
//! where the loader will look, so that not even the first call is missed. What is loaded otherwise is found later, by
//! looking at its mappings.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use object::read::elf::{FileHeader, ProgramHeader};
use wakechain_host::libraries::{CudaFile, Library, has_linked};
use wakechain_host::mappings::FileId;

use crate::error::CaptureError;
use crate::options::CommandLine;
use crate::sys;

/// A command that is still there when the capture ends is asked to go, and after this time made to.
const GOODBYE: Duration = Duration::from_secs(2);

/// Held before its exec.
pub struct HeldCommand {
    pub pid: u32,
    gate: OwnedFd,
    starting: JoinHandle<std::io::Result<Child>>,
    name: String,
}

pub struct RunningCommand {
    child: Child,
}

impl HeldCommand {
    pub fn start(line: &CommandLine) -> Result<HeldCommand, CaptureError> {
        let Some((program, arguments)) = line.arguments.split_first() else {
            return Err(CaptureError::new("command_start", "No command was given.", "Write it after `--`."));
        };
        let name = program.to_string_lossy().into_owned();
        let failed = |error: std::io::Error| {
            CaptureError::new("command_start", format!("{name} cannot be started: {error}."), "")
        };
        let (told, tell) = sys::pipe().map_err(failed)?;
        let (wait, gate) = sys::pipe().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        // Standard output is the collector's own: lines of JSON.
        let stderr = std::io::stderr();
        command.stdout(Stdio::from(stderr.as_fd().try_clone_to_owned().map_err(failed)?));
        if let Some(user) = &line.user {
            command.env("USER", &user.name).env("LOGNAME", &user.name).env("HOME", &user.home);
        }
        let user = line.user.as_ref().map(|user| (user.user_id, user.group_id, user.groups.clone()));
        sys::hold_before_exec(&mut command, tell, wait, gate.as_raw_fd(), user);
        // spawn() returns only after the exec, so it waits in a thread of its own.
        let starting = std::thread::Builder::new()
            .name("wakechain-start".into())
            .spawn(move || {
                let mut command = command;
                command.spawn()
            })
            .map_err(failed)?;
        let mut pid = [0; 4];
        match File::from(told).read_exact(&mut pid) {
            Ok(()) => Ok(HeldCommand { pid: u32::from_ne_bytes(pid), gate, starting, name }),
            Err(_) => Err(match starting.join() {
                Ok(Err(error)) => failed(error),
                _ => CaptureError::new("command_start", format!("{name} cannot be started."), ""),
            }),
        }
    }

    /// Lets it run; returns once it has become the command.
    pub fn release(self) -> Result<RunningCommand, CaptureError> {
        let HeldCommand { gate, starting, name, .. } = self;
        let opened = File::from(gate).write_all(&[1]);
        let started = starting
            .join()
            .map_err(|_| CaptureError::new("command_start", format!("{name} cannot be started."), ""))?;
        let hint = "Give a program that exists and may be executed by that user.";
        match opened.and(started) {
            Ok(child) => Ok(RunningCommand { child }),
            Err(error) => Err(CaptureError::new("command_start", format!("{name} cannot be started: {error}."), hint)),
        }
    }
}

impl RunningCommand {
    /// Its exit status, or 128 + signal; `None` while it runs.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.try_wait().ok().flatten().map(exit_status)
    }

    /// Ends it where it still runs, with all of its group. What a command that ended by itself left in the background
    /// was meant to outlive it, and does.
    pub fn end(&mut self) -> Option<i32> {
        if let Some(status) = self.ended() {
            return Some(status);
        }
        let group = self.child.id();
        let asked = Instant::now();
        sys::signal_group(group, libc::SIGTERM);
        let mut status = None;
        // While one of the group is there, its number is no other's: looked at often, it cannot have changed hands.
        while status.is_none() || sys::signal_group(group, 0) {
            if asked.elapsed() > GOODBYE {
                sys::signal_group(group, libc::SIGKILL);
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
            status = status.or_else(|| self.ended());
        }
        status.or_else(|| self.child.wait().ok().map(exit_status))
    }
}

fn exit_status(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// CUDA libraries in the places where the loader will look for the command's libraries.
pub fn libraries_it_may_load(line: &CommandLine) -> Vec<CudaFile> {
    let mut places: Vec<PathBuf> = Vec::new();
    if let Some(path) = env::var_os("LD_LIBRARY_PATH") {
        places.extend(env::split_paths(&path));
    }
    let executable = line.arguments.first().and_then(|program| find_program(program));
    if let Some(executable) = &executable {
        places.extend(run_paths(executable));
    }
    let preloaded = env::var_os("LD_PRELOAD").unwrap_or_default();
    let preloaded = preloaded
        .as_bytes()
        .split(|byte| matches!(byte, b':' | b' '))
        .map(|path| PathBuf::from(OsStr::from_bytes(path)));
    let mut files: BTreeSet<PathBuf> = preloaded.chain(cached_libraries()).collect();
    for place in places {
        files.extend(fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
    let by_name = files.iter().filter_map(|path| {
        let library = Library::of_file_name(path.file_name()?.to_str()?)?;
        cuda_file(path, library, false)
    });
    let linked = executable.filter(|path| has_linked(path));
    by_name.chain(linked.and_then(|path| cuda_file(&path, Library::Runtime, true))).collect()
}

fn cuda_file(path: &Path, library: Library, is_static: bool) -> Option<CudaFile> {
    let real = fs::canonicalize(path).ok()?;
    let metadata = fs::metadata(&real).ok().filter(fs::Metadata::is_file)?;
    // `libcudart.so.12.map` is named like a library, too
    let mut magic = [0; 4];
    File::open(&real).ok()?.read_exact(&mut magic).ok().filter(|()| magic == *b"\x7fELF")?;
    let device = metadata.dev();
    let file = FileId { major: libc::major(device), minor: libc::minor(device), inode: metadata.ino() };
    Some(CudaFile {
        library,
        file,
        path: real.to_string_lossy().into_owned(),
        open_path: real,
        is_static,
        deleted: false,
    })
}

fn find_program(program: &OsStr) -> Option<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return Some(PathBuf::from(program));
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|place| place.join(program)).find(|file| {
        fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    })
}

/// Paths in /etc/ld.so.cache: whatever its format, they stand there as zero-terminated texts.
fn cached_libraries() -> Vec<PathBuf> {
    let cache = fs::read("/etc/ld.so.cache").unwrap_or_default();
    let texts = cache.split(|byte| *byte == 0).filter(|text| text.first() == Some(&b'/'));
    texts.map(|text| PathBuf::from(OsStr::from_bytes(text))).filter(|path| path.is_absolute()).collect()
}

/// DT_RPATH and DT_RUNPATH of an executable, with $ORIGIN replaced.
fn run_paths(executable: &Path) -> Vec<PathBuf> {
    let Ok(real) = fs::canonicalize(executable) else { return Vec::new() };
    let Ok(data) = fs::read(&real) else { return Vec::new() };
    let origin = real.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
    let texts = run_path_texts(&data).unwrap_or_default();
    let places = texts.iter().flat_map(|text| text.split(':'));
    places.map(|place| PathBuf::from(place.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin))).collect()
}

fn run_path_texts(data: &[u8]) -> Option<Vec<String>> {
    let header = object::elf::FileHeader64::<object::Endianness>::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, data).ok()?;
    let dynamic = segments.iter().find_map(|segment| segment.dynamic(endian, data).ok().flatten())?;
    let value = |wanted: i64| {
        dynamic.iter().filter(move |entry| entry.d_tag.get(endian) == wanted).map(|entry| entry.d_val.get(endian))
    };
    let strings_at = value(object::elf::DT_STRTAB).next()?;
    let strings = segments.iter().find_map(|segment| {
        let start = segment.p_vaddr(endian);
        let bytes = segment.data(endian, data).ok()?;
        bytes.get(usize::try_from(strings_at.checked_sub(start)?).ok()?..)
    })?;
    let text = |at: u64| {
        let from = strings.get(usize::try_from(at).ok()?..)?;
        Some(String::from_utf8_lossy(from.split(|byte| *byte == 0).next()?).into_owned())
    };
    Some(value(object::elf::DT_RUNPATH).chain(value(object::elf::DT_RPATH)).filter_map(text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn line(arguments: &[&str]) -> CommandLine {
        CommandLine { arguments: arguments.iter().map(OsString::from).collect(), user: None }
    }

    #[test]
    fn a_command_waits_before_its_exec_and_then_says_how_it_ended() {
        let held = HeldCommand::start(&line(&["sh", "-c", "exit 7"])).expect("sh is there");
        let program = fs::read_link(format!("/proc/{}/exe", held.pid)).expect("it is there");
        assert_eq!(program, env::current_exe().expect("known"), "it is still the one that started it");
        let mut running = held.release().expect("sh can be started");
        let status = (0..500).find_map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            running.ended()
        });
        assert_eq!(status, Some(7));
    }

    #[test]
    fn a_command_that_does_not_exist_is_said_to_be_so() {
        let held = HeldCommand::start(&line(&["/nonexistent/program"]));
        let error = held.and_then(HeldCommand::release).err().expect("it cannot start");
        assert_eq!(error.code, "command_start");
        assert!(error.message.contains("/nonexistent/program"), "{error}");
    }

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        let mut running =
            HeldCommand::start(&line(&["sleep", "60"])).and_then(HeldCommand::release).expect("sleep is there");
        assert_eq!(running.end(), Some(128 + libc::SIGTERM));
    }

    /// Runs a shell line that writes the pid of its background job, and ends it once that is there, or has ended itself.
    fn background_job_after(shell: &str, ends_itself: bool) -> (bool, u32) {
        let folder = tempfile::tempdir().expect("tempdir");
        let file = folder.path().join("pid");
        let shell = shell.replace("FILE", &file.to_string_lossy());
        let mut running =
            HeldCommand::start(&line(&["sh", "-c", &shell])).and_then(HeldCommand::release).expect("sh is there");
        let pid = (0..1000).find_map(|_| {
            std::thread::sleep(Duration::from_millis(5));
            let pid = fs::read_to_string(&file).ok()?.trim().parse::<u32>().ok()?;
            (!ends_itself || running.ended().is_some()).then_some(pid)
        });
        running.end();
        let pid = pid.expect("the job's pid");
        // The signal has been sent; the job may take a moment to be gone. One that nobody waits for stays as a zombie.
        let lives = || fs::read_link(format!("/proc/{pid}/exe")).is_ok();
        let goes = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            !lives()
        });
        (!goes, pid)
    }

    #[test]
    fn with_a_command_that_is_ended_go_its_background_jobs_even_stubborn_ones() {
        let stubborn = "(trap '' TERM; exec sleep 60) & sleep 0.3; echo $! > FILE; wait";
        assert!(!background_job_after(stubborn, false).0);
    }

    #[test]
    fn what_a_command_left_in_the_background_goes_on() {
        let (lives, pid) = background_job_after("sleep 60 & echo $! > FILE", true);
        assert!(lives);
        let _ = std::process::Command::new("kill").arg(pid.to_string()).status();
    }
}
