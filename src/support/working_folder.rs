//! Work: the folder that a bundle is made in. Removed at the end; and where the end was Ctrl-C, by the next one
//! who works beside it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::TempDir;

/// How every working folder's name begins.
const PREFIX: &str = "uv-lambda-cdk-";

/// The file in a working folder that is locked as long as somebody works there. Its name is ours alone: a cache of uv has a `.lock`
/// too, and may be in a folder that is named after us.
const LOCK: &str = ".uv-lambda-cdk-work.lock";

/// A working folder, which only its user can look into.
#[derive(Debug)]
pub struct WorkFolder {
    /// Held, not read. Let go before the folder is removed, which some systems need.
    _lock: File,
    folder: TempDir,
}

impl WorkFolder {
    /// Makes a working folder in `parent`, and removes those that were left there.
    pub fn new(parent: &Path) -> io::Result<Self> {
        remove_abandoned(parent);
        let folder = private_folder(PREFIX, parent)?;
        // Locked before it has the name by which others look for it: nobody can find it unlocked.
        let unnamed = folder.path().join(".locking");
        let lock = File::create_new(&unnamed)?;
        // A file system without locks keeps what is left there; nobody could tell it from what is in use.
        if lock.lock().is_ok() {
            fs_err::rename(unnamed, folder.path().join(LOCK))?;
        }
        Ok(Self { _lock: lock, folder })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Makes a folder for a time, which only its user can look into.
pub(crate) fn private_folder(prefix: &str, parent: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    // Without it, the mask of the user decides, which mostly lets everybody read.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(parent)
}

/// Removes the working folders that nobody works in. What cannot be read or removed is somebody else's.
fn remove_abandoned(parent: &Path) {
    let Ok(entries) = fs_err::read_dir(parent) else { return };
    for entry in entries.filter_map(Result::ok) {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join(LOCK)) else { continue };
        match lock.try_lock() {
            // An error here means that another process removes it as well.
            Ok(()) => drop(fs_err::remove_dir_all(entry.path())),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_look_into_a_working_folder() {
        use std::os::unix::fs::PermissionsExt as _;
        let parent = tempfile::tempdir().unwrap();
        let folder = WorkFolder::new(parent.path()).unwrap();
        assert_eq!(fs_err::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn an_abandoned_folder_is_removed_and_one_in_use_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let in_use = WorkFolder::new(parent.path()).unwrap();
        let abandoned = WorkFolder::new(parent.path()).unwrap();
        let WorkFolder { _lock: lock, folder: abandoned } = abandoned;
        let abandoned = abandoned.keep();
        drop(lock);
        let others = parent.path().join("uv-lambda-cdk-of-somebody-else");
        fs_err::create_dir(&others).unwrap();

        let new = WorkFolder::new(parent.path()).unwrap();
        assert!(in_use.path().exists() && new.path().exists() && others.exists());
        assert!(!abandoned.exists());
    }
}
