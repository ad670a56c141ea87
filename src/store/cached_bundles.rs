//! Whole bundles in the store: a zip and its report.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::checksum::{self, checked, with_checksum};
use super::deliver::{self, DeliverError, Delivered, make_read_only};
use super::{Key, Kind, Store, files};
use crate::report::Bundle;
use crate::support::file_stamp::LinkedStamp;
use crate::support::wording;

/// A bundle in the store.
#[derive(Debug)]
pub struct CachedBundle {
    /// The report of its build.
    pub report: Bundle,
    /// Where the zip lies.
    pub zip: PathBuf,
    /// The zip, open: it can be delivered even if it is removed meanwhile.
    file: File,
    store: Store,
    /// The key of the zip.
    pub key: Key,
    /// The stamp in the note.
    stamp: LinkedStamp,
}

/// The length of the stamp in a note, in bytes, filled up with spaces.
const STAMP: usize = 320;

/// The file beside a zip. It has two parts, each with its checksum: a stamp of the zip, and the report. While the stamp is that of the
/// zip, the zip has the SHA-256 of the report. The stamp has a fixed length, and is written over in place: each delivered link changes
/// the status of the zip. If two processes write it at once, it is damaged at worst, and the zip is hashed again.
#[derive(Debug)]
struct Note {
    report: Bundle,
    /// `None` if it is damaged.
    stamp: Option<LinkedStamp>,
}

impl Note {
    /// Reads a note; `None` if the report is damaged.
    fn parse(key: &Key, entry: &[u8]) -> Option<Self> {
        let (stamp, report) = entry.split_at_checked(checksum::HEAD + STAMP)?;
        let stamp = checked(key, stamp).and_then(|stamp| serde_json::from_str(stamp).ok());
        Some(Self { report: serde_json::from_str(checked(key, report)?).ok()?, stamp })
    }

    /// The bytes of the first part of a note.
    fn stamp_part(key: &Key, stamp: &LinkedStamp) -> io::Result<Vec<u8>> {
        let text = serde_json::to_string(stamp)?;
        Ok(with_checksum(key, &format!("{text:STAMP$}")).into_bytes())
    }
}

impl Store {
    /// The path for the zip of this key. The zip may be missing.
    pub fn zip_path(&self, key: &Key) -> Option<PathBuf> {
        self.place(Kind::Bundle, &format!("{key}.zip"))
    }

    fn note_path(&self, key: &Key) -> Option<PathBuf> {
        self.place(Kind::Bundle, &format!("{key}.json"))
    }

    /// The bundle of this key. A damaged one is removed.
    pub fn bundle(&self, key: &Key) -> Option<CachedBundle> {
        let (zip, note) = (self.zip_path(key)?, self.note_path(key)?);
        let entry = match files::read_used(&note) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !zip.is_dir() => return None,
            entry => entry,
        };
        let read = || -> Option<CachedBundle> {
            let Note { report, stamp } = Note::parse(key, &entry.ok()?)?;
            let file = File::open(&zip).ok()?;
            let now = LinkedStamp::of(&file);
            if !stamp.is_some_and(|stamp| stamp.is_unwritten(&now)) {
                if sha256(&file).ok()? != report.sha256 {
                    return None;
                }
                // A copied cache has other times. With the new stamp, the next lookup need not hash the zip again.
                self.write_stamp(key, &now);
            }
            let (store, key) = (self.clone(), key.clone());
            Some(CachedBundle { report, zip: zip.clone(), file, store, key, stamp: now })
        };
        let cached = read();
        if cached.is_none() {
            files::remove(&note);
            files::remove(&zip);
        }
        cached
    }

    /// Caches the zip that lies at its path, with its report. `None` if there is no store, or it cannot be written.
    pub fn keep_bundle(&self, key: &Key, report: &Bundle) -> Option<CachedBundle> {
        let zip = self.zip_path(key)?;
        self.noted(make_read_only(&zip))?;
        let file = self.noted(File::open(&zip))?;
        let stamp = LinkedStamp::of(&file);
        self.write_note(key, report, &stamp)?;
        Some(CachedBundle { report: report.clone(), zip, file, store: self.clone(), key: key.clone(), stamp })
    }

    fn write_note(&self, key: &Key, report: &Bundle, stamp: &LinkedStamp) -> Option<()> {
        let path = self.note_path(key)?;
        let write = || {
            let report = with_checksum(key, &serde_json::to_string(report)?);
            files::write(&path, &[Note::stamp_part(key, stamp)?, report.into_bytes()].concat())
        };
        self.noted(write())
    }

    /// Writes the stamp over the one in the note. If that fails, the zip is hashed again the next time.
    fn write_stamp(&self, key: &Key, stamp: &LinkedStamp) {
        if let (Some(path), Ok(stamp)) = (self.note_path(key), Note::stamp_part(key, stamp)) {
            let _ = File::options().write(true).open(path).and_then(|mut note| note.write_all(&stamp));
        }
    }
}

