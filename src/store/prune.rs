//! Tidying: how large the store is, and what goes when it is too large or too old.

use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Kind, LAYOUT, Store};

/// How large a store may become by itself, in bytes.
pub const LIMIT: u64 = 5 * 1024 * 1024 * 1024;

/// What nobody used for so long goes by itself.
const FORGOTTEN: Duration = Duration::from_hours(30 * 24);

/// What was used so recently stays: somebody may be about to read it.
const IN_USE: Duration = Duration::from_mins(10);

/// What a store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Whole bundles.
    pub bundles: usize,
    /// Packages.
    pub packages: usize,
    /// Size of everything in bytes.
    pub bytes: u64,
}

/// What went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tidied {
    /// How many entries.
    pub entries: usize,
    /// Their size in bytes.
    pub bytes: u64,
}

/// What is removed and kept as one.
struct Unit {
    kind: Kind,
    files: Vec<PathBuf>,
    bytes: u64,
    used: SystemTime,
}

impl Store {
    /// What the store in a folder holds, which may be missing.
    pub fn usage_of(folder: &Path) -> Usage {
        Self { folder: Some(folder.join(LAYOUT)) }.usage()
    }

    /// What the store holds.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for unit in self.units() {
            usage.bytes += unit.bytes;
            match unit.kind {
                Kind::Bundle => usage.bundles += 1,
                Kind::Pack => usage.packages += 1,
                Kind::Fact | Kind::Lock => {}
            }
        }
        usage
    }

    /// Removes what is forgotten, and brings a store that has grown over the limit back under it.
    pub fn keep_small(&self) -> Tidied {
        self.prune(Some(FORGOTTEN), Some(LIMIT), IN_USE)
    }

    /// Removes what nobody used for `age`, and then, the longest unused first, until the store is no larger than `size`
    /// bytes. What was used within `spared` stays.
    pub fn prune(&self, age: Option<Duration>, size: Option<u64>, spared: Duration) -> Tidied {
        let now = SystemTime::now();
        let mut units = self.units();
        units.sort_by_key(|unit| unit.used);
        let mut left: u64 = units.iter().map(|unit| unit.bytes).sum();
        let mut tidied = Tidied::default();
        for unit in units {
            let unused = now.duration_since(unit.used).unwrap_or_default();
            let is_old = age.is_some_and(|age| unused >= age);
            let is_too_much = size.is_some_and(|size| left > size);
            if (is_old || is_too_much) && unused >= spared && unit.remove() {
                left -= unit.bytes;
                tidied.entries += 1;
                tidied.bytes += unit.bytes;
            }
        }
        tidied
    }

    /// Removes everything, also what other versions left.
    pub fn clear(folder: &Path) -> io::Result<Tidied> {
        let mut tidied = Tidied::default();
        let Ok(layouts) = fs_err::read_dir(folder) else { return Ok(tidied) };
        for layout in layouts {
            let layout = layout?;
            let name = layout.file_name();
            // Only what a store is made of: the folder may be the user's.
            let is_layout = name
                .to_str()
                .and_then(|name| name.strip_prefix('v'))
                .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
            if !is_layout {
                continue;
            }
            let store = Self { folder: Some(layout.path()) };
            let units = store.units();
            tidied.entries += units.len();
            tidied.bytes += units.iter().map(|unit| unit.bytes).sum::<u64>();
            fs_err::remove_dir_all(layout.path())?;
        }
        Ok(tidied)
    }

    fn units(&self) -> Vec<Unit> {
        let mut units = Vec::new();
        let Some(folder) = &self.folder else { return units };
        for kind in Kind::ALL {
            let Ok(entries) = fs_err::read_dir(folder.join(kind.folder())) else { continue };
            for entry in entries.filter_map(Result::ok) {
                units.extend(Unit::read(kind, &entry.path()));
            }
        }
        units
    }
}

impl Unit {
    /// `None` for what is part of another one, or gone.
    fn read(kind: Kind, path: &Path) -> Option<Self> {
        let metadata = fs_err::metadata(path).ok()?;
        let used = metadata.modified().ok()?;
        let mut unit = Self { kind, files: vec![path.to_path_buf()], bytes: metadata.len(), used };
        if kind == Kind::Bundle {
            let note = path.with_extension("json");
            match path.extension().and_then(|ending| ending.to_str()) {
                // Found through its zip; alone it is of no use.
                Some("json") if path.with_extension("zip").exists() => return None,
                // The time of a zip tells when it was written, that of its note when it was last lent.
                Some("zip") => {
                    if let Ok(metadata) = fs_err::metadata(&note) {
                        unit.used = metadata.modified().unwrap_or(used);
                        unit.bytes += metadata.len();
                        // First, so that nobody trusts a zip that is about to go.
                        unit.files.insert(0, note);
                    }
                }
                _ => {}
            }
        }
        Some(unit)
    }

    /// Whether it is gone.
    fn remove(&self) -> bool {
        if self.kind == Kind::Lock {
            let Some(lock) = self.files.first().and_then(|path| std::fs::File::open(path).ok()) else {
                return false;
            };
            if matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
                return false;
            }
        }
        self.files.iter().all(|file| fs_err::remove_file(file).is_ok())
    }
}

#[cfg(test)]
mod tests {
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
        let tidied = store.prune(Some(Duration::from_hours(30)), None, IN_USE);
        assert_eq!(tidied, Tidied { entries: 1, bytes: 100 });
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
        assert_eq!(Store::clear(&folder.path().join("nowhere")).unwrap(), Tidied::default());
    }
}
