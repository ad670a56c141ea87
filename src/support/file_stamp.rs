//! Stamps: what the file system says of a file, by which one sees that nobody touched it.

use std::fs::{File, Metadata};
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
        Self::from_metadata(&fs_err::metadata(path)?)
    }

    fn from_metadata(metadata: &Metadata) -> io::Result<Self> {
        let modified = metadata.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        #[cfg(unix)]
        let number = Some(std::os::unix::fs::MetadataExt::ino(metadata));
        #[cfg(not(unix))]
        let number = None;
        Ok(Self { size: metadata.len(), modified, number })
    }
}

/// The stamp of a file or folder of the user's. It also notices a file whose modification time was set back after it was written to,
/// where the system says when the status of a file last changed: no program can set that time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedStamp {
    size: u64,
    /// The number of the file, where the system has them.
    number: u64,
    /// When it was last written to, in nanoseconds since 1970.
    modified: i64,
    /// When its status last changed, in nanoseconds since 1970; else the same.
    changed: i64,
}

impl ObservedStamp {
    /// The stamp of what lies at `path`.
    pub fn of(path: &Path) -> io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        let modified = nanoseconds(metadata.modified()?);
        #[cfg(unix)]
        let (number, changed) = {
            use std::os::unix::fs::MetadataExt;
            (
                metadata.ino(),
                metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec()),
            )
        };
        #[cfg(not(unix))]
        let (number, changed) = (0, modified);
        Ok(Self { size: metadata.len(), number, modified, changed })
    }

    /// Whether the file was last touched before this time.
    pub fn is_older_than(&self, time: SystemTime) -> bool {
        self.modified.max(self.changed) < nanoseconds(time)
    }
}

/// A time in nanoseconds since 1970.
fn nanoseconds(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => {
            i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanoseconds| -nanoseconds)
        }
    }
}

/// The stamp of a file to which links are delivered. It notices also a file whose time was set back after it was written to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedStamp {
    stamp: Option<Stamp>,
    /// `None` where the system does not tell.
    status: Option<Status>,
}

/// The time at which the status of a file last changed, which no program can set, with the number of links and the mode, whose
/// changes set it too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Status {
    /// Seconds and nanoseconds.
    changed: (i64, i64),
    links: u64,
    mode: u32,
}

impl LinkedStamp {
    /// The stamp of an open file. A stamp without information is equal to none.
    pub fn of(file: &File) -> Self {
        let Ok(metadata) = file.metadata() else { return Self::default() };
        #[cfg(unix)]
        let status = {
            use std::os::unix::fs::MetadataExt;
            let changed = (metadata.ctime(), metadata.ctime_nsec());
            Some(Status { changed, links: metadata.nlink(), mode: metadata.mode() })
        };
        #[cfg(not(unix))]
        let status = None;
        Self { stamp: Stamp::from_metadata(&metadata).ok(), status }
    }

    /// Whether nobody wrote to the file between this stamp and a later one.
    ///
    /// A new link and a removed link change the time of the status too, and removing `cdk.out` removes links. So another time is
    /// a sign of writing only if the number of links is the same. One case is not noticed: root writes to the file, sets the
    /// modification time back to the nanosecond, and removes a link.
    pub fn is_unwritten(&self, later: &Self) -> bool {
        let only_links_changed = match (&self.status, &later.status) {
            (Some(before), Some(after)) => {
                before.mode == after.mode && (before.changed == after.changed || before.links != after.links)
            }
            (None, None) => true,
            _ => false,
        };
        self.stamp.is_some() && self.stamp == later.stamp && only_links_changed
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