impl CachedBundle {
    /// Delivers the zip to `output`. Replaces a file there.
    pub fn deliver(&self, output: &Path) -> Result<(), DeliverError> {
        if deliver::deliver(&self.zip, &self.file, output)? == Delivered::Link {
            let linked = LinkedStamp::of(&self.file);
            // The link changed the status of the zip. If the zip was written to since the lookup, it is hashed the next time.
            if self.stamp.is_unwritten(&linked) {
                self.store.write_stamp(&self.key, &linked);
            }
        }
        Ok(())
    }
}

fn sha256(mut file: &File) -> io::Result<String> {
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1024 * 1024]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(wording::hex(&hasher.finalize())),
            length => hasher.update(&buffer[..length]),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::deliver::make_writable;
    use super::*;

    fn cached(folder: &Path) -> (Store, Key, CachedBundle) {
        let store = Store::open(folder).unwrap();
        let key = Key::of("bundle", &json!(1));
        let zip = store.zip_path(&key).unwrap();
        fs_err::create_dir_all(zip.parent().unwrap()).unwrap();
        fs_err::write(&zip, "zip").unwrap();
        let report = Bundle { sha256: sha256(&File::open(&zip).unwrap()).unwrap(), ..Bundle::default() };
        let cached = store.keep_bundle(&key, &report).unwrap();
        (store, key, cached)
    }

    #[test]
    fn a_cached_bundle_is_delivered_over_and_over() {
        let folder = tempfile::tempdir().unwrap();
        let (store, key, _) = cached(folder.path());
        for number in 0..3 {
            let path = folder.path().join(format!("new/{number}.zip"));
            let cached = store.bundle(&key).unwrap();
            cached.deliver(&path).unwrap();
            cached.deliver(&path).unwrap();
            assert_eq!(fs_err::read(path).unwrap(), b"zip");
        }
    }

    #[test]
    fn a_damaged_zip_is_a_miss() {
        let folder = tempfile::tempdir().unwrap();
        let (store, key, cached) = cached(folder.path());
        make_writable(&cached.zip).unwrap();
        fs_err::write(&cached.zip, "zap").unwrap();
        assert!(store.bundle(&key).is_none() && !cached.zip.exists());
    }

    #[test]
    fn a_damaged_note_is_a_miss() {
        let folder = tempfile::tempdir().unwrap();
        let (store, key, _) = cached(folder.path());
        let note = store.note_path(&key).unwrap();
        let text = fs_err::read_to_string(&note).unwrap();
        fs_err::write(&note, text.replace("\"files\":0", "\"files\":1")).unwrap();
        assert!(store.bundle(&key).is_none());
    }

    #[test]
    fn a_zip_with_other_times_is_hashed_once() {
        let folder = tempfile::tempdir().unwrap();
        let (store, key, cached) = cached(folder.path());
        make_writable(&cached.zip).unwrap();
        fs_err::write(&cached.zip, "zip").unwrap();
        let note = store.note_path(&key).unwrap();
        let before = fs_err::read(&note).unwrap();
        assert!(store.bundle(&key).is_some());
        assert_ne!(fs_err::read(&note).unwrap(), before);
    }
}
