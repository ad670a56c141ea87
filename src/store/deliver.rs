//! Delivery: puts a zip into the output folder.
//!
//! A delivered zip must keep its bytes, even if it shares them with the cache. It is the first of these that works:
//!
//! 1. a clone, if the file system has clones: it shares blocks until one of the two files is written to;
//! 2. a hard link to a read-only file, except on Windows, where a read-only file cannot be removed;
//! 3. a copy: on another file system, or if the file has the maximum number of links.
//!
//! The output appears whole or not at all: a link is made at a free path, everything else is made beside the output and renamed onto
//! it. A delivered path is never opened for writing: it may be a link, and all other links would change with it.

use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Seek, SeekFrom};
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tempfile::{NamedTempFile, TempPath};

use super::files::named;
use crate::support::file_access::set_mode;
use crate::support::unfinished_file::UNFINISHED;

/// How much is copied at once, in bytes, where the system does not copy by itself.
const BUFFER: usize = 1024 * 1024;

/// How a zip was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// It is there already: a link to the same file.
    Before,
    /// As a file of its own that shares blocks with the cache.
    Clone,
    /// As a link to a read-only file in the cache.
    Link,
    /// As a file of its own.
    Copy,
}

/// Why a zip was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The cache cannot be read: the zip can be made again.
    #[error("failed to read the cache: {0}")]
    Cache(#[source] io::Error),
    /// The place cannot be written to.
    #[error("{0}")]
    Output(#[source] io::Error),
}

/// Delivers the zip at `cached`, which is open as `file`, to `output`. Replaces a file there.
pub fn deliver(cached: &Path, file: &File, output: &Path) -> Result<Delivered, DeliverError> {
    let folder = output.parent().unwrap_or(Path::new("."));
    let metadata = file.metadata().map_err(DeliverError::Cache)?;
    let place = Place::of(&metadata, output);
    if place == Place::SameFile {
        return Ok(Delivered::Before);
    }
    let folder_metadata = std::fs::metadata(folder).or_else(|_| {
        fs_err::create_dir_all(folder)?;
        fs_err::metadata(folder)
    });
    let folder_metadata = folder_metadata.map_err(DeliverError::Output)?;
    if let Ok(clone) = clone(cached, folder, file_systems(&metadata, &folder_metadata)) {
        make_writable(&clone).map_err(DeliverError::Output)?;
        persist(clone, output).map_err(DeliverError::Output)?;
        return Ok(Delivered::Clone);
    }
    if may_be_linked(&metadata) {
        // A link is there whole or not at all.
        if place == Place::Free && std::fs::hard_link(cached, output).is_ok() {
            return Ok(Delivered::Link);
        }
        if let Ok(link) = temporary().make_in(folder, |path| std::fs::hard_link(cached, path)) {
            // Dropped, not persisted: where both names are the same file already, renaming does nothing and leaves both.
            fs_err::rename(link.into_temp_path(), output).map_err(DeliverError::Output)?;
            return Ok(Delivered::Link);
        }
    }
    let copy = copy(file, folder)?;
    make_writable(&copy).map_err(DeliverError::Output)?;
    persist(copy, output).map_err(DeliverError::Output)?;
    Ok(Delivered::Copy)
}

/// Moves the zip at `zip`, which the store could not keep, to `output`. Replaces a file there.
pub fn move_to(zip: &Path, output: &Path) -> Result<(), DeliverError> {
    let folder = output.parent().unwrap_or(Path::new("."));
    fs_err::create_dir_all(folder).map_err(DeliverError::Output)?;
    // Another process may have cleared the cache that it lies in.
    make_writable(zip).map_err(DeliverError::Cache)?;
    if std::fs::rename(zip, output).is_ok() {
        return Ok(());
    }
    // The output is on another file system, as a rule.
    let file = File::open(zip).map_err(DeliverError::Cache)?;
    let copy = copy(&file, folder)?;
    make_writable(&copy).map_err(DeliverError::Output)?;
    persist(copy, output).map_err(DeliverError::Output)
}

/// Clones the zip. Tries this only once for two file systems that cannot clone.
fn clone(cached: &Path, folder: &Path, file_systems: Option<(u64, u64)>) -> io::Result<TempPath> {
    static WITHOUT_CLONES: Mutex<BTreeSet<(u64, u64)>> = Mutex::new(BTreeSet::new());

    let without_clones = || WITHOUT_CLONES.lock().unwrap_or_else(PoisonError::into_inner);
    if file_systems.is_some_and(|both| without_clones().contains(&both)) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let clone = temporary().make_in(folder, |path| reflink_copy::reflink(cached, path));
    if clone.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::NotFound) {
        without_clones().extend(file_systems);
    }
    Ok(clone?.into_temp_path())
}

