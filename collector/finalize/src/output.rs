//! The file that is handed over: made anew beside its final name, never through a link, and renamed only when it is
//! whole. Root may be writing into a folder of somebody else, so what stands there is never trusted.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::FinalizeError;

pub struct Output {
    target: PathBuf,
    temporary: PathBuf,
    file: File,
    owner_uid: Option<u32>,
    finished: bool,
}

impl Output {
    pub fn create(target: &Path, owner_uid: Option<u32>) -> Result<Self, FinalizeError> {
        let name = target.file_name().ok_or_else(|| not_writable(target, "it has no file name"))?;
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        // SQLite is told to follow no link at all, so the folder's own name must hold none
        let folder = parent.canonicalize().map_err(|error| not_writable(target, error))?;
        let target = folder.join(name);
        refuse_what_is_no_file(&target)?;
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.partial", std::process::id()));
        let temporary = folder.join(hidden);
        let file = create_new(&temporary).map_err(|error| not_writable(&target, error))?;
        Ok(Self { target, temporary, file, owner_uid, finished: false })
    }

    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Whether the temporary name still means the file that was made here.
    pub fn check_unchanged(&self) -> Result<(), FinalizeError> {
        let ours = self.file.metadata();
        let named = fs::symlink_metadata(&self.temporary);
        match (ours, named) {
            (Ok(ours), Ok(named)) if (ours.dev(), ours.ino()) == (named.dev(), named.ino()) => Ok(()),
            _ => Err(FinalizeError::new(
                "output_changed",
                format!("somebody replaced {} while it was being written", self.temporary.display()),
            )
            .hint("write the trace to a folder that only you can write to")),
        }
    }

    /// Gives the file to its owner and its name. Returns its length and its SHA-256, which is also written beside it.
    pub fn finish(mut self) -> Result<(PathBuf, u64, String), FinalizeError> {
        self.check_unchanged()?;
        let failed = |error: std::io::Error| not_writable(&self.target, error);
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let (bytes, sha256) = hash(&mut self.file).map_err(failed)?;
        give_to(&self.file, self.owner_uid).map_err(failed)?;
        self.file.sync_all().map_err(failed)?;
        refuse_what_is_no_file(&self.target)?;
        let name = self.target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.write_beside(&format!("{sha256}  {name}\n")).map_err(failed)?;
        fs::rename(&self.temporary, &self.target).map_err(failed)?;
        self.finished = true;
        Ok((self.target.clone(), bytes, sha256))
    }

    fn write_beside(&self, line: &str) -> std::io::Result<()> {
        let mut temporary = self.temporary.clone().into_os_string();
        temporary.push(".sha256");
        let mut target = self.target.clone().into_os_string();
        target.push(".sha256");
        let mut file = create_new(Path::new(&temporary))?;
        let written = file
            .write_all(line.as_bytes())
            .and_then(|()| give_to(&file, self.owner_uid))
            .and_then(|()| fs::rename(&temporary, &target));
        written.inspect_err(|_| drop(fs::remove_file(&temporary)))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.finished && self.check_unchanged().is_ok() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn create_new(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)
}

fn give_to(file: &File, owner_uid: Option<u32>) -> std::io::Result<()> {
    match owner_uid {
        Some(uid) if file.metadata()?.uid() != uid => std::os::unix::fs::fchown(file, Some(uid), None),
        _ => Ok(()),
    }
}

fn refuse_what_is_no_file(target: &Path) -> Result<(), FinalizeError> {
    match fs::symlink_metadata(target) {
        Ok(metadata) if !metadata.is_file() => {
            Err(not_writable(target, "something stands there that is no regular file"))
        }
        _ => Ok(()),
    }
}

fn not_writable(target: &Path, why: impl std::fmt::Display) -> FinalizeError {
    FinalizeError::new("output_not_writable", format!("cannot write {}: {why}", target.display()))
        .hint("name a file in a folder that exists and can be written to")
}

fn hash(file: &mut File) -> std::io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        bytes += count as u64;
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
    Ok((bytes, hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}
