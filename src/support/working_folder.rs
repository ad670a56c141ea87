//! Working folder: the folder that a bundle is made in. It is removed at the end. If the process is killed
//! before, the next process that makes one beside it removes it.

use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

/// The beginning of the name of every working folder.
const PREFIX: &str = "uv-lambda-cdk-work-";

/// The number of random letters and digits at the end of its name.
const RANDOM: usize = 12;

/// The file in a working folder that is locked as long as somebody works there. No other program uses this
/// name: a cache of uv has a `.lock` too, and may be in a folder that is named after us.
const LOCK: &str = ".uv-lambda-cdk-work.lock";

/// The name of the lock before it is locked. Nobody finds it unlocked under the other name.
const LOCKING: &str = ".locking";

/// The name of the lock on a file system without locks. Nobody can tell whether such a folder is in use, so it stays.
const UNLOCKABLE: &str = ".unlockable";

/// The age at which a folder without a lock counts as abandoned. The lock is made at once, but a computer may
/// sleep in between.
const ABANDONED: Duration = Duration::from_mins(10);

/// The number of attempts to make a working folder: another process may remove it before it is locked.
const ATTEMPTS: usize = 3;

/// A working folder that only its user can look into.
#[derive(Debug)]
pub struct WorkFolder {
    /// Keeps the file locked. Dropped before the folder is removed, which some systems require.
    _lock: File,
    folder: TempDir,
}

impl WorkFolder {
    /// Makes a working folder in `parent`, and removes those that were left there.
    pub fn new(parent: &Path) -> io::Result<Self> {
        let mut attempts = ATTEMPTS;
        let new = loop {
            attempts -= 1;
            match Self::make(parent) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && attempts > 0 => {}
                made => break made?,
            }
        };
        remove_abandoned(parent, new.path());
        Ok(new)
    }

    fn make(parent: &Path) -> io::Result<Self> {
        let folder = private_folder(PREFIX, parent)?;
        let unlocked = folder.path().join(LOCKING);
        let lock = File::create_new(&unlocked)?;
        let name = if lock.lock().is_ok() { LOCK } else { UNLOCKABLE };
        fs_err::rename(unlocked, folder.path().join(name))?;
        Ok(Self { _lock: lock, folder })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        empty(self.path());
    }
}

/// Makes a temporary folder that only its user can look into.
pub(crate) fn private_folder(prefix: &str, parent: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).rand_bytes(RANDOM);
    // Otherwise the user's umask decides, which usually lets everybody read.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(parent)
}

/// Removes everything in a working folder but its lock: if the process is killed meanwhile, the lock still
/// marks the rest as ours. Errors are ignored: the removal that follows meets them again.
fn empty(folder: &Path) {
    let Ok(entries) = fs_err::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok).filter(|entry| entry.file_name() != LOCK) {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let _ =
            if is_folder { fs_err::remove_dir_all(entry.path()) } else { fs_err::remove_file(entry.path()) };
    }
}