/// The numbers of the file systems of a file and of a folder, where the system has such numbers.
#[cfg_attr(unix, expect(clippy::unnecessary_wraps, reason = "other systems have no such numbers"))]
fn file_systems(file: &Metadata, folder: &Metadata) -> Option<(u64, u64)> {
    #[cfg(unix)]
    return Some((file.dev(), folder.dev()));
    #[cfg(not(unix))]
    {
        let _ = (file, folder);
        None
    }
}

/// Whether links to a file may be delivered: only if it is read-only, and not on Windows, where a read-only file cannot be removed.
/// Elsewhere, the permissions of its folder decide who can remove it.
fn may_be_linked(file: &Metadata) -> bool {
    !cfg!(windows) && file.permissions().readonly()
}

fn copy(mut file: &File, folder: &Path) -> Result<TempPath, DeliverError> {
    let mut copy: NamedTempFile = temporary().tempfile_in(folder).map_err(DeliverError::Output)?;
    file.seek(SeekFrom::Start(0)).map_err(DeliverError::Cache)?;
    if let Err(error) = io::copy(&mut BufReader::with_capacity(BUFFER, file), copy.as_file_mut()) {
        // The error does not say which of the two failed.
        let reading = file.seek(SeekFrom::Start(0)).and_then(|_| io::copy(&mut file, &mut io::sink()));
        return Err(match reading {
            Err(error) => DeliverError::Cache(error),
            Ok(_) => DeliverError::Output(error),
        });
    }
    Ok(copy.into_temp_path())
}

fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED).suffix(".zip");
    builder
}

fn persist(temporary: TempPath, output: &Path) -> io::Result<()> {
    temporary.persist(output).map_err(|failure| named(&failure.error, "replace", output))
}

/// Gives a file the ordinary permissions: its owner may write, and all may read, as CDK may run as another user.
pub(super) fn make_writable(path: &Path) -> io::Result<()> {
    set_mode(path, 0o644)
}

/// Makes a file read-only, so that links to it may be delivered.
pub fn make_read_only(path: &Path) -> io::Result<()> {
    set_mode(path, 0o444)
}

/// The place of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing lies there.
    Free,
    /// A link to the same file lies there.
    SameFile,
    /// Something else lies there.
    Taken,
}

impl Place {
    fn of(file: &Metadata, output: &Path) -> Self {
        let Ok(there) = std::fs::symlink_metadata(output) else { return Self::Free };
        if is_same_file(file, &there) { Self::SameFile } else { Self::Taken }
    }
}

