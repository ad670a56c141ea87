//! Archive: zips. Those we write depend on their contents alone: the entries stand in the order of their paths' bytes, times
//! and modes are fixed, sizes and checksums stand in front of the data, and each file was compressed as one whole buffer by
//! a pinned compressor. Those we read may come from anybody, and nothing that they say of themselves is trusted.

mod compression;
mod entry_name;
mod unpack;
mod zip_reader;
mod zip_writer;

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use compression::capacity;
pub use compression::{Compressed, DamagedPiece, Piece, Shape, checksum, compress};
pub use unpack::unpack;
pub use zip_reader::{EntryHeader, ZipEntry, ZipReader};
pub use zip_writer::{Written, write};

use crate::codes::ErrorCode;

/// One file of the bundle.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its path inside the bundle, with `/` between the parts. Each other character is a part of a name, as on Linux.
    pub path: String,
    /// What is in it.
    pub contents: Contents,
}

/// The contents of an entry.
#[derive(Debug, Clone)]
pub enum Contents {
    /// As a file on disk has them.
    File {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// Made by the pipeline.
    Bytes(Vec<u8>),
    /// Compressed already, in a file that holds such pieces.
    Piece(Piece),
}

impl Contents {
    /// The size in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::File { size, .. } => *size,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Piece(piece) => piece.shape.size,
        }
    }

    /// The bytes.
    pub fn read(&self) -> io::Result<Cow<'_, [u8]>> {
        match self {
            Self::File { path, size } => {
                let mut bytes = Vec::with_capacity(capacity(usize::try_from(*size).unwrap_or_default()));
                fs_err::File::open(path)?.read_to_end(&mut bytes)?;
                Ok(bytes.into())
            }
            Self::Bytes(bytes) => Ok(bytes.into()),
            Self::Piece(piece) => piece.inflate().map(Into::into),
        }
    }
}

/// Why a zip was not written, or could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The output folder cannot be written to.
    #[error("failed to write the bundle to `{}`: {source}", .path.display())]
    NotWritable {
        /// The zip.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file of the bundle cannot be read.
    #[error("failed to read a file of the bundle: {0}")]
    Read(#[source] io::Error),
    /// Two files of the bundle have one path.
    #[error(
        "the bundle has two files `{entry}`, of which a zip can hold one: remove one of them (a command of `hooks` may have left it)"
    )]
    DuplicateFile {
        /// The path.
        entry: String,
    },
    /// A file of the bundle has a path that cannot be unpacked.
    #[error("the file `{}` of the bundle cannot have that path in a zip, since {problem}: rename it", .entry.escape_debug())]
    BadFileName {
        /// The path.
        entry: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A zip cannot be read from disk.
    #[error("failed to read the zip `{}`: {source}", .path.display())]
    ZipNotReadable {
        /// The zip.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A zip is damaged, or is not what it says.
    #[error("failed to read the zip `{}`: {problem}", .path.display())]
    BadZip {
        /// The zip.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A file of a zip cannot be written to disk.
    #[error("failed to unpack `{entry}` of the zip `{}`: {source}", .path.display())]
    NotUnpacked {
        /// The zip.
        path: PathBuf,
        /// The file in it.
        entry: String,
        /// The cause.
        source: io::Error,
    },
}

impl ArchiveError {
    /// The file at `path` cannot be written.
    pub fn not_writable(path: &Path, source: io::Error) -> Self {
        Self::NotWritable { path: path.to_path_buf(), source }
    }

    /// The stable code of this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotWritable { .. } => ErrorCode::OutputNotWritable,
            Self::Read(_) | Self::ZipNotReadable { .. } | Self::NotUnpacked { .. } => ErrorCode::Io,
            Self::DuplicateFile { .. } => ErrorCode::DuplicateFile,
            Self::BadFileName { .. } => ErrorCode::BadFileName,
            Self::BadZip { .. } => ErrorCode::BadZip,
        }
    }
}
