//! The file that is handed over: made anew beside its final name, never through a link, and renamed only when it is
//! whole, and only where nothing has that name. Root may be writing into a folder of somebody else, so what stands there
//! is never trusted.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
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
        refuse_what_is_there(&target)?;
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.partial", std::process::id()));
        let temporary = folder.join(hidden);
        let file = create_new(&temporary).map_err(|error| failed_to_write(&target, &error))?;
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
        let failed = |error: std::io::Error| failed_to_write(&self.target, &error);
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let (bytes, sha256) = hash(&mut self.file).map_err(failed)?;
        give_to(&self.file, self.owner_uid).map_err(failed)?;
        self.file.sync_all().map_err(failed)?;
        let name = self.target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let beside = with_suffix(&self.target, ".sha256");
        self.write_beside(&beside, &format!("{sha256}  {name}\n"))?;
        if let Err(error) = give_name(&self.temporary, &self.target) {
            let _ = fs::remove_file(&beside);
            return Err(error);
        }
        self.finished = true;
        Ok((self.target.clone(), bytes, sha256))
    }

    fn write_beside(&self, beside: &Path, line: &str) -> Result<(), FinalizeError> {
        let failed = |error: std::io::Error| failed_to_write(beside, &error);
        let temporary = with_suffix(&self.temporary, ".sha256");
        let mut file = create_new(&temporary).map_err(failed)?;
        let written = file.write_all(line.as_bytes()).and_then(|()| give_to(&file, self.owner_uid));
        let named = written.map_err(failed).and_then(|()| give_name(&temporary, beside));
        named.inspect_err(|_| drop(fs::remove_file(&temporary)))
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

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.to_owned().into_os_string();
    path.push(suffix);
    path.into()
}

/// Renames, and never over anything: not even over what came there a moment ago.
fn give_name(from: &Path, to: &Path) -> Result<(), FinalizeError> {
    let renamed = match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link_then_unlink(from, to),
        other => other.map_err(Into::into),
    };
    renamed.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => refuse_what_is_there(to).err().unwrap_or_else(|| exists(to)),
        _ => failed_to_write(to, &error),
    })
}

/// For file systems that cannot rename in this way (NFS, many of FUSE): a new link is never put over anything either.
fn link_then_unlink(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from).inspect_err(|_| drop(fs::remove_file(to)))
}

fn refuse_what_is_there(target: &Path) -> Result<(), FinalizeError> {
    match fs::symlink_metadata(target) {
        Ok(metadata) if metadata.is_file() => Err(exists(target)),
        Ok(_) => Err(not_writable(target, "something stands there that is no regular file")),
        Err(_) => Ok(()),
    }
}

fn exists(target: &Path) -> FinalizeError {
    FinalizeError::new("output_exists", format!("{} is there already, and is not overwritten", target.display()))
        .hint("name another file with --output, or remove that one")
}

fn failed_to_write(target: &Path, error: &std::io::Error) -> FinalizeError {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match error.kind() {
        FileTooLarge | QuotaExceeded | StorageFull => FinalizeError::disk_full(error),
        _ => not_writable(target, error),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_given_only_where_nothing_has_it() {
        type Give = fn(&Path, &Path) -> bool;
        let ways: [Give; 2] = [|from, to| give_name(from, to).is_ok(), |from, to| link_then_unlink(from, to).is_ok()];
        for give in ways {
            let folder = tempfile::tempdir().expect("tempdir");
            let at = |name: &str| folder.path().join(name);
            let text = |name: &str| fs::read_to_string(at(name)).ok();
            fs::write(at("new"), "new").expect("write");
            fs::write(at("old"), "old").expect("write");
            assert!(!give(&at("new"), &at("old")));
            assert_eq!((text("new").as_deref(), text("old").as_deref()), (Some("new"), Some("old")));
            assert!(give(&at("new"), &at("free")));
            assert_eq!((text("new"), text("free").as_deref()), (None, Some("new")));
        }
    }
}
