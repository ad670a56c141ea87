//! The git history that a build backend may compute a version from.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::support::file_listing::files_below;
use crate::support::{regular_file, wording};

/// The name of the folder, or of the file, by which a repository is known.
pub const GIT: &str = ".git";

/// The repository that a folder lies in: the nearest folder above it, or itself, with a `.git`.
pub fn repository_of(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|ancestor| ancestor.join(GIT).exists())
}

/// SHA-256, in hex, of everything that a version can be computed from: the commit, the tags and branches, the index. `None` if
/// only git itself could read it.
pub fn digest(repository: &Path) -> Option<String> {
    let git = git_folder(&repository.join(GIT))?;
    // A worktree has its own commit and index, and shares the rest.
    let common = match regular_file::read_text(&git.join("commondir")) {
        Ok(folder) => git.join(folder.trim()),
        Err(_) => git.clone(),
    };
    let mut hasher = Sha256::new();
    let mut add = |name: &str, contents: &[u8]| {
        hasher.update(name.as_bytes());
        hasher.update((contents.len() as u64).to_le_bytes());
        hasher.update(contents);
    };
    for (name, file) in [
        ("HEAD", git.join("HEAD")),
        ("index", git.join("index")),
        ("packed-refs", common.join("packed-refs")),
        ("shallow", common.join("shallow")),
    ] {
        match regular_file::read(&file) {
            Ok(contents) => add(name, &contents),
            Err(error) if error.kind() == io::ErrorKind::NotFound => add(name, &[]),
            Err(_) => return None,
        }
    }
    // Only git reads the files of this format.
    if common.join("reftable").exists() {
        return None;
    }
    let mut references = files_below(&common.join("refs"), &[]).ok()?;
    references.sort();
    for (name, file) in references {
        add(&name, &regular_file::read(&file).ok()?);
    }
    Some(wording::hex(&hasher.finalize()))
}

/// The folder with the data of a repository: `.git`, or the folder that a file of that name points to.
fn git_folder(git: &Path) -> Option<PathBuf> {
    if git.is_dir() {
        return Some(git.to_path_buf());
    }
    let pointer = regular_file::read_text(git).ok()?;
    Some(git.parent()?.join(pointer.strip_prefix("gitdir:")?.trim()))
}
