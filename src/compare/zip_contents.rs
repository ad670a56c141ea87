//! The contents of two zips, entry by entry, and the first byte in which they differ.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::first_difference::{Difference, first_unequal};
use super::zip_headers::header_difference;
use super::{CompareError, read_whole};
use crate::archive;
use crate::support::wheel_metadata::header;
use crate::support::wording;
use crate::workspace::normalize_name;

/// Folders that packages lie in: the top of a function, and those of a layer.
const PACKAGE_FOLDERS: [&str; 2] = ["", "python/"];

/// A zip, less the contents of its files: two of them fit into memory whatever their size.
#[derive(Debug)]
pub(super) struct Zip {
    pub(super) path: PathBuf,
    pub(super) sha256: String,
    pub(super) bytes: u64,
    /// The files by path, in the order of their bytes.
    pub(super) files: BTreeMap<String, File>,
    /// The versions of each package, by its normalised name.
    pub(super) packages: BTreeMap<String, Vec<String>>,
}

/// A file in a zip.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) size: u64,
    digest: [u8; 32],
}

impl Zip {
    pub(super) fn open(path: &Path) -> Result<Self, CompareError> {
        let whole = read_whole(path)?;
        let (sha256, bytes) = (wording::hex(&Sha256::digest(&whole)), whole.len() as u64);
        drop(whole);
        let mut files = BTreeMap::new();
        let mut packages: BTreeMap<String, Vec<String>> = BTreeMap::new();
        archive::read(path, |name, contents| {
            if let Some((package, version)) = package_of(name, &contents) {
                packages.entry(package).or_default().push(version);
            }
            let file = File { size: contents.len() as u64, digest: Sha256::digest(&contents).into() };
            files.insert(name.to_owned(), file);
            Ok(())
        })?;
        Ok(Self { path: path.to_path_buf(), sha256, bytes, files, packages })
    }
}

/// The first difference between two zips, files in the order of their paths' bytes, those last that are made of
/// others (bytecode, `RECORD`); `None` where the zips are the same to the last byte.
pub fn first_difference(first: &Path, second: &Path) -> Result<Option<Difference>, CompareError> {
    between(&Zip::open(first)?, &Zip::open(second)?)
}

pub(super) fn between(first: &Zip, second: &Zip) -> Result<Option<Difference>, CompareError> {
    if first.sha256 == second.sha256 {
        return Ok(None);
    }
    let Some(entry) = differing(first, second).into_iter().min_by_key(|path| is_consequence(path)) else {
        return header_difference(&first.path, &second.path).map(Some);
    };
    let entry = entry.to_owned();
    Ok(Some(match (first.files.contains_key(&entry), second.files.contains_key(&entry)) {
        (true, false) => Difference::OnlyInFirst { entry },
        (false, _) => Difference::OnlyInSecond { entry },
        (true, true) => {
            let (before, after) = (contents_of(&first.path, &entry)?, contents_of(&second.path, &entry)?);
            let offset = first_unequal(&before, &after);
            Difference::Contents {
                entry,
                offset: offset as u64,
                first: before.get(offset).copied(),
                second: after.get(offset).copied(),
            }
        }
    }))
}

/// Whether a file is made of others, so that it differs where one of them does, and says nothing about why.
fn is_consequence(path: &str) -> bool {
    path.ends_with(".pyc") || path.ends_with(".dist-info/RECORD")
}

/// The files that came, went or changed, in the order of their paths' bytes.
pub(super) fn differing<'a>(first: &'a Zip, second: &'a Zip) -> Vec<&'a str> {
    let mut paths: Vec<&str> = first
        .files
        .iter()
        .filter(|(path, file)| second.files.get(*path) != Some(*file))
        .map(|(path, _)| path.as_str())
        .chain(second.files.keys().filter(|path| !first.files.contains_key(*path)).map(String::as_str))
        .collect();
    paths.sort_unstable();
    paths
}

fn contents_of(zip: &Path, entry: &str) -> Result<Vec<u8>, CompareError> {
    let mut found = Vec::new();
    archive::read(zip, |name, contents| {
        if name == entry {
            found = contents;
        }
        Ok(())
    })?;
    Ok(found)
}

/// The package that an entry is the metadata of, as its normalised name and its version.
fn package_of(path: &str, contents: &[u8]) -> Option<(String, String)> {
    let folder = path.strip_suffix(".dist-info/METADATA")?;
    // A package may bring copies of others inside it, which nobody imports as packages.
    let name = PACKAGE_FOLDERS.iter().rev().find_map(|within| folder.strip_prefix(within))?;
    if name.contains('/') && !is_in_site_packages(name) {
        return None;
    }
    let metadata = String::from_utf8_lossy(contents);
    Some((normalize_name(header(&metadata, "Name")?), header(&metadata, "Version")?.to_owned()))
}

