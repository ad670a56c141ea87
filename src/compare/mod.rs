//! Compare: what is different between two zips, from their packages down to the first byte.

mod contents;
mod diff;
mod headers;

use std::io;
use std::path::PathBuf;

use crate::archive::ArchiveError;
pub use contents::{Difference, first_difference};
pub use diff::{Diff, FileChange, PackageChange, Side, diff};

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
