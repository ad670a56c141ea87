//! Locks: if two processes need the same entry, one makes it. The other one waits, and then finds it in the store.
//!
//! A lock is a file with the name of its key. The system locks it, and frees it when its holder ends, even after a crash. The file
//! names the holder. (On Windows nobody can read a locked file, so the holder stays unknown.)

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::{Key, Kind, Store, files};
use crate::support::waiting::Waiting;

/// The locks of some keys. They are free again when this is dropped.
#[derive(Debug)]
#[must_use]
pub struct KeyLocks {
    _files: Vec<File>,
}

/// The holder of a lock, as its file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Number of its process.
    pub process: u32,
    /// What it does, as in "bundles `app`".
    pub activity: String,
}

impl Store {
    /// Locks some keys, and waits for those that another bundle has locked. `activity` tells those who wait for this one why,
    /// as in "bundles `app`".
    ///
    /// Do not call this on a thread of a pool: it could wait there for work that waits for the same thread.
    pub fn lock<'a>(&self, keys: impl IntoIterator<Item = &'a Key>, activity: &str) -> KeyLocks {
        let mut keys: Vec<&Key> = keys.into_iter().collect();
        // Everybody locks in the same order. Otherwise two could wait for each other.
        keys.sort();
        keys.dedup();
        let locks = keys.into_iter().filter_map(|key| {
            let path = self.place(Kind::Lock, &key.to_string())?;
            match lock(&path, activity) {
                // A read-only cache may have all entries. If not, writing them fails.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
                    ) =>
                {
                    None
                }
                // Without the lock, an entry may be made twice.
                lock => self.noted(lock),
            }
        });
        KeyLocks { _files: locks.collect() }
    }
}

fn lock(path: &Path, activity: &str) -> io::Result<File> {
    let folder = path.parent().unwrap_or(Path::new("."));
    loop {
        let file = files::in_folder(folder, || open(path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => wait(&file, Holder::of(path).as_ref())?,
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // The pruning of another process may have removed this lock between the two calls.
        if is_at(&file, path) {
            // Only the messages of others need it.
            let _ = Holder { process: std::process::id(), activity: activity.to_owned() }.write(&file);
            return Ok(file);
        }
    }
}

/// Waits for the lock of a file. The only place in which one bundle waits for another.
fn wait(file: &File, holder: Option<&Holder>) -> io::Result<()> {
    let what = holder.map_or_else(|| "another process".to_owned(), Holder::to_string);
    Waiting::during(what, || file.lock())
}

fn open(path: &Path) -> io::Result<File> {
    let open = || File::options().read(true).write(true).create(true).truncate(false).open(path);
    open().or_else(|error| {
        // A folder in its place.
        if error.kind() != io::ErrorKind::NotFound && path.is_dir() && files::remove(path) {
            open()
        } else {
            Err(error)
        }
    })
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let (open, there) = (file.metadata().map(number), std::fs::metadata(path).map(number));
    matches!((open, there), (Ok(open), Ok(there)) if open == there)
}

/// This system has no file numbers. In the rare case, two processes make the same entry.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

impl Holder {
    /// The holder of the lock at `path`; for a free lock, the last holder.
    pub fn of(path: &Path) -> Option<Self> {
        let mut text = String::new();
        File::open(path).and_then(|mut file| file.read_to_string(&mut text)).ok()?;
        let (process, activity) = text.split_once(' ')?;
        Some(Self { process: process.parse().ok()?, activity: activity.to_owned() })
    }

    fn write(&self, mut file: &File) -> io::Result<()> {
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        write!(file, "{} {}", self.process, self.activity)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "process {}, which {}", self.process, self.activity)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_locked_by_one_at_a_time_also_while_old_locks_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let keys = [1, 2].map(|number| Key::of("a", &json!(number)));
        let (busy, done) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let users: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        for _ in 0..20 {
                            let _locks = store.lock(&keys, "tests");
                            assert!(!busy.swap(true, Ordering::SeqCst));
                            std::thread::sleep(Duration::from_millis(1));
                            busy.store(false, Ordering::SeqCst);
                        }
                    })
                })
                .collect();
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    Store::clear(folder.path()).unwrap();
                }
            });
            for user in users {
                user.join().unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_names_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let key = Key::of("a", &json!(1));
        drop(store.lock([&key], "has a rather long name"));
        let _locks = store.lock([&key], "bundles `app`");
        let holder = Holder::of(&store.place(Kind::Lock, &key.to_string()).unwrap()).unwrap();
        assert_eq!(holder.to_string(), format!("process {}, which bundles `app`", std::process::id()));
    }

    #[test]
    fn a_folder_in_place_of_a_lock_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let key = Key::of("a", &json!(1));
        let path = store.place(Kind::Lock, &key.to_string()).unwrap();
        fs_err::create_dir_all(path.join("inner")).unwrap();
        drop(store.lock([&key], "tests"));
        assert!(path.is_file());
    }
}
