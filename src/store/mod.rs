//! Store: the cache on this machine: packs, whole zips, and facts, such as answers of other programs.
//!
//! Facts about this machine (where its Python is) are apart from facts that are true on every machine (this lock is up to date), which
//! a [remote store](crate::remote) may have too.
//!
//! Everything in it can be made again, so a missing, damaged or foreign entry is a miss and never an error. Entries are written
//! beside their place and renamed onto it, so any number of processes can work in one store. Notes and facts have a checksum, and so
//! has every piece of a pack ([`pack`](crate::pack)). A zip is trusted while its [stamp](crate::support::file_stamp::LinkedStamp)
//! shows that nobody wrote to it since its SHA-256 was computed.
//!
//! A bundle does not need the store. If the store cannot be written to, [`Store::failure`] says why.

mod cached_bundles;
mod checksum;
mod deliver;
mod files;
mod key;
mod locks;
mod prune;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use cached_bundles::CachedBundle;
use checksum::{checked, with_checksum};
pub use deliver::{DeliverError, move_to};
pub use files::mark_used;
pub use key::Key;
pub use locks::KeyLocks;
pub use prune::{LIMIT, Pruned, Usage};

/// The layout of the store. Each layout has its own folder, so that versions do not disturb each other.
const LAYOUT: &str = "v1";

/// The variable that moves the store.
pub const FOLDER_VARIABLE: &str = "UV_LAMBDA_CDK_CACHE_DIR";

/// The cache in a folder; or no cache, where every lookup is a miss and nothing is written.
#[derive(Debug, Clone)]
pub struct Store {
    folder: Option<PathBuf>,
    /// The first failure to write.
    failure: Arc<OnceLock<String>>,
}

/// The default folder of the store: the one that the variable names, or one in the user's folder for caches, if the platform has such
/// a folder.
pub fn default_folder() -> Option<PathBuf> {
    match std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
        Some(folder) => std::path::absolute(folder).ok(),
        None => dirs::cache_dir().map(|caches| caches.join("uv-lambda-cdk")),
    }
}

impl Store {
    /// No cache: every lookup is a miss, and nothing is written.
    pub fn none() -> Self {
        Self { folder: None, failure: Arc::default() }
    }

    /// Opens the store in `folder`, and makes it if it is missing.
    pub fn open(folder: &Path) -> io::Result<Self> {
        // A process opens its store for every bundle, and looks at the folders the first time only.
        static OPEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

        let layout = folder.join(LAYOUT);
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if !open.contains(folder) {
            fs_err::create_dir_all(&layout)?;
            // Backup programs skip a folder with this file: https://bford.info/cachedir/.
            let tag = folder.join("CACHEDIR.TAG");
            if !tag.exists() {
                // A read-only store may still have the entries.
                let _ = fs_err::write(tag, "Signature: 8a477f597d28d172789f06886806bc55\n");
            }
            open.insert(folder.to_path_buf());
        }
        Ok(Self { folder: Some(layout), failure: Arc::default() })
    }

    /// The store in `folder`, for reading: a missing one is not made, and is empty.
    pub fn at(folder: &Path) -> Self {
        Self { folder: Some(folder.join(LAYOUT)), failure: Arc::default() }
    }

    /// Whether there is a cache.
    pub fn is_used(&self) -> bool {
        self.folder.is_some()
    }

    /// The folder; `None` if there is no cache.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The first failure to write since this store was opened.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// The result of writing, or `None` after a failure, which is remembered.
    fn noted<Made>(&self, outcome: io::Result<Made>) -> Option<Made> {
        let folder = self.folder.as_deref().unwrap_or(Path::new("")).display();
        outcome.inspect_err(|error| drop(self.failure.set(format!("`{folder}`: {error}")))).ok()
    }

