//! Pruning: measures the store, removes old entries, and removes the least recently used ones if the store is too large.

use std::collections::BTreeMap;
use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::{Kind, Store, files};
use crate::support::unfinished_file::UNFINISHED;

/// The size in bytes to which a store is pruned automatically.
pub const LIMIT: u64 = 5 * 1024 * 1024 * 1024;

/// Entries that nobody used for this time are removed automatically.
const UNUSED: Duration = Duration::from_hours(30 * 24);

/// Entries that were used within this time stay: a bundle may be about to read them.
const IN_USE: Duration = Duration::from_mins(10);

/// The time between two automatic prunings by one process. An app builds hundreds of bundles, and each pruning looks at every entry.
/// Shorter than [`IN_USE`].
const BETWEEN: Duration = Duration::from_mins(1);

/// The contents of a store, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Whole bundles.
    pub bundles: usize,
    /// Packages.
    pub packages: usize,
    /// Size of everything in bytes.
    pub bytes: u64,
}

/// The entries that were removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Their number.
    pub entries: usize,
    /// Their size in bytes.
    pub bytes: u64,
}

/// The files of one entry, which are removed together.
struct Entry {
    kind: Kind,
    files: Vec<PathBuf>,
    bytes: u64,
    used: SystemTime,
    /// Whether a process is writing it, or ended before it was complete.
    is_unfinished: bool,
}

impl Store {
    /// Counts the contents of the store in a folder. A missing folder is an empty store.
    pub fn usage_of(folder: &Path) -> Usage {
        Self::at(folder).usage()
    }

    /// Counts the contents of the store.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for entry in self.all_entries() {
            usage.bytes += entry.bytes;
            match entry.kind {
                Kind::Bundle => usage.bundles += 1,
                Kind::Pack => usage.packages += 1,
                Kind::Fact | Kind::SharedFact | Kind::Prefetch | Kind::Lock => {}
            }
        }
        usage
    }

    /// Removes unfinished files whose writers are gone, entries that nobody uses, and more entries if the store is larger than the
    /// limit. Does nothing if this process did so within the last minute: what it added since is in use.
    pub fn keep_small(&self) {
        static KEPT: Mutex<BTreeMap<PathBuf, Instant>> = Mutex::new(BTreeMap::new());

        let Some(folder) = self.folder() else { return };
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.get(folder).is_some_and(|last| last.elapsed() < BETWEEN) {
            return;
        }
        kept.insert(folder.to_path_buf(), Instant::now());
        drop(kept);
        self.prune(Some(UNUSED), Some(LIMIT), IN_USE);
    }

    /// Removes the entries that nobody used for `age`. Then removes the least recently used entries until the store is no larger than
    /// `size` bytes. Entries that were used within `spared` stay.
    pub fn prune(&self, age: Option<Duration>, size: Option<u64>, spared: Duration) -> Pruned {
        let now = SystemTime::now();
        let mut entries = self.all_entries();
        entries.sort_by_key(|entry| entry.used);
        let mut left: u64 = entries.iter().map(|entry| entry.bytes).sum();
        let mut pruned = Pruned::default();
        for entry in entries {
            let unused = now.duration_since(entry.used).unwrap_or_default();
            let is_old = age.is_some_and(|age| unused >= age);
            let is_too_much = size.is_some_and(|size| left > size);
            let is_due = entry.is_unfinished || ((is_old || is_too_much) && unused >= spared);
            if is_due && entry.remove() {
                left -= entry.bytes;
                pruned.entries += 1;
                pruned.bytes += entry.bytes;
            }
        }
        pruned
    }

    /// Removes everything that is not in use, also the entries of other versions.
    pub fn clear(folder: &Path) -> io::Result<Pruned> {
        let mut pruned = Pruned::default();
        let Ok(layouts) = fs_err::read_dir(folder) else { return Ok(pruned) };
        for layout in layouts {
            let layout = layout?;
            let name = layout.file_name();
            // Only the folders of a store: the folder around them may be the user's.
            let is_layout = name
                .to_str()
                .and_then(|name| name.strip_prefix('v'))
                .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
            if !is_layout {
                continue;
            }
            let store = Self { folder: Some(layout.path()), ..Self::none() };
            // Entry by entry: a file that another process writes or holds at this moment stays, and so do the folders around it.
            for entry in store.all_entries() {
                if entry.remove() {
                    pruned.entries += 1;
                    pruned.bytes += entry.bytes;
                }
            }
            for kind in Kind::ALL {
                let _ = std::fs::remove_dir(layout.path().join(kind.folder()));
            }
            let _ = std::fs::remove_dir(layout.path());
        }
        Ok(pruned)
    }

    fn all_entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for kind in Kind::ALL {
            entries.extend(self.files_of(kind).iter().filter_map(|path| Entry::read(kind, path)));
        }
        entries
    }
}

