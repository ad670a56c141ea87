//! Select: which installed files ship, and why the others do not.

mod canonical_metadata;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::archive::Contents;
use crate::codes::ErrorCode;
use crate::install::Installed;
use crate::support::file_listing::files_below;

/// The files of one package that ship, by path inside the bundle, without bytecode.
#[derive(Debug, Default)]
pub struct Selection {
    /// The files.
    pub entries: BTreeMap<String, Contents>,
    /// The packages that own the files. Usually there is one.
    pub packages: Vec<Package>,
}

/// A package that ships.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The normalised name.
    pub name: String,
    /// The version.
    pub version: String,
    /// The files it owns, by path inside the bundle.
    pub files: Vec<String>,
}

/// Why an installed file does not ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotShipped {
    /// Bytecode that was made elsewhere: the bundle gets its own.
    ForeignBytecode,
    /// A file that belongs to the environment, not to a package.
    EnvironmentFile,
    /// A note of the installer about this machine: paths, times, tools.
    InstallerNote,
}

/// Why the files could not be selected.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// A file cannot be read.
    #[error("failed to read an installed package: {0}")]
    Io(#[from] io::Error),
    /// Nothing ships.
    #[error(
        "the bundle of `{member}` is empty: the package has no files that git would track, and no dependencies"
    )]
    Empty {
        /// The member.
        member: String,
    },
    /// The metadata of a package is not valid.
    #[error("failed to read `{path}`: {problem}")]
    BadMetadata {
        /// The file inside the bundle.
        path: String,
        /// The problem.
        problem: String,
    },
}

impl SelectError {
    /// The stable code of this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Io(_) => ErrorCode::Io,
            Self::Empty { .. } => ErrorCode::EmptyBundle,
            Self::BadMetadata { .. } => ErrorCode::BadMetadata,
        }
    }
}

/// Selects the files of a package that ship.
pub fn select(installed: &Installed<'_>) -> Result<Selection, SelectError> {
    let mut entries = BTreeMap::new();
    for (path, file) in &installed.files {
        if why_not_shipped(path).is_none() {
            entries.insert(path.clone(), on_disk(file)?);
        }
    }
    let packages = canonical_metadata::canonicalize(&mut entries, &installed.origin)?;
    Ok(Selection { entries, packages })
}

/// Selects every file below `folder` except bytecode, which the user's commands may have left there.
pub fn select_all(folder: &Path, packages: Vec<Package>) -> Result<Selection, SelectError> {
    let mut entries = BTreeMap::new();
    for (path, file) in files_below(folder, &[])? {
        if why_not_shipped(&path) != Some(NotShipped::ForeignBytecode) {
            entries.insert(path, on_disk(&file)?);
        }
    }
    Ok(Selection { entries, packages })
}

/// Why the file at `path` below `site-packages` does not ship; `None` where it does.
fn why_not_shipped(path: &str) -> Option<NotShipped> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if folder.split('/').any(|part| part == "__pycache__") {
        return Some(NotShipped::ForeignBytecode);
    }
    if folder.is_empty() && matches!(name, "_virtualenv.pth" | "_virtualenv.py") {
        return Some(NotShipped::EnvironmentFile);
    }
    let notes = ["INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"];
    (folder.ends_with(".dist-info") && notes.contains(&name)).then_some(NotShipped::InstallerNote)
}

fn on_disk(path: &Path) -> io::Result<Contents> {
    Ok(Contents::File { size: fs_err::metadata(path)?.len(), path: path.to_path_buf() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_this_machine_is_why_not_shipped() {
        let cases = [
            ("app/__pycache__/main.cpython-313.pyc", Some(NotShipped::ForeignBytecode)),
            ("_virtualenv.pth", Some(NotShipped::EnvironmentFile)),
            ("app-1.0.dist-info/direct_url.json", Some(NotShipped::InstallerNote)),
            ("app-1.0.dist-info/INSTALLER", Some(NotShipped::InstallerNote)),
            ("app-1.0.dist-info/METADATA", None),
            ("app/INSTALLER", None),
            ("app/legacy.pyc", None),
        ];
        for (path, expected) in cases {
            assert_eq!(why_not_shipped(path), expected, "{path}");
        }
    }
}
