//! Delivery: how a zip comes to where the caller wants it.
//!
//! A delivered zip must keep its bytes for good, also where it shares them with the cache. So it is, in this order:
//!
//! 1. a clone, where the file system has them: it shares blocks until one of the two is written to;
//! 2. a hard link to a file that nobody may write to, except on Windows, where such a file cannot be removed either;
//! 3. a copy: on another file system, or where a file has all the links that it can have.
//!
//! Each is made beside its place and renamed onto it. A path that was delivered is never opened for writing: it may be a
//! link, and everything else that was delivered would change with it.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::path::Path;

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

/// Delivers the zip at `cached`, which is open as `file`, to `output`, in place of what is there.
pub fn deliver(cached: &Path, file: &File, output: &Path) -> Result<Delivered, DeliverError> {
    let folder = output.parent().unwrap_or(Path::new("."));
    if is_same_file(file, output) {
        return Ok(Delivered::Before);
    }
    fs_err::create_dir_all(folder).map_err(DeliverError::Output)?;
    if let Ok(clone) = clone(cached, folder) {
        make_writable(&clone).map_err(DeliverError::Output)?;
        persist(clone, output).map_err(DeliverError::Output)?;
        return Ok(Delivered::Clone);
    }
    if let Ok(link) = link(cached, file, folder) {
        // Dropped, not persisted: where both names are the same file already, renaming does nothing and leaves both.
        fs_err::rename(&link, output).map_err(DeliverError::Output)?;
        return Ok(Delivered::Link);
    }
    let copy = copy(file, folder)?;
    make_writable(&copy).map_err(DeliverError::Output)?;
    persist(copy, output).map_err(DeliverError::Output)?;
    Ok(Delivered::Copy)
}

/// Moves the zip at `zip`, which is not in the store, to `output`, in place of what is there.
pub fn move_to(zip: &Path, output: &Path) -> Result<(), DeliverError> {
    let folder = output.parent().unwrap_or(Path::new("."));
    fs_err::create_dir_all(folder).map_err(DeliverError::Output)?;
    make_writable(zip).map_err(DeliverError::Output)?;
    if std::fs::rename(zip, output).is_ok() {
        return Ok(());
    }
    // On another file system, as a rule.
    let file = File::open(zip).map_err(DeliverError::Cache)?;
    let copy = copy(&file, folder)?;
    make_writable(&copy).map_err(DeliverError::Output)?;
    persist(copy, output).map_err(DeliverError::Output)
}

fn clone(cached: &Path, folder: &Path) -> io::Result<TempPath> {
    Ok(temporary().make_in(folder, |path| reflink_copy::reflink(cached, path))?.into_temp_path())
}

fn link(cached: &Path, file: &File, folder: &Path) -> io::Result<TempPath> {
    // Elsewhere, a file that is read-only can be removed and replaced by whoever may write to its folder.
    if cfg!(windows) || !file.metadata()?.permissions().readonly() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    Ok(temporary().make_in(folder, |path| std::fs::hard_link(cached, path))?.into_temp_path())
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

/// A file of the caller's own is an ordinary one, which CDK may read as another user.
pub(super) fn make_writable(path: &Path) -> io::Result<()> {
    set_mode(path, 0o644)
}

/// Takes from everybody the permission to write to a file, where links to it are delivered.
pub fn make_read_only(path: &Path) -> io::Result<()> {
    set_mode(path, 0o444)
}

#[cfg(unix)]
fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(one), Ok(other)) = (file.metadata(), std::fs::symlink_metadata(path)) else { return false };
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// There are no links here.
#[cfg(not(unix))]
fn is_same_file(_file: &File, _path: &Path) -> bool {
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
