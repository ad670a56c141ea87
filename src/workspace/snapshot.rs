//! The state of the files that were read for a workspace.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::support::file_stamp::Stamp;

/// A file that was written so shortly before it was read may be written again without a new modification time: the clocks of file
/// systems tick up to every two seconds. git has the same rule ("racy git").
const CLOCK_TICK: Duration = Duration::from_secs(2);

/// The stamps of files, taken before each was read.
#[derive(Debug)]
pub struct Snapshot {
    begun: SystemTime,
    files: Vec<(PathBuf, Option<Stamp>)>,
}

impl Snapshot {
    /// Begins a snapshot of no files.
    pub fn begin() -> Self {
        Self { begun: SystemTime::now(), files: Vec::new() }
    }

    /// Adds a file, which may be missing.
    pub fn add(&mut self, path: &Path) {
        self.files.push((path.to_path_buf(), Stamp::of(path).ok()));
    }

    /// Whether the stamps of all files are as they were.
    pub fn is_unchanged(&self) -> bool {
        self.files.iter().all(|(path, before)| Stamp::of(path).ok() == *before)
    }

    /// Whether all files are certainly as they were: their stamps are, and no file was so new that its stamp may not show a change.
    pub fn is_certain(&self) -> bool {
        let settled = self.begun.checked_sub(CLOCK_TICK);
        let is_settled = |stamp: &Stamp| settled.is_some_and(|settled| stamp.is_older_than(settled));
        self.files.iter().all(|(_, stamp)| stamp.as_ref().is_none_or(is_settled)) && self.is_unchanged()
    }
}
