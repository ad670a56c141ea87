//! Files of the store: written beside their place and renamed onto it, so that an entry is there whole or not at all.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempPath;

use crate::support::unfinished_file::unfinished_file;

/// An entry is marked as used at most once in this time, so that not every lookup writes. Shorter than the time that pruning
/// spares ([`prune`](super::prune)).
const USED: Duration = Duration::from_mins(5);

/// How often a folder is made again, if another process removes it at the same time.
const ATTEMPTS: usize = 5;

/// Writes a small entry.
pub fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    in_folder(folder, || {
        let mut temporary = unfinished_file(folder, "")?;
        temporary.write_all(contents)?;
        replace(temporary.into_temp_path(), path)
    })
}

/// Reads an entry, and marks it as used now, for the pruning.
pub fn read_used(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut contents = vec![0; usize::try_from(metadata.len()).unwrap_or(usize::MAX)];
    file.read_exact(&mut contents)?;
    mark_used_since(path, metadata.modified()?);
    Ok(contents)
}

/// Marks an entry as used now, for the pruning. Only for files whose modification time has no other meaning.
pub fn mark_used(path: &Path) {
    if let Ok(modified) = fs_err::metadata(path).and_then(|metadata| metadata.modified()) {
        mark_used_since(path, modified);
    }
}

/// Marks an entry as used now. `modified` is the time of the last mark.
fn mark_used_since(path: &Path, modified: SystemTime) {
    let now = SystemTime::now();
    if !now.duration_since(modified).is_ok_and(|age| age < USED) {
        // An entry that cannot be marked is pruned sooner.
        let _ = File::options().append(true).open(path).and_then(|file| file.set_modified(now));
    }
}

/// Does `work` in a folder, which it makes if it is missing.
pub fn in_folder<Made>(folder: &Path, mut work: impl FnMut() -> io::Result<Made>) -> io::Result<Made> {
    for _ in 0..ATTEMPTS {
        match work() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs_err::create_dir_all(folder)?,
            outcome => return outcome,
        }
    }
    work()
}

/// Renames a file onto `path`. A folder that lies there is no entry, and is removed.
pub fn replace(temporary: TempPath, path: &Path) -> io::Result<()> {
    let outcome = temporary.persist(path).or_else(|failure| {
        if !is_folder(path) {
            return Err(failure);
        }
        // If this fails, the second attempt reports it.
        let _ = fs_err::remove_dir_all(path);
        failure.path.persist(path)
    });
    outcome.map_err(|failure| named(&failure.error, "write", path))
}

/// Removes an entry, whatever it is. Returns whether it is gone.
pub fn remove(path: &Path) -> bool {
    match std::fs::remove_file(path) {
        Ok(()) => true,
        Err(_) if is_folder(path) => std::fs::remove_dir_all(path).is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Adds the action and the path to an error that does not name them.
pub fn named(error: &io::Error, verb: &str, path: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("failed to {verb} `{}`: {error}", path.display()))
}

fn is_folder(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_written_where_a_folder_is_missing_or_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/entry");
        write(&path, b"one").unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), b"one");
        assert!(remove(&path) && remove(&path));
        fs_err::create_dir_all(path.join("inner")).unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), b"two");
        assert_eq!(fs_err::read_dir(folder.path().join("new")).unwrap().count(), 1);
    }

    #[test]
    fn an_error_names_the_path() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("file"), "").unwrap();
        let path = folder.path().join("file/entry");
        let error = write(&path, b"").unwrap_err();
        assert!(error.to_string().contains("file"), "{error}");
    }
}
