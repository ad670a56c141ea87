//! Packs in the store.

use std::io;

use super::Pack;
use crate::store::{Key, Store, mark_used};

impl Pack {
    /// The pack of this key, if its index is whole; its pieces are looked at when they are read. A damaged one is removed.
    pub fn cached(store: &Store, key: &Key) -> Option<Self> {
        let path = store.pack_path(key)?;
        match Self::open(&path) {
            Ok(pack) => {
                mark_used(&path);
                Some(pack)
            }
            Err(error) => {
                // Too many open files, for one, say nothing about the pack.
                if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::IsADirectory) {
                    let _ = fs_err::remove_file(&path).or_else(|_| fs_err::remove_dir_all(&path));
                }
                None
            }
        }
    }

    /// Looks at every bit of every pack in the store, and removes the damaged ones.
    pub fn remove_damaged(store: &Store) {
        for path in store.pack_paths() {
            if Self::open(&path).and_then(|pack| pack.check()).is_err() {
                let _ = fs_err::remove_file(&path).or_else(|_| fs_err::remove_dir_all(&path));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_damaged_pack_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let key = Key::of("pack", &json!(1));
        let path = store.pack_path(&key).unwrap();
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, "no pack").unwrap();
        assert!(Pack::cached(&store, &key).is_none() && !path.exists());
    }
}
