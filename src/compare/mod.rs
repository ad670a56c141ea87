//! Compare: what is different between two zips, from their packages down to the first byte.

mod diff;
mod first_difference;
mod zip_contents;
mod zip_headers;

use std::io;
use std::path::{Path, PathBuf};

use crate::archive::ArchiveError;
pub use diff::{Diff, FileChange, PackageChange, Side, diff};
pub use first_difference::Difference;
pub use zip_contents::first_difference;

/// Why two zips could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A zip cannot be read from disk.
    #[error("failed to read the zip `{}`: {source}", .path.display())]
    Read {
        /// The zip.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A zip is no zip.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl CompareError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "IO",
            Self::Archive(error) => error.code(),
        }
    }
}

fn read_whole(path: &Path) -> Result<Vec<u8>, CompareError> {
    // Not through fs_err: the path stands in the error already.
    std::fs::read(path).map_err(|source| CompareError::Read { path: path.to_path_buf(), source })
}
