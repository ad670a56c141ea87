//! The contents of two zips, entry by entry, and the first byte in which they differ.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::first_difference::{Difference, Unequal, first_unequal};
use super::zip_headers::header_difference;
use crate::archive::{ArchiveError, ZipReader};
use crate::support::wheel_metadata::header;
use crate::workspace::normalize_name;

/// The folders of packages in a zip: the root for a function, `python/` for a layer.
const PACKAGE_FOLDERS: [&str; 2] = ["", "python/"];

/// The number of bytes of a package's metadata that are read. The name and the version stand at its
/// beginning, before a description of any length.
const METADATA_READ: usize = 64 * 1024;

/// A zip that was read once. Only digests of its files are in memory.
pub(super) struct Zip {
    pub(super) reader: ZipReader,
    pub(super) sha256: String,
    /// The files by path, in the order of their bytes.
    pub(super) files: BTreeMap<String, File>,
    /// The versions of each package, by its normalised name.
    pub(super) packages: BTreeMap<String, Vec<String>>,
}

/// A file in a zip.
#[derive(Debug)]
pub(super) struct File {
    pub(super) size: u64,
    digest: [u8; 32],
    /// The index of its entry.
    entry: usize,
}

impl Zip {
    pub(super) fn open(path: &Path) -> Result<Self, ArchiveError> {
        let mut reader = ZipReader::open(path)?;
        let sha256 = reader.sha256()?;
        let mut files = BTreeMap::new();
        let mut packages: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for number in 0..reader.entries() {
            let mut entry = reader.entry(number)?;
            if entry.is_folder() {
                continue;
            }
            let path = entry.name().to_owned();
            let to_read = if is_metadata(&path) { METADATA_READ } else { 0 };
            let (mut metadata, mut size, mut hasher) = (Vec::new(), 0, Sha256::new());
            entry.for_each_part(|part| {
                metadata.extend_from_slice(&part[..part.len().min(to_read - metadata.len())]);
                size += part.len() as u64;
                hasher.update(part);
            })?;
            if let Some((package, version)) = package_of(&path, &metadata) {
                packages.entry(package).or_default().push(version);
            }
            files.insert(path, File { size, digest: hasher.finalize().into(), entry: number });
        }
        Ok(Self { reader, sha256, files, packages })
    }
}

/// The first difference between two zips; `None` if all bytes are the same. Files are compared in the order
/// of their paths' bytes; files that are made from others (bytecode, `RECORD`) come last.
pub fn first_difference(first: &Path, second: &Path) -> Result<Option<Difference>, ArchiveError> {
    between(&mut Zip::open(first)?, &mut Zip::open(second)?)
}

pub(super) fn between(first: &mut Zip, second: &mut Zip) -> Result<Option<Difference>, ArchiveError> {
    if first.sha256 == second.sha256 {
        return Ok(None);
    }
    let Some(path) = differing(first, second).into_iter().min_by_key(|path| is_consequence(path)) else {
        return header_difference(&first.reader, &second.reader).map(Some);
    };
    let entry = path.to_owned();
    let (Some(in_first), Some(in_second)) = (first.files.get(path), second.files.get(path)) else {
        let is_in_first = first.files.contains_key(path);
        return Ok(Some(if is_in_first {
            Difference::OnlyInFirst { entry }
        } else {
            Difference::OnlyInSecond { entry }
        }));
    };
    let (mut in_first, mut in_second) =
        (first.reader.entry(in_first.entry)?, second.reader.entry(in_second.entry)?);
    let unequal = first_unequal(|_, buffer| in_first.read(buffer), |_, buffer| in_second.read(buffer))?;
    Ok(unequal.map(|Unequal { offset, first, second }| Difference::Contents { entry, offset, first, second }))
}

/// Whether a file is made from others. It differs if one of them does, and does not show the cause.
fn is_consequence(path: &str) -> bool {
    path.ends_with(".pyc") || path.ends_with(".dist-info/RECORD")
}

/// The files that were added, removed or changed, in the order of their paths' bytes.
pub(super) fn differing<'a>(first: &'a Zip, second: &'a Zip) -> Vec<&'a str> {
    let mut paths: Vec<&str> = first
        .files
        .iter()
        .filter(|(path, file)| second.files.get(*path).is_none_or(|other| other.digest != file.digest))
        .map(|(path, _)| path.as_str())
        .chain(second.files.keys().filter(|path| !first.files.contains_key(*path)).map(String::as_str))
        .collect();
    paths.sort_unstable();
    paths
}

/// Whether an entry is the metadata of a package, or of a copy of one inside another package.
fn is_metadata(path: &str) -> bool {
    path.ends_with(".dist-info/METADATA")
}

/// The normalised name and the version of the package whose metadata an entry is.
fn package_of(path: &str, contents: &[u8]) -> Option<(String, String)> {
    let folder = path.strip_suffix(".dist-info/METADATA")?;
    // A package may have copies of others inside it, which nobody imports as packages.
    let name = PACKAGE_FOLDERS.iter().rev().find_map(|within| folder.strip_prefix(within))?;
    if name.contains('/') && !is_in_site_packages(name) {
        return None;
    }
    let metadata = String::from_utf8_lossy(contents);
    Some((normalize_name(header(&metadata, "Name")?), header(&metadata, "Version")?.to_owned()))
}

/// Whether a path below `python/` is a package in a layer's `lib/python3.13/site-packages`.
fn is_in_site_packages(below_python: &str) -> bool {
    let parts: Vec<&str> = below_python.split('/').collect();
    matches!(parts.as_slice(), ["lib", python, "site-packages", _] if python.starts_with("python"))
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::PathBuf;

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
