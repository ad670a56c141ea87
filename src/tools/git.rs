//! git: a history for the packages that compute their version from it.
//!
//! The copy of a workspace has no `.git`, and a backend such as hatch-vcs or setuptools-scm looks for one. The user's own `.git` would
//! show every file that was not copied as deleted. So the copy gets a repository of its own: the user's objects and references, and an
//! index that expects the copied files only. A change elsewhere in the repository does not change the version.

use std::io;
use std::path::Path;

use crate::tools::process::{Output, Process};

/// Gives the copy at `mirror` the history of `repository`. If git is missing or fails, the copy has no history, and the build backend
/// says what it misses.
pub fn borrow_history(repository: &Path, mirror: &Path) -> io::Result<()> {
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

fn is_plain_file(path: &Path) -> bool {
    fs_err::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}
