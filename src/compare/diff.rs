//! The changes from one zip to another, in packages and files.

use std::path::Path;

use super::first_difference::Difference;
use super::zip_contents::{Zip, between, differing};
use crate::archive::ArchiveError;

/// The changes from one zip to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// The first zip.
    pub before: Side,
    /// The second zip.
    pub after: Side,
    /// The packages that were added, removed or changed their version, by name.
    pub packages: Vec<PackageChange>,
    /// The files that were added, removed or changed, in the order of their paths' bytes.
    pub files: Vec<FileChange>,
    /// The first difference; `None` where the zips are the same to the last byte.
    pub first: Option<Difference>,
}

/// One of the zips.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// SHA-256 of the zip, in hex.
    pub sha256: String,
    /// Size of the zip in bytes.
    pub zip_bytes: u64,
    /// Size of the unpacked files in bytes.
    pub unzipped_bytes: u64,
    /// Number of files in the zip.
    pub files: usize,
}

/// A package that was added (`before` is `None`), removed (`after` is `None`) or changed its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageChange {
    /// Its normalised name.
    pub name: String,
    /// Its version before.
    pub before: Option<String>,
    /// Its version after.
    pub after: Option<String>,
}

/// A file that was added (`before` is `None`), removed (`after` is `None`) or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path in the zip.
    pub path: String,
    /// Its size in bytes before.
    pub before: Option<u64>,
    /// Its size in bytes after.
    pub after: Option<u64>,
}

impl Diff {
    /// Whether the zips are the same to the last byte.
    pub fn is_identical(&self) -> bool {
        self.first.is_none()
    }

    /// How the zips differ although their files are the same, as a sentence; `None` in all other cases.
    pub fn container(&self) -> Option<String> {
        self.first
            .as_ref()
            .filter(|first| matches!(first, Difference::Container { .. }))
            .map(ToString::to_string)
    }
}

/// Compares the zip at `before` with the one at `after`. Other tools may have made them.
pub fn diff(before: &Path, after: &Path) -> Result<Diff, ArchiveError> {
    let (mut before, mut after) = (Zip::open(before)?, Zip::open(after)?);
    let first = between(&mut before, &mut after)?;
    let files = differing(&before, &after).into_iter().map(|path| FileChange {
        path: path.to_owned(),
        before: before.files.get(path).map(|file| file.size),
        after: after.files.get(path).map(|file| file.size),
    });
    Ok(Diff {
        packages: package_changes(&before, &after),
        files: files.collect(),
        first,
        before: side(&before),
        after: side(&after),
    })
}

fn side(zip: &Zip) -> Side {
    Side {
        sha256: zip.sha256.clone(),
        zip_bytes: zip.reader.bytes(),
        unzipped_bytes: zip.files.values().map(|file| file.size).sum(),
        files: zip.files.len(),
    }
}

fn package_changes(before: &Zip, after: &Zip) -> Vec<PackageChange> {
    let mut names: Vec<&String> = before.packages.keys().chain(after.packages.keys()).collect();
    names.sort();
    names.dedup();
    // `pip install --target` leaves the metadata of the version that was there before.
    let versions = |zip: &Zip, name: &String| zip.packages.get(name).map(|versions| versions.join(" and "));
    names
        .into_iter()
        .map(|name| PackageChange {
            name: name.clone(),
            before: versions(before, name),
            after: versions(after, name),
        })
        .filter(|change| change.before != change.after)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::zip_contents::tests::zip;
    use super::*;
    use crate::codes::ErrorCode;

    const FIRST: &[u8] = b"Name: First\nVersion: 1.0\n";
    const SECOND: &[u8] = b"Name: first\nVersion: 2.0\n";
    const OTHER: &[u8] = b"Name: other\nVersion: 1.0\n";

    #[test]
    fn packages_and_files_come_go_and_change() {
        let before = zip(&[
            ("first-1.0.dist-info/METADATA", FIRST),
            ("gone/__init__.py", b"1234"),
            ("kept.py", b"kept"),
            ("module.py", b"1"),
        ]);
        let after = zip(&[
            ("first-2.0.dist-info/METADATA", SECOND),
            ("kept.py", b"kept"),
            ("module.py", b"22"),
            ("other-1.0.dist-info/METADATA", OTHER),
        ]);
        let diff = diff(&before.1, &after.1).unwrap();
        let packages: Vec<_> = diff
            .packages
            .iter()
            .map(|change| (change.name.as_str(), change.before.as_deref(), change.after.as_deref()))
            .collect();
        assert_eq!(packages, [("first", Some("1.0"), Some("2.0")), ("other", None, Some("1.0"))]);
        let files: Vec<_> =
            diff.files.iter().map(|change| (change.path.as_str(), change.before, change.after)).collect();
        assert_eq!(
            files,
            [
                ("first-1.0.dist-info/METADATA", Some(25), None),
                ("first-2.0.dist-info/METADATA", None, Some(25)),
                ("gone/__init__.py", Some(4), None),
                ("module.py", Some(1), Some(2)),
                ("other-1.0.dist-info/METADATA", None, Some(25)),
            ]
        );
        assert!(!diff.is_identical());
        assert_eq!(diff.container(), None);
        assert_eq!((diff.before.files, diff.before.unzipped_bytes), (4, 34));
    }

    #[test]
    fn the_same_bytes_are_identical() {
        let (one, other) = (zip(&[("a", b"1")]), zip(&[("a", b"1")]));
        let diff = diff(&one.1, &other.1).unwrap();
        assert!(diff.is_identical());
        assert_eq!((diff.packages, diff.files), (Vec::new(), Vec::new()));
        assert_eq!(diff.before, diff.after);
    }

    #[test]
    fn a_zip_that_is_missing_or_none_is_named() {
        let (_folder, good) = zip(&[("a", b"1")]);
        let missing = diff(&good, Path::new("/no/such.zip")).unwrap_err();
        assert_eq!(missing.code(), ErrorCode::Io);
        assert!(missing.to_string().starts_with("failed to read the zip `/no/such.zip`: "), "{missing}");
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(diff(file.path(), &good).unwrap_err().code(), ErrorCode::BadZip);
    }
}