/// Whether what is left of a path below `python/` is a package in a layer's `lib/python3.13/site-packages`.
fn is_in_site_packages(below_python: &str) -> bool {
    let parts: Vec<&str> = below_python.split('/').collect();
    matches!(parts.as_slice(), ["lib", python, "site-packages", _] if python.starts_with("python"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::archive::{Contents, Entry, write};

    /// A zip of these files, and the folder that it lies in.
    pub(in super::super) fn zip(files: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.zip");
        let entries = files
            .iter()
            .map(|(path, bytes)| Entry {
                path: (*path).to_owned(),
                contents: Contents::Bytes(bytes.to_vec()),
            })
            .collect();
        write(entries, &path).unwrap();
        (folder, path)
    }

    fn difference(first: &[(&str, &[u8])], second: &[(&str, &[u8])]) -> Option<Difference> {
        let (first, second) = (zip(first), zip(second));
        first_difference(&first.1, &second.1).unwrap()
    }

    #[test]
    fn the_same_files_have_no_difference() {
        assert_eq!(difference(&[("a", b"1"), ("b", b"")], &[("b", b""), ("a", b"1")]), None);
    }

    #[test]
    fn the_first_entry_and_its_first_byte_are_named() {
        let found = difference(
            &[("a", b"1"), ("b.py", b"x = 12"), ("c", b"9")],
            &[("a", b"1"), ("b.py", b"x = 32"), ("c", b"8")],
        );
        let found = found.unwrap();
        assert_eq!(
            found,
            Difference::Contents {
                entry: "b.py".to_owned(),
                offset: 4,
                first: Some(b'1'),
                second: Some(b'3')
            }
        );
        assert_eq!(
            found.to_string(),
            "`b.py` differs at byte 4: 0x31 (`1`) in the first, 0x33 (`3`) in the second"
        );
    }

    #[test]
    fn a_file_that_goes_on_differs_where_the_other_ends() {
        let found = difference(&[("a", b"12\n")], &[("a", b"12")]).unwrap();
        assert_eq!(
            found.to_string(),
            "`a` differs at byte 2: 0x0a in the first, the end of the file in the second"
        );
    }

    #[test]
    fn causes_are_named_before_their_consequences() {
        let before: &[(&str, &[u8])] =
            &[("a-1.dist-info/RECORD", b"1"), ("a/__pycache__/b.cpython-313.pyc", b"1"), ("a/b.py", b"1")];
        let after: &[(&str, &[u8])] =
            &[("a-1.dist-info/RECORD", b"2"), ("a/__pycache__/b.cpython-313.pyc", b"2"), ("a/b.py", b"2")];
        assert!(difference(before, after).unwrap().to_string().starts_with("`a/b.py`"));
        let only_bytecode = difference(&before[..2], &after[..2]).unwrap().to_string();
        assert!(only_bytecode.starts_with("`a-1.dist-info/RECORD`"), "{only_bytecode}");
        assert_eq!(difference(before, before), None);
    }

    #[test]
    fn a_file_that_only_one_has_is_named() {
        assert_eq!(
            difference(&[("a", b"1"), ("b", b"1")], &[("b", b"2")]),
            Some(Difference::OnlyInFirst { entry: "a".to_owned() })
        );
        assert_eq!(
            difference(&[("b", b"1")], &[("a", b"1"), ("b", b"2")]),
            Some(Difference::OnlyInSecond { entry: "a".to_owned() })
        );
    }

    #[test]
    fn packages_are_those_that_python_sees() {
        let metadata = b"Metadata-Version: 2.4\nName: My_Package\nVersion: 1.2\n\nVersion: 9\n";
        let package = Some(("my-package".to_owned(), "1.2".to_owned()));
        for path in [
            "x-1.dist-info/METADATA",
            "python/x-1.dist-info/METADATA",
            "python/lib/python3.13/site-packages/x-1.dist-info/METADATA",
        ] {
            assert_eq!(package_of(path, metadata), package, "{path}");
        }
        for path in ["setuptools/_vendor/x-1.dist-info/METADATA", "x-1.dist-info/RECORD", "METADATA"] {
            assert_eq!(package_of(path, metadata), None, "{path}");
        }
    }
}