#[cfg(unix)]
fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Links are never delivered on this system.
#[cfg(not(unix))]
fn is_same_file(_one: &Metadata, _other: &Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Cached {
        folder: tempfile::TempDir,
        file: File,
    }

    impl Cached {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("cached.zip");
            fs_err::write(&path, "zip").unwrap();
            make_read_only(&path).unwrap();
            Self { file: File::open(&path).unwrap(), folder }
        }

        fn deliver(&self, name: &str) -> Delivered {
            deliver(&self.folder.path().join("cached.zip"), &self.file, &self.folder.path().join(name))
                .unwrap()
        }

        fn names(&self, folder: &str) -> usize {
            fs_err::read_dir(self.folder.path().join(folder)).unwrap().count()
        }
    }

    #[test]
    fn a_zip_is_delivered_over_and_over_and_leaves_nothing_beside_it() {
        let cached = Cached::new();
        for _ in 0..3 {
            cached.deliver("new/folder/one.zip");
            assert_eq!(fs_err::read(cached.folder.path().join("new/folder/one.zip")).unwrap(), b"zip");
        }
        assert_eq!(cached.names("new/folder"), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_read_only_and_is_replaced_not_written_to() {
        let cached = Cached::new();
        if cached.deliver("out/one.zip") == Delivered::Link {
            let metadata = fs_err::metadata(cached.folder.path().join("out/one.zip")).unwrap();
            assert!(metadata.permissions().readonly());
            assert_eq!(cached.deliver("out/one.zip"), Delivered::Before);
        }
        // Another bundle at the same place.
        fs_err::rename(cached.folder.path().join("out/one.zip"), cached.folder.path().join("before.zip"))
            .unwrap();
        fs_err::write(cached.folder.path().join("out/one.zip"), "another").unwrap();
        cached.deliver("out/one.zip");
        assert_eq!(fs_err::read(cached.folder.path().join("out/one.zip")).unwrap(), b"zip");
        assert_eq!(fs_err::read(cached.folder.path().join("before.zip")).unwrap(), b"zip");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_can_be_written_to_is_not_linked() {
        let cached = Cached::new();
        let path = cached.folder.path().join("cached.zip");
        make_writable(&path).unwrap();
        assert_ne!(cached.deliver("one.zip"), Delivered::Link);
        fs_err::write(cached.folder.path().join("one.zip"), "another").unwrap();
        assert_eq!(fs_err::read(path).unwrap(), b"zip");
    }

    #[test]
    fn a_zip_that_is_removed_meanwhile_is_delivered() {
        let cached = Cached::new();
        fs_err::remove_file(cached.folder.path().join("cached.zip")).unwrap();
        assert_eq!(cached.deliver("one.zip"), Delivered::Copy);
        assert_eq!(fs_err::read(cached.folder.path().join("one.zip")).unwrap(), b"zip");
    }

    #[test]
    fn a_zip_that_was_removed_before_it_is_moved_is_a_broken_cache() {
        let folder = tempfile::tempdir().unwrap();
        let outcome = move_to(&folder.path().join("removed.zip"), &folder.path().join("one.zip"));
        assert!(matches!(outcome, Err(DeliverError::Cache(_))));
    }

    #[test]
    fn many_deliver_to_one_path_at_once_and_none_changes_what_was_delivered_before() {
        let cached = Cached::new();
        cached.deliver("before.zip");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let path = cached.folder.path().join("cached.zip");
                    let file = File::open(&path).unwrap();
                    for round in 0..100 {
                        let output = cached.folder.path().join("out/one.zip");
                        deliver(&path, &file, &output).unwrap();
                        if round % 3 == 0 {
                            let _ = fs_err::remove_file(output);
                        }
                    }
                });
            }
        });
        cached.deliver("out/one.zip");
        for name in ["before.zip", "out/one.zip", "cached.zip"] {
            assert_eq!(fs_err::read(cached.folder.path().join(name)).unwrap(), b"zip", "{name}");
        }
        assert_eq!(cached.names("out"), 1);
    }

    #[test]
    fn a_place_that_cannot_be_written_to_is_told_from_a_cache_that_cannot_be_read() {
        let cached = Cached::new();
        let output = cached.folder.path().join("cached.zip/one.zip");
        let path = cached.folder.path().join("cached.zip");
        assert!(matches!(deliver(&path, &cached.file, &output), Err(DeliverError::Output(_))));
        fs_err::create_dir_all(cached.folder.path().join("folder/inner")).unwrap();
        let output = cached.folder.path().join("folder");
        assert!(matches!(deliver(&path, &cached.file, &output), Err(DeliverError::Output(_))));
    }
}