impl Entry {
    /// Reads the entry at `path`. `None` if it is part of another entry, or gone.
    fn read(kind: Kind, path: &Path) -> Option<Self> {
        let metadata = fs_err::metadata(path).ok()?;
        let used = metadata.modified().ok()?;
        let is_unfinished = path.file_name()?.to_string_lossy().starts_with(UNFINISHED);
        let mut entry =
            Self { kind, files: vec![path.to_path_buf()], bytes: metadata.len(), used, is_unfinished };
        if kind == Kind::Bundle {
            let note = path.with_extension("json");
            match path.extension().and_then(|ending| ending.to_str()) {
                // Found through its zip; alone it is of no use.
                Some("json") if path.with_extension("zip").exists() => return None,
                // The time of a zip tells when it was written, that of its note when it was last delivered.
                Some("zip") => {
                    if let Ok(metadata) = fs_err::metadata(&note) {
                        entry.used = metadata.modified().unwrap_or(used);
                        entry.bytes += metadata.len();
                        // Removed first, so that nobody trusts a zip that is about to go.
                        entry.files.insert(0, note);
                    }
                }
                _ => {}
            }
        }
        Some(entry)
    }

    /// Removes the entry, unless a process holds or writes it. Returns whether it is gone.
    fn remove(&self) -> bool {
        if self.kind == Kind::Lock || self.is_unfinished {
            // Open until the file is removed, so that nobody takes the lock in between.
            let lock = self.files.first().and_then(|path| std::fs::File::open(path).ok());
            if lock.as_ref().is_some_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock))) {
                return false;
            }
            return self.files.iter().all(|file| files::remove(file));
        }
        self.files.iter().all(|file| files::remove(file))
    }
}

#[cfg(test)]
mod tests {
    use super::super::LAYOUT;
    use super::*;

    fn store(folder: &Path) -> Store {
        let store = Store::open(folder).unwrap();
        let now = SystemTime::now();
        for (kind, name, size, hours) in [
            (Kind::Pack, "old", 100, 50),
            (Kind::Pack, "new", 100, 0),
            (Kind::Bundle, "b.zip", 1000, 90),
            (Kind::Bundle, "b.json", 10, 20),
        ] {
            let path = store.place(kind, name).unwrap();
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(&path, vec![0; size]).unwrap();
            let file = std::fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(now - Duration::from_hours(hours)).unwrap();
        }
        store
    }

    #[test]
    fn the_usage_counts_a_bundle_once() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(store(folder.path()).usage(), Usage { bundles: 1, packages: 2, bytes: 1210 });
    }

    #[test]
    fn what_is_old_goes_and_a_bundle_is_as_old_as_its_last_use() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let pruned = store.prune(Some(Duration::from_hours(30)), None, IN_USE);
        assert_eq!(pruned, Pruned { entries: 1, bytes: 100 });
        assert!(store.place(Kind::Bundle, "b.zip").unwrap().exists());
    }

    #[test]
    fn the_longest_unused_goes_first_until_the_size_is_right_and_what_is_in_use_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        assert_eq!(store.prune(None, Some(1150), IN_USE).bytes, 100);
        assert_eq!(store.prune(None, Some(0), IN_USE).bytes, 1010);
        assert_eq!(store.usage().packages, 1);
    }

    #[test]
    fn clearing_leaves_what_is_no_part_of_a_store() {
        let folder = tempfile::tempdir().unwrap();
        store(folder.path());
        fs_err::write(folder.path().join("mine.txt"), "").unwrap();
        assert_eq!(Store::clear(folder.path()).unwrap().entries, 3);
        assert!(folder.path().join("mine.txt").exists() && !folder.path().join(LAYOUT).exists());
        assert_eq!(Store::clear(&folder.path().join("nowhere")).unwrap(), Pruned::default());
    }
}
