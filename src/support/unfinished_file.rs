//! Files that are written beside their place and renamed onto it, so that they are there whole or not at all.

use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// The beginning of the names of these files. The process that writes one locks it. A file without a lock was
/// left by a process that was killed.
pub const UNFINISHED: &str = ".unfinished-";

/// Makes an unfinished file in `folder`. It is removed if it is not persisted.
pub fn unfinished_file(folder: &Path, suffix: &str) -> io::Result<NamedTempFile> {
    let file = tempfile::Builder::new().prefix(UNFINISHED).suffix(suffix).tempfile_in(folder)?;
    // On a file system without locks, the file of a killed process stays.
    let _ = file.as_file().lock();
    Ok(file)
}