/// Removes the working folders in which nobody works, if they belong to the user of the folder `own`.
fn remove_abandoned(parent: &Path, own: &Path) {
    let (Ok(entries), Ok(own)) = (fs_err::read_dir(parent), fs_err::symlink_metadata(own)) else { return };
    for entry in entries.filter_map(Result::ok) {
        if !is_name_of_ours(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let folder = entry.path();
        // Links are not followed.
        let Ok(metadata) = fs_err::symlink_metadata(&folder) else { continue };
        if metadata.is_dir() && is_of_same_user(&metadata, &own) {
            remove_if_abandoned(&folder, &metadata);
        }
    }
}

/// Removes a working folder in which nobody works. An error means that another process removes it as well.
fn remove_if_abandoned(folder: &Path, metadata: &Metadata) {
    let lock = folder.join(LOCK);
    if fs_err::symlink_metadata(&lock).is_ok_and(|lock| lock.is_file()) {
        let Ok(lock) = File::open(lock) else { return };
        match lock.try_lock() {
            Ok(()) => {
                empty(folder);
                let _ = fs_err::remove_dir_all(folder);
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
        return;
    }
    // Its maker was killed before it made the lock, or after it removed the lock. Then there is nothing else in it.
    let is_old = metadata.modified().is_ok_and(|time| time.elapsed().is_ok_and(|age| age > ABANDONED));
    let is_empty = || {
        let mut entries = fs_err::read_dir(folder).into_iter().flatten();
        entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == LOCKING))
    };
    if is_old && is_empty() {
        let _ = fs_err::remove_file(folder.join(LOCKING));
        // Fails if the folder has other contents: then it is not ours.
        let _ = fs_err::remove_dir(folder);
    }
}

/// Whether a name is that of a working folder.
fn is_name_of_ours(name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .is_some_and(|end| end.len() == RANDOM && end.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Whether a folder belongs to the same user as another one. Windows has a temporary folder for each user.
fn is_of_same_user(folder: &Metadata, own: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        folder.uid() == own.uid()
    }
    #[cfg(not(unix))]
    {
        let _ = (folder, own);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_look_into_a_working_folder() {
        use std::os::unix::fs::PermissionsExt as _;
        let parent = tempfile::tempdir().unwrap();
        let folder = WorkFolder::new(parent.path()).unwrap();
        assert_eq!(fs_err::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    /// Makes a folder of this name and files in it.
    fn folder(parent: &Path, name: &str, files: &[&str]) -> PathBuf {
        let folder = parent.join(name);
        fs_err::create_dir(&folder).unwrap();
        for file in files {
            fs_err::write(folder.join(file), "").unwrap();
        }
        folder
    }

    #[test]
    fn an_abandoned_folder_is_removed_and_one_in_use_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let in_use = WorkFolder::new(parent.path()).unwrap();
        let abandoned = folder(parent.path(), "uv-lambda-cdk-work-AbCdEf012345", &[LOCK, "bundle.zip"]);
        let new = WorkFolder::new(parent.path()).unwrap();
        assert!(in_use.path().exists() && new.path().exists());
        assert!(!abandoned.exists());
        let paths = [in_use.path().to_path_buf(), new.path().to_path_buf()];
        drop((in_use, new));
        assert!(!paths.iter().any(|path| path.exists()));
    }

    /// Sets the modification time of a folder back by a quarter of an hour.
    #[cfg(unix)]
    fn age(folder: &Path) {
        let before = std::time::SystemTime::now() - std::time::Duration::from_mins(15);
        File::open(folder).unwrap().set_modified(before).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_whose_maker_ended_before_it_locked_it_is_removed_after_a_while() {
        for files in [&[][..], &[LOCKING][..]] {
            let parent = tempfile::tempdir().unwrap();
            let name = |ending: &str| format!("uv-lambda-cdk-work-{ending}");
            let old = folder(parent.path(), &name("AbCdEf012345"), files);
            let young = folder(parent.path(), &name("AbCdEf012346"), files);
            age(&old);
            let _new = WorkFolder::new(parent.path()).unwrap();
            assert!(!old.exists() && young.exists(), "{files:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn folders_that_may_be_somebody_elses_stay() {
        let parent = tempfile::tempdir().unwrap();
        let others = [
            ("uv-lambda-cdk-something", &[][..]),
            ("uv-lambda-cdk-backup", &["main.py"]),
            ("uv-lambda-cdk-work", &[]),
            ("uv-lambda-cdk-work-in-progress", &[]),
            ("uv-lambda-cdk-work-something-el", &[]),
            // Our name by chance, but files that we do not make there.
            ("uv-lambda-cdk-work-AbCdEf012345", &["main.py"]),
            ("uv-lambda-cdk-work-AbCdEf012346", &[LOCKING, "main.py"]),
            // In use on a file system without locks.
            ("uv-lambda-cdk-work-AbCdEf012347", &[UNLOCKABLE]),
            ("somebody", &[LOCK]),
        ]
        .map(|(name, files)| {
            let folder = folder(parent.path(), name, files);
            age(&folder);
            (folder, files)
        });
        let linked = folder(parent.path(), "linked", &[LOCK]);
        std::os::unix::fs::symlink(&linked, parent.path().join("uv-lambda-cdk-work-AbCdEf012348")).unwrap();
        let _new = WorkFolder::new(parent.path()).unwrap();
        for (folder, files) in others {
            assert!(folder.exists() && files.iter().all(|file| folder.join(file).exists()), "{folder:?}");
        }
        assert!(linked.join(LOCK).exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_of_another_user_stays() {
        let parent = tempfile::tempdir().unwrap();
        let other = folder(parent.path(), "uv-lambda-cdk-work-AbCdEf012345", &[LOCK]);
        // Only root can give a folder away.
        if std::os::unix::fs::chown(&other, Some(12345), None).is_err() {
            return;
        }
        let _new = WorkFolder::new(parent.path()).unwrap();
        assert!(other.join(LOCK).exists());
    }

    #[test]
    fn the_lock_is_the_last_file_that_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let work = WorkFolder::new(parent.path()).unwrap();
        fs_err::create_dir(work.path().join("workspace")).unwrap();
        fs_err::write(work.path().join("workspace/main.py"), "").unwrap();
        empty(work.path());
        let left: Vec<_> =
            fs_err::read_dir(work.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [LOCK]);
    }
}
