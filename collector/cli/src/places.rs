//! Where a capture writes, settled before anything is recorded: what is there already is never overwritten.

use crate::codes::Failure;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug, PartialEq, Eq)]
pub struct Places {
    pub output: PathBuf,
    pub spool: PathBuf,
}

impl Places {
    /// `spool_directory`: instead of the folder of the output. The spool is named after the output.
    pub fn of_capture(output: &Path, spool_directory: Option<&Path>) -> Result<Self, Failure> {
        let name = check_output(output)?;
        let folder = spool_directory.unwrap_or_else(|| folder_of(output));
        check_folder(folder)?;
        let spool = folder.join(with_suffix(name, ".spool"));
        if is_there(&spool) {
            return Err(Failure::new(
                "spool_exists",
                format!("{} is there already: an earlier capture was cut short, or kept its spool", spool.display()),
                format!(
                    "Build its trace with `finalize {} --output FILE`, or remove it, or name another output.",
                    spool.display()
                ),
            ));
        }
        Ok(Self { output: output.to_owned(), spool })
    }

    /// Folders that are written to.
    pub fn folders(&self) -> Vec<PathBuf> {
        vec![folder_of(&self.output).to_owned(), folder_of(&self.spool).to_owned()]
    }
}

/// The name of an output that can be made.
pub fn check_output(output: &Path) -> Result<&std::ffi::OsStr, Failure> {
    let Some(name) = output.file_name() else {
        return Err(Failure::new("output_directory", format!("'{}' names no file", output.display()), NAME_A_FILE));
    };
    check_folder(folder_of(output))?;
    for path in [output.to_owned(), output.with_file_name(with_suffix(name, ".sha256"))] {
        if is_there(&path) {
            return Err(Failure::new(
                "output_exists",
                format!("{} is there already, and is not overwritten", path.display()),
                "Name another file with --output, or remove that one.",
            ));
        }
    }
    Ok(name)
}

const NAME_A_FILE: &str = "Name a file in a folder that exists: --output FOLDER/NAME.wakechain.db";

fn check_folder(folder: &Path) -> Result<(), Failure> {
    let wrong = match fs::metadata(folder) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => "it is no folder".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(Failure::new("output_directory", format!("{} cannot be written to: {wrong}", folder.display()), NAME_A_FILE))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn with_suffix(name: &std::ffi::OsStr, suffix: &str) -> OsString {
    let mut name = name.to_owned();
    name.push(suffix);
    name
}

/// A dangling link counts: nothing is ever written through it.
fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_refused() {
        let directory = tempfile::tempdir().expect("tempdir");
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("spools")).expect("mkdir");
        let code = |output: &str, spools: Option<&Path>| Places::of_capture(&at(output), spools).map_err(|e| e.code);

        let beside = code("a.wakechain.db", None).expect("free");
        assert_eq!(beside.spool, at("a.wakechain.db.spool"));
        let apart = code("a.wakechain.db", Some(&at("spools"))).expect("free");
        assert_eq!(apart.spool, at("spools/a.wakechain.db.spool"));
        assert_eq!(apart.folders(), [at(""), at("spools")]);

        fs::write(at("old.db"), "").expect("write");
        std::os::unix::fs::symlink(at("nowhere"), at("link.db")).expect("link");
        fs::write(at("hashed.db.sha256"), "").expect("write");
        fs::write(at("spooled.db.spool"), "").expect("write");
        assert_eq!(code("old.db", None), Err("output_exists"));
        assert_eq!(code("link.db", None), Err("output_exists"));
        assert_eq!(code("hashed.db", None), Err("output_exists"));
        assert_eq!(code("spooled.db", None), Err("spool_exists"));
        let hint = Places::of_capture(&at("spooled.db"), None).expect_err("there").hint;
        assert!(hint.contains(&format!("`finalize {} --output FILE`", at("spooled.db.spool").display())), "{hint}");
        assert_eq!(code("no/such/a.db", None), Err("output_directory"));
        assert_eq!(code("a.db", Some(&at("old.db"))), Err("output_directory"));
        assert_eq!(code("..", None), Err("output_directory"));
    }
}
