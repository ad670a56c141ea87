//! Store: what is already known by content is never made again. Packs, whole bundles, and facts that it takes a
//! process to learn.
//!
//! Everything in it can be made again, so nothing in it can do harm by being lost: what is missing, damaged
//! or of another version is made anew. Entries never change. They are written beside their place and moved there, so
//! that any number of processes can work in one store. A pack has checksums of its own ([`pack`](crate::pack)). A zip is trusted
//! as long as the file system says that nobody touched it since its SHA-256 was last computed ([`Stamp`]).

mod cached_bundles;
mod file_stamp;
mod key;
mod prune;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub use cached_bundles::{Kept, deliver};
pub use file_stamp::{Stamp, program};
pub use key::Key;
pub use prune::{LIMIT, Tidied, Usage};

/// The layout of the store. Another one is another folder, so that versions do not disturb each other.
const LAYOUT: &str = "v1";

/// The variable that moves the store.
pub const FOLDER_VARIABLE: &str = "UV_LAMBDA_CDK_CACHE_DIR";

/// An entry counts as used when it was within this time: looking at one does not write each time.
const USED: Duration = Duration::from_hours(1);

/// A folder of what was made before; or none, which knows nothing and keeps nothing.
#[derive(Debug, Clone)]
pub struct Store {
    folder: Option<PathBuf>,
}

/// Where the store is, unless the caller says otherwise: by the variable, or in the user's folder for caches, where
/// the platform has one.
pub fn default_folder() -> Option<PathBuf> {
    match std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
        Some(folder) => std::path::absolute(folder).ok(),
        None => dirs::cache_dir().map(|caches| caches.join("uv-lambda-cdk")),
    }
}

/// The right to make something, which one has at a time.
#[derive(Debug)]
pub struct Turn {
    /// Held, not read.
    _locks: Vec<File>,
}

impl Store {
    /// The store that keeps nothing.
    pub fn none() -> Self {
        Self { folder: None }
    }

    /// Opens the store in `folder`, and makes it where it is missing.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let layout = folder.join(LAYOUT);
        for kind in Kind::ALL {
            fs_err::create_dir_all(layout.join(kind.folder()))?;
        }
        // What backup programs and the like take for a sign to pass by: https://bford.info/cachedir/.
        let tag = folder.join("CACHEDIR.TAG");
        if !tag.exists() {
            fs_err::write(tag, "Signature: 8a477f597d28d172789f06886806bc55\n")?;
        }
        // A folder that cannot be written to is found out here, and not in the middle of a bundle.
        tempfile::tempfile_in(&layout)?;
        Ok(Self { folder: Some(layout) })
    }

    fn place(&self, kind: Kind, name: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(kind.folder()).join(name))
    }

    /// Waits until nobody else makes one of these things.
    ///
    /// Not to be called on a thread of a pool: it could wait there for work that waits for the same thread.
    pub fn turn<'a>(&self, keys: impl IntoIterator<Item = &'a Key>) -> Turn {
        let mut keys: Vec<&Key> = keys.into_iter().collect();
        // In one order for all, or two could wait for each other.
        keys.sort();
        keys.dedup();
        let locks = keys.into_iter().filter_map(|key| {
            let file = File::create(self.place(Kind::Lock, &key.to_string())?).ok()?;
            // A file system without locks costs only that something is made twice.
            file.lock().ok()?;
            Some(file)
        });
        Turn { _locks: locks.collect() }
    }

    /// What is remembered under a key.
    pub fn fact(&self, key: &Key) -> Option<String> {
        let path = self.place(Kind::Fact, &key.to_string())?;
        let text = fs_err::read_to_string(&path).ok()?;
        mark_used(&path);
        Some(text)
    }

    /// Remembers something that can be learnt again.
    pub fn remember(&self, key: &Key, text: &str) {
        if let Some(path) = self.place(Kind::Fact, &key.to_string()) {
            // What cannot be kept is learnt again.
            let _ = write(&path, text.as_bytes());
        }
    }

    /// Where the pack of this key is, or is to be.
    pub fn pack_path(&self, key: &Key) -> Option<PathBuf> {
        self.place(Kind::Pack, &key.to_string())
    }

    /// Where every pack is that there is.
    pub fn pack_paths(&self) -> Vec<PathBuf> {
        let Some(packs) = self.folder.as_ref().map(|folder| folder.join(Kind::Pack.folder())) else {
            return Vec::new();
        };
        fs_err::read_dir(packs)
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .collect()
    }
}

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pack,
    Bundle,
    Fact,
    Lock,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Pack, Self::Bundle, Self::Fact, Self::Lock];

    const fn folder(self) -> &'static str {
        match self {
            Self::Pack => "packs",
            Self::Bundle => "bundles",
            Self::Fact => "facts",
            Self::Lock => "locks",
        }
    }
}

/// Writes a file that appears whole or not at all.
fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let temporary =
        tempfile::Builder::new().prefix(".").tempfile_in(path.parent().unwrap_or(Path::new(".")))?;
    fs_err::write(temporary.path(), contents)?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Marks an entry as used now, for those who remove what nobody uses. Only what has its time of change for nothing else.
pub fn mark_used(path: &Path) {
    let now = SystemTime::now();
    let is_recent = fs_err::metadata(path)
        .and_then(|metadata| metadata.modified())
        .is_ok_and(|then| now.duration_since(then).is_ok_and(|age| age < USED));
    if !is_recent {
        // Where it cannot be marked, it is removed sooner.
        let _ = File::options().append(true).open(path).and_then(|file| file.set_modified(now));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fact_is_remembered_under_its_key_only() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (one, other) = (Key::of("a", &json!(1)), Key::of("b", &json!(1)));
        store.remember(&one, "known");
        assert_eq!((store.fact(&one).as_deref(), store.fact(&other)), (Some("known"), None));
        let none = Store::none();
        none.remember(&one, "known");
        assert_eq!(none.fact(&one), None);
    }

    #[test]
    fn a_turn_ends_before_the_next_begins() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let keys = [Key::of("a", &json!(1)), Key::of("a", &json!(2))];
        let busy = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let _turn = store.turn(&keys);
                    assert!(!busy.swap(true, std::sync::atomic::Ordering::SeqCst));
                    std::thread::sleep(Duration::from_millis(5));
                    busy.store(false, std::sync::atomic::Ordering::SeqCst);
                });
            }
        });
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_no_store() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("file"), "").unwrap();
        assert!(Store::open(&folder.path().join("file")).is_err());
    }
}