    fn place(&self, kind: Kind, name: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(kind.folder()).join(name))
    }

    /// The fact about this machine under a key. A damaged fact is removed.
    pub fn fact(&self, key: &Key) -> Option<String> {
        self.fact_of(Kind::Fact, key)
    }

    /// The fact under a key that is true on every machine. A damaged fact is removed.
    pub fn shared_fact(&self, key: &Key) -> Option<String> {
        self.fact_of(Kind::SharedFact, key)
    }

    /// The list of what an app needed last.
    pub fn prefetch_list(&self, key: &Key) -> Option<String> {
        self.fact_of(Kind::Prefetch, key)
    }

    /// Caches the list of what an app needed last.
    pub fn remember_prefetch_list(&self, key: &Key, text: &str) {
        self.remember_as(Kind::Prefetch, key, text);
    }

    fn fact_of(&self, kind: Kind, key: &Key) -> Option<String> {
        let path = self.place(kind, &key.to_string())?;
        let entry = files::read_used(&path).ok()?;
        let Some(text) = checked(key, &entry) else {
            files::remove(&path);
            return None;
        };
        Some(text.to_owned())
    }

    /// Caches a fact about this machine.
    pub fn remember(&self, key: &Key, text: &str) {
        self.remember_as(Kind::Fact, key, text);
    }

    /// Caches a fact that is true on every machine: nothing in it, and nothing that it follows from, may depend on this one.
    pub fn remember_shared(&self, key: &Key, text: &str) {
        self.remember_as(Kind::SharedFact, key, text);
    }

    fn remember_as(&self, kind: Kind, key: &Key, text: &str) {
        if let Some(path) = self.place(kind, &key.to_string()) {
            self.noted(files::write(&path, with_checksum(key, text).as_bytes()));
        }
    }

    /// The path for the pack of this key. The pack may be missing.
    pub fn pack_path(&self, key: &Key) -> Option<PathBuf> {
        self.place(Kind::Pack, &key.to_string())
    }

    /// The path for an entry that a remote store may have too. The entry may be missing.
    pub fn shared_path(&self, kind: Shared, key: &Key) -> Option<PathBuf> {
        self.place(kind.into(), &key.to_string())
    }

    /// The keys of all entries of a kind that a remote store may have too.
    pub fn shared_keys(&self, kind: Shared) -> Vec<Key> {
        let paths = self.files_of(kind.into());
        let names = paths.iter().filter_map(|path| path.file_name()?.to_str());
        names.filter_map(Key::parse).collect()
    }

    /// The paths of all packs.
    pub fn pack_paths(&self) -> Vec<PathBuf> {
        self.files_of(Kind::Pack)
    }

    fn files_of(&self, kind: Kind) -> Vec<PathBuf> {
        let folder = self.folder.as_ref().map(|folder| folder.join(kind.folder()));
        let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
        entries.into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path()).collect()
    }
}

/// The kinds of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pack,
    Bundle,
    Fact,
    SharedFact,
    Prefetch,
    Lock,
}

/// The kinds of entries that a remote store may have too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// A pack.
    Pack,
    /// A fact that is true on every machine.
    Fact,
    /// A list of what an app needed last.
    Prefetch,
}

impl From<Shared> for Kind {
    fn from(shared: Shared) -> Self {
        match shared {
            Shared::Pack => Self::Pack,
            Shared::Fact => Self::SharedFact,
            Shared::Prefetch => Self::Prefetch,
        }
    }
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::Pack, Self::Bundle, Self::Fact, Self::SharedFact, Self::Prefetch, Self::Lock];

    const fn folder(self) -> &'static str {
        match self {
            Self::Pack => "packs",
            Self::Bundle => "bundles",
            Self::Fact => "facts",
            Self::SharedFact => "shared-facts",
            Self::Prefetch => "prefetch",
            Self::Lock => "locks",
        }
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
    fn a_damaged_fact_is_a_miss() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let key = Key::of("a", &json!(1));
        store.remember(&key, "known");
        let path = store.place(Kind::Fact, &key.to_string()).unwrap();
        fs_err::write(&path, "3.99.1").unwrap();
        assert!(store.fact(&key).is_none() && !path.exists());
    }

    #[test]
    fn a_store_that_cannot_be_written_to_says_why() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("file"), "").unwrap();
        assert!(Store::open(&folder.path().join("file")).is_err());
        let store = Store::open(folder.path()).unwrap();
        fs_err::write(store.folder.as_ref().unwrap().join("facts"), "no folder").unwrap();
        store.remember(&Key::of("a", &json!(1)), "known");
        assert!(store.failure().is_some());
    }
}
