//! Reading the files of the user's project. Reading a named pipe or a device may never end, so only regular
//! files are opened. Links are followed.

use std::fs::Metadata;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::wording;

/// The largest manifest, lockfile or file of settings that is read, in bytes. It is read into memory whole.
/// The lockfiles of the largest workspaces have a tenth of this size.
pub const LARGEST_TEXT: u64 = 64 * 1024 * 1024;

/// The largest part of a file that is in memory at once, in bytes.
const BUFFER: u64 = 256 * 1024;

/// The metadata of a regular file. Fails for everything else, with an error that names the path.
pub fn metadata(path: &Path) -> io::Result<Metadata> {
    let metadata = fs_err::metadata(path)?;
    if metadata.is_file() {
        return Ok(metadata);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!(
            "`{}` is {}, not a file: replace it with a file, or remove it",
            path.display(),
            kind(metadata.file_type())
        ),
    ))
}

/// Fails for a text that is not a regular file, or larger than [`LARGEST_TEXT`].
pub fn check_text(path: &Path) -> io::Result<()> {
    let size = metadata(path)?.len();
    if size <= LARGEST_TEXT { Ok(()) } else { Err(too_large(path)) }
}

/// Reads a regular file of any size.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    metadata(path)?;
    fs_err::read(path)
}

/// Reads a manifest, a lockfile or a file of settings, which is UTF-8 and has at most [`LARGEST_TEXT`] bytes.
pub fn read_text(path: &Path) -> io::Result<String> {
    check_text(path)?;
    let mut text = String::new();
    // Some files are larger than the file system says.
    fs_err::File::open(path)?.take(LARGEST_TEXT + 1).read_to_string(&mut text).map_err(
        |error| match error.kind() {
            io::ErrorKind::InvalidData => io::Error::new(
                error.kind(),
                format!("`{}` is not UTF-8: save it in this encoding", path.display()),
            ),
            _ => error,
        },
    )?;
    if text.len() as u64 > LARGEST_TEXT { Err(too_large(path)) } else { Ok(text) }
}

/// SHA-256 of a regular file, in hex. Of a large one only a part is in memory at once.
pub fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut parts = Parts::open(path)?;
    while let Some(part) = parts.next()? {
        hasher.update(part);
    }
    Ok(wording::hex(&hasher.finalize()))
}

/// Why a file was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(io::Error),
    /// The copy cannot be written.
    #[error(transparent)]
    Write(io::Error),
}

impl From<CopyError> for io::Error {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Read(error) | CopyError::Write(error) => error,
        }
    }
}

/// Copies a regular file, and returns the SHA-256 of the copy, in hex. Of a large one only a part is in memory at once. The
/// folder of `to` is made; permissions are not copied.
pub fn copy(from: &Path, to: &Path) -> Result<String, CopyError> {
    let mut parts = Parts::open(from).map_err(CopyError::Read)?;
    if let Some(parent) = to.parent() {
        fs_err::create_dir_all(parent).map_err(CopyError::Write)?;
    }
    let mut copy = fs_err::File::create(to).map_err(CopyError::Write)?;
    let mut hasher = Sha256::new();
    while let Some(part) = parts.next().map_err(CopyError::Read)? {
        hasher.update(part);
        copy.write_all(part).map_err(CopyError::Write)?;
    }
    Ok(wording::hex(&hasher.finalize()))
}

/// A regular file that is read in parts.
struct Parts {
    file: fs_err::File,
    buffer: Vec<u8>,
}

impl Parts {
    fn open(path: &Path) -> io::Result<Self> {
        // A small file needs a small buffer.
        let length = metadata(path)?.len().clamp(1, BUFFER);
        let buffer = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        Ok(Self { file: fs_err::File::open(path)?, buffer })
    }

    /// The next part; `None` at the end.
    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            match self.file.read(&mut self.buffer) {
                Ok(0) => return Ok(None),
                Ok(read) => return Ok(Some(&self.buffer[..read])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn too_large(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!(
            "`{}` is larger than {}, which no lock, manifest or file of settings is: restore the file",
            path.display(),
            wording::size(LARGEST_TEXT)
        ),
    )
}

fn kind(kind: std::fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
    }
    if kind.is_dir() { "a folder" } else { "a device" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_several_parts_is_copied_and_digested_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("new/to"));
        for length in [0, 1, BUFFER - 1, BUFFER, 2 * BUFFER + 7] {
            let contents: Vec<u8> = (0..length).map(|number| (number % 251) as u8).collect();
            fs_err::write(&from, &contents).unwrap();
            let expected = wording::hex(&Sha256::digest(&contents));
            assert_eq!(copy(&from, &to).unwrap(), expected, "{length}");
            assert_eq!(digest(&from).unwrap(), expected, "{length}");
            assert_eq!(fs_err::read(&to).unwrap(), contents, "{length}");
        }
    }

    #[test]
    fn a_folder_and_another_encoding_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("` is a folder, not a file: replace it with a file, or remove it"),
            "{error}"
        );
        let path = folder.path().join("latin");
        fs_err::write(&path, [0xe9]).unwrap();
        let error = read_text(&path).unwrap_err().to_string();
        assert!(error.ends_with("latin` is not UTF-8: save it in this encoding"), "{error}");
        assert_eq!(read_text(&folder.path().join("missing")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
