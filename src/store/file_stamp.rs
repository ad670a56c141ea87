//! Stamps: what the file system says of a file, by which one sees that nobody touched it.

use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Size of a file, when it was last written to, and which file it is. Where two stamps are equal, nobody wrote to it in
/// between, short of setting its time back. A link to it that comes or goes leaves its stamp alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    size: u64,
    modified: Duration,
    /// Number of the file, where the system has them.
    number: Option<u64>,
}

impl Stamp {
    /// The stamp of the file at `path`.
    pub fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs_err::metadata(path)?;
        let modified = metadata.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        #[cfg(unix)]
        let number = Some(std::os::unix::fs::MetadataExt::ino(&metadata));
        #[cfg(not(unix))]
        let number = None;
        Ok(Self { size: metadata.len(), modified, number })
    }

    /// Whether the file was last written before this time.
    pub fn is_older_than(&self, time: SystemTime) -> bool {
        SystemTime::UNIX_EPOCH + self.modified < time
    }
}

/// What tells a program from every other one, also from itself after an upgrade. `None` for a script and for a link to a
/// program of another name: such a one (a version manager's, as a rule) starts what it finds at that moment.
pub fn program(name: &str, path: &Path) -> Option<Value> {
    let resolved = dunce::canonicalize(path).ok()?;
    let mut start = [0; 2];
    fs_err::File::open(&resolved).and_then(|mut file| file.read_exact(&mut start)).ok()?;
    let is_itself = resolved.file_name()?.to_str()?.starts_with(name) && &start != b"#!";
    let stamp = Stamp::of(&resolved).ok()?;
    is_itself.then(|| json!([resolved.to_string_lossy(), stamp]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_and_a_link_of_another_name_are_no_program_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, contents: &str| {
            let path = folder.path().join(name);
            fs_err::write(&path, contents).unwrap();
            path
        };
        let (uv, shim) = (file("uv", "\x7fELF"), file("uv-shim", "#!/bin/sh"));
        let manager = file("manager", "\x7fELF");
        assert!(program("uv", &uv).is_some() && program("uv", &shim).is_none());
        assert!(program("uv", &manager).is_none() && program("uv", &folder.path().join("nowhere")).is_none());
    }

    #[test]
    fn a_stamp_tells_of_every_write_and_of_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        fs_err::write(&path, "one").unwrap();
        let before = Stamp::of(&path).unwrap();
        // Coarse clocks.
        std::thread::sleep(Duration::from_millis(20));
        fs_err::hard_link(&path, &link).unwrap();
        fs_err::remove_file(&link).unwrap();
        assert_eq!(Stamp::of(&path).unwrap(), before);
        fs_err::write(&path, "two").unwrap();
        assert_ne!(Stamp::of(&path).unwrap(), before);
    }
}
