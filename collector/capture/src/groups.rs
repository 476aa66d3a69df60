//! CUDA functions that are probed together: those of one category in one file. A group is the smallest part that the
//! governor takes away and puts back, so each has links of its own.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use libbpf_rs::{Link, ProgramMut, UprobeMultiOpts, UprobeOpts};
use wakechain_cuda::{Known, Machine, reading};
use wakechain_host::elf::Function;

use crate::options::Rung;
use crate::probes::Probes;

const EVERY_PROCESS: i32 = -1;

/// Calls that are in progress when a group is taken away get so long to return and be told of.
const LAST_RETURNS: Duration = Duration::from_millis(2);

/// One function that is to be probed.
pub struct Wanted {
    pub function: Function,
    pub known: Known,
    pub index: u32,
}

impl Wanted {
    fn cookie(&self) -> u64 {
        u64::from(self.index) | u64::from(reading::cookie_flags(self.known.roles, Machine::HOST)) << 32
    }
}

pub struct Group {
    pub functions: Vec<Wanted>,
    /// Holds the file: its name may go away while we record.
    file: File,
    links: Vec<Link>,
    leaving: Option<JoinHandle<()>>,
    /// How often it was taken away.
    pub times: u32,
}

impl Group {
    /// Puts the probes in; on failure the functions come back.
    pub fn attach(
        probes: &Probes<'_>,
        path: &Path,
        functions: Vec<Wanted>,
    ) -> Result<Group, (Vec<Wanted>, libbpf_rs::Error)> {
        let made = File::open(path).map_err(libbpf_rs::Error::from).and_then(|file| {
            let links = links(probes, &name_of(&file), &functions)?;
            Ok((file, links))
        });
        match made {
            Ok((file, links)) => Ok(Group { functions, file, links, leaving: None, times: 0 }),
            Err(error) => Err((functions, error)),
        }
    }

    /// Takes the probes away, in a thread of its own, since the kernel waits for whoever is inside one. False when there
    /// can be no such thread: then they stay.
    pub fn take_away(&mut self) -> bool {
        let (hand, taken) = channel();
        self.leaving = thread::Builder::new()
            .name("wakechain-detach".into())
            .spawn(move || {
                let links: Vec<Link> = taken.recv().unwrap_or_default();
                thread::sleep(LAST_RETURNS);
                drop(links);
            })
            .ok();
        self.leaving.is_some() && hand.send(std::mem::take(&mut self.links)).is_ok()
    }

    /// Once, when the probes that were taken away are gone: until then, new ones would count every call twice.
    pub fn has_left(&mut self) -> bool {
        if !self.leaving.as_ref().is_some_and(JoinHandle::is_finished) {
            return false;
        }
        if let Some(leaving) = self.leaving.take() {
            let _ = leaving.join();
        }
        self.times += 1;
        true
    }

    pub fn put_back(&mut self, probes: &Probes<'_>) -> libbpf_rs::Result<()> {
        self.links = links(probes, &name_of(&self.file), &self.functions)?;
        Ok(())
    }

    /// What is to be dropped at the end.
    pub fn end(self) -> Vec<Link> {
        if let Some(leaving) = self.leaving {
            let _ = leaving.join();
        }
        self.links
    }
}

fn name_of(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn links(probes: &Probes<'_>, path: &Path, wanted: &[Wanted]) -> libbpf_rs::Result<Vec<Link>> {
    let places: Vec<(u64, u64)> = wanted.iter().map(|one| (one.function.probe_offset, one.cookie())).collect();
    attach_places(probes, path, &places)
}

/// Probes at (offset in the file, cookie).
pub fn attach_places(probes: &Probes<'_>, path: &Path, places: &[(u64, u64)]) -> libbpf_rs::Result<Vec<Link>> {
    let programs = &probes.skeleton.progs;
    match probes.rung {
        Rung::Session => Ok(vec![multi(&programs.cuda_session, path, places, true, false)?]),
        Rung::Multi => Ok(vec![
            // the return first: an entry without its return would leave a call open for ever
            multi(&programs.cuda_multi_return, path, places, false, true)?,
            multi(&programs.cuda_multi_entry, path, places, false, false)?,
        ]),
        Rung::Link => {
            let mut links = Vec::new();
            for place in places {
                links.push(single(&programs.cuda_link_return, path, *place, true)?);
                links.push(single(&programs.cuda_link_entry, path, *place, false)?);
            }
            Ok(links)
        }
    }
}

fn multi(
    program: &ProgramMut<'_>,
    path: &Path,
    places: &[(u64, u64)],
    session: bool,
    retprobe: bool,
) -> libbpf_rs::Result<Link> {
    let options = UprobeMultiOpts {
        offsets: places.iter().map(|(offset, _)| *offset as usize).collect(),
        cookies: places.iter().map(|(_, cookie)| *cookie).collect(),
        session,
        retprobe,
        ..UprobeMultiOpts::default()
    };
    program.attach_uprobe_multi_with_opts(EVERY_PROCESS, path, "", options)
}

fn single(program: &ProgramMut<'_>, path: &Path, place: (u64, u64), retprobe: bool) -> libbpf_rs::Result<Link> {
    let (offset, cookie) = place;
    let options = UprobeOpts { cookie, retprobe, ..UprobeOpts::default() };
    program.attach_uprobe_with_opts(EVERY_PROCESS, path, offset as usize, options)
}
