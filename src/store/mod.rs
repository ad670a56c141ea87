//! Store: the cache of earlier results on this machine: packs, whole zips, and facts that it takes a process to learn.
//!
//! Everything in it can be made again, so a missing, damaged or foreign entry is a miss and never an error. Entries never change. They are
//! written beside their place and renamed onto it, so any number of processes can work in one store. Notes and facts have a checksum
//! (`checksum`), and so has every piece of a pack ([`pack`](crate::pack)). A zip is trusted as long as its [stamp](crate::support::file_stamp::LinkedStamp) says that nobody
//! wrote to it since its SHA-256 was last computed.
//!
//! The store is a help. If it cannot be written to, the bundle is made without it, and [`Store::failure`] says why.

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

/// The layout of the store. Another layout is another folder, so that versions do not disturb each other.
const LAYOUT: &str = "v1";

/// The variable that moves the store.
pub const FOLDER_VARIABLE: &str = "UV_LAMBDA_CDK_CACHE_DIR";

/// A folder of earlier results; or none, which knows nothing and keeps nothing.
#[derive(Debug, Clone)]
pub struct Store {
    folder: Option<PathBuf>,
    /// The first failure to write.
    failure: Arc<OnceLock<String>>,
}

/// The folder of the store, unless the caller says otherwise: the one that the variable names, or one in the user's folder for
/// caches, if the platform has such a folder.
pub fn default_folder() -> Option<PathBuf> {
    match std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
        Some(folder) => std::path::absolute(folder).ok(),
        None => dirs::cache_dir().map(|caches| caches.join("uv-lambda-cdk")),
    }
}

impl Store {
    /// The store that keeps nothing.
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
            // Backup programs and the like pass by a folder with this file: https://bford.info/cachedir/.
            let tag = folder.join("CACHEDIR.TAG");
            if !tag.exists() {
                // A store that cannot be written to may still have what is needed.
                let _ = fs_err::write(tag, "Signature: 8a477f597d28d172789f06886806bc55\n");
            }
            open.insert(folder.to_path_buf());
        }
        Ok(Self { folder: Some(layout), failure: Arc::default() })
    }

    /// Whether this is a folder, and not the store that keeps nothing.
    pub fn is_used(&self) -> bool {
        self.folder.is_some()
    }

    /// The folder; `None` for the store that keeps nothing.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Why something could not be kept since this store was opened.
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

    /// The fact under a key. A damaged one is removed.
    pub fn fact(&self, key: &Key) -> Option<String> {
        let path = self.place(Kind::Fact, &key.to_string())?;
        let entry = files::read_used(&path).ok()?;
        let Some(text) = checked(key, &entry) else {
            files::remove(&path);
            return None;
        };
        Some(text.to_owned())
    }

    /// Remembers a fact that can be learnt again.
    pub fn remember(&self, key: &Key, text: &str) {
        if let Some(path) = self.place(Kind::Fact, &key.to_string()) {
            self.noted(files::write(&path, with_checksum(key, text).as_bytes()));
        }
    }

    /// The place of the pack of this key, whether or not there is one.
    pub fn pack_path(&self, key: &Key) -> Option<PathBuf> {
        self.place(Kind::Pack, &key.to_string())
    }

    /// The places of all packs.
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
