//! Git history for the packages that take their version from it.
//!
//! The copy of a workspace has no `.git`, and a backend such as hatch-vcs or setuptools-scm looks for
//! one. Lending it the user's own would show every file that was not copied as deleted, so the copy
//! gets a repository of its own: the user's objects and references, and an index that expects the
//! copied files only. A change elsewhere in the repository thus leaves the version alone.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::support::file_listing::files_below;
use crate::support::wording;
use crate::tools::process::{Output, Process};

/// Gives the copy at `mirror` the history of `repository`. Where git is missing or fails, the copy has
/// none, and the build backend says in its own words what it misses.
pub(super) fn lend(repository: &Path, mirror: &Path) -> io::Result<()> {
    let Ok(git) = which::which("git") else { return Ok(()) };
    let run = |arguments: &[&str], folder: &Path, input: Option<&[u8]>| -> io::Result<Option<Output>> {
        let mut process = Process::new(&git);
        process.args(arguments).current_dir(folder);
        let output = match input {
            None => process.run()?,
            Some(input) => process.run_with_input(input)?,
        };
        Ok(output.status.success().then_some(output))
    };

    let clone = mirror.with_extension("history");
    let (from, to) = (repository.to_string_lossy(), clone.to_string_lossy());
    // `--shared` copies no objects; without a checkout there is an index still to be written.
    let cloned = ["clone", "--quiet", "--shared", "--no-checkout", "--", &from, &to];
    if run(&cloned, mirror, None)?.is_none() {
        return Ok(());
    }
    fs_err::rename(clone.join(".git"), mirror.join(".git"))?;
    fs_err::remove_dir(&clone)?;

    let Some(index) = run(&["rev-parse", "--git-path", "index"], repository, None)? else { return Ok(()) };
    let index = repository.join(String::from_utf8_lossy(&index.stdout).trim());
    if !index.is_file() {
        return Ok(());
    }
    fs_err::copy(&index, mirror.join(".git/index"))?;
    let Some(tracked) = run(&["ls-files", "-z"], mirror, None)? else { return Ok(()) };
    let elsewhere: String = String::from_utf8_lossy(&tracked.stdout)
        .split_terminator('\0')
        // What the user deleted stays deleted. A link that became a file, or a file that became a link,
        // is no change of the user's.
        .filter(|file| repository.join(file).exists())
        .filter(|file| !is_plain_file(&mirror.join(file)) || !is_plain_file(&repository.join(file)))
        .flat_map(|file| [file, "\0"])
        .collect();
    run(&["update-index", "-z", "--skip-worktree", "--stdin"], mirror, Some(elsewhere.as_bytes()))?;
    Ok(())
}

/// A digest of what a version can be made of: the commit, the names of all commits, and what git knows of the files.
/// `None` where that cannot be told without git.
pub fn digest(repository: &Path) -> Option<String> {
    let git = git_folder(&repository.join(".git"))?;
    // A worktree has its own commit and index, and shares the rest.
    let common = match fs_err::read_to_string(git.join("commondir")) {
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
        add(name, &fs_err::read(file).unwrap_or_default());
    }
    // References of another kind are in files that only git reads.
    if common.join("reftable").exists() {
        return None;
    }
    let mut references = files_below(&common.join("refs"), &[]).ok()?;
    references.sort();
    for (name, file) in references {
        add(&name, &fs_err::read(file).ok()?);
    }
    Some(wording::hex(&hasher.finalize()))
}

/// The folder of a repository's own data: `.git`, or where a file of that name points to.
fn git_folder(git: &Path) -> Option<PathBuf> {
    if git.is_dir() {
        return Some(git.to_path_buf());
    }
    let pointer = fs_err::read_to_string(git).ok()?;
    Some(git.parent()?.join(pointer.strip_prefix("gitdir:")?.trim()))
}

fn is_plain_file(path: &Path) -> bool {
    fs_err::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}
