//! Whole bundles: a zip and what was reported of it.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Key, Kind, Stamp, Store, mark_used, write};
use crate::report::Bundle;
use crate::support::wording;

/// A whole bundle in the store.
#[derive(Debug)]
pub struct Kept {
    /// What was reported of it.
    pub report: Bundle,
    zip: PathBuf,
}

/// What is written down beside a zip.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    report: Bundle,
    /// The zip's, when its SHA-256 was last computed.
    stamp: Stamp,
}

impl Store {
    /// Where the zip of this key is, or is to be.
    pub fn zip_path(&self, key: &Key) -> Option<PathBuf> {
        self.place(Kind::Bundle, &format!("{key}.zip"))
    }

    fn note_path(&self, key: &Key) -> Option<PathBuf> {
        self.place(Kind::Bundle, &format!("{key}.json"))
    }

    /// The bundle of this key. A damaged one is removed.
    pub fn bundle(&self, key: &Key) -> Option<Kept> {
        let (zip, note) = (self.zip_path(key)?, self.note_path(key)?);
        let Note { report, stamp } = serde_json::from_slice(&fs_err::read(&note).ok()?).ok()?;
        if Stamp::of(&zip).ok()? != stamp && sha256(&zip).ok()? != report.sha256 {
            let _ = fs_err::remove_file(note).and_then(|()| fs_err::remove_file(zip));
            return None;
        }
        mark_used(&note);
        Some(Kept { report, zip })
    }

    /// Keeps the zip that lies at its place now, with what is to be reported of it.
    pub fn keep_bundle(&self, key: &Key, report: &Bundle) -> io::Result<Option<Kept>> {
        let (Some(zip), Some(note)) = (self.zip_path(key), self.note_path(key)) else { return Ok(None) };
        let text = serde_json::to_vec(&Note { report: report.clone(), stamp: Stamp::of(&zip)? })?;
        write(&note, &text)?;
        Ok(Some(Kept { report: report.clone(), zip }))
    }
}

impl Kept {
    /// The zip in the store.
    pub fn zip_path(&self) -> &Path {
        &self.zip
    }

    /// Gives the zip to `path`, in place of what is there: as a copy that shares its blocks where the file system has such,
    /// as another link to the same file, or else as a copy.
    pub fn lend(&self, path: &Path) -> io::Result<()> {
        fs_err::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        match fs_err::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if reflink_copy::reflink(&self.zip, path).is_ok() {
            return Ok(());
        }
        if fs_err::hard_link(&self.zip, path).is_err() {
            fs_err::copy(&self.zip, path)?;
            return Ok(());
        }
        Ok(())
    }
}

/// Gives a zip to `path`, in place of what is there.
pub fn deliver(zip: &Path, path: &Path) -> io::Result<()> {
    fs_err::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    fs_err::copy(zip, path).map(drop)
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = fs_err::File::open(path)?;
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

    use super::*;

    fn kept(folder: &Path) -> (Store, Key, Kept) {
        let store = Store::open(folder).unwrap();
        let key = Key::of("bundle", &json!(1));
        let zip = store.zip_path(&key).unwrap();
        fs_err::write(&zip, "zip").unwrap();
        let report = Bundle { sha256: sha256(&zip).unwrap(), ..Bundle::default() };
        let kept = store.keep_bundle(&key, &report).unwrap().unwrap();
        (store, key, kept)
    }

    #[test]
    fn a_kept_bundle_is_lent_over_and_over() {
        let folder = tempfile::tempdir().unwrap();
        let (store, key, _) = kept(folder.path());
        for number in 0..3 {
            let path = folder.path().join(format!("new/{number}.zip"));
            let kept = store.bundle(&key).unwrap();
            kept.lend(&path).unwrap();
            kept.lend(&path).unwrap();
            assert_eq!(fs_err::read(path).unwrap(), b"zip");
        }
    }

    #[test]
    fn a_damaged_zip_is_not_lent() {
        let folder = tempfile::tempdir().unwrap();
        let (store, key, kept) = kept(folder.path());
        fs_err::write(&kept.zip, "zap").unwrap();
        assert!(store.bundle(&key).is_none() && !kept.zip.exists());
    }

    #[test]
    fn a_zip_that_was_only_touched_is_good() {
        let folder = tempfile::tempdir().unwrap();
        let (store, key, kept) = kept(folder.path());
        fs_err::write(&kept.zip, "zip").unwrap();
        assert!(store.bundle(&key).is_some());
    }
}
