//! The copy of the workspace that uv and the build backends work on.
//!
//! Build backends write into the tree that they build (`*.egg-info`, `build/`) and ship files that they find there (a stale
//! `build/lib`, `.env`). So they get a copy, made anew each time, of exactly the files that the plan lists. The copy is hashed while it
//! is made: a file that is edited at this moment is cached under the digest of the contents that were built.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::InstallError;
use crate::plan::cache_keys::SourceDigests;
use crate::plan::{LocalPackage, Plan};
use crate::support::file_listing::files_below;
use crate::support::regular_file::{self, CopyError};
use crate::tools::git;
use crate::workspace::{LOCKFILE, common_ancestor, git_history};

/// The names of the files that uv reads. They are staged whether or not they ship.
const MANIFESTS: &[&str] = &["pyproject.toml", "uv.toml", LOCKFILE];

/// The copy of a workspace.
#[derive(Debug)]
pub struct Staged {
    /// The root of the copy.
    pub root: PathBuf,
    /// The digests of the staged sources.
    pub digests: SourceDigests,
    /// The folder of everything that is staged, in the user's tree and in the copy.
    top: (PathBuf, PathBuf),
    /// Files in the copy that are there for the user's commands alone.
    for_commands: Vec<PathBuf>,
    /// Whether the copy is [complete](Staged::complete).
    is_workspace: Mutex<bool>,
}

/// Stages the sources of a plan below `into`: the files that the plan lists, at the same places relative to each other.
pub fn stage(plan: &Plan<'_>, into: &Path) -> Result<Staged, InstallError> {
    let workspace = plan.workspace;
    let root = workspace.root.as_path();
    let sources = plan.sources();
    let repositories = plan.repositories();
    let archives = workspace.archives();
    let top = common_ancestor(
        root,
        workspace
            .local_folders()
            .chain(archives.iter().map(PathBuf::as_path))
            .chain(repositories.iter().copied())
            .chain(sources.iter().filter_map(|path| path.parent())),
    );
    let mirror = |path: &Path| into.join(path.strip_prefix(&top).unwrap_or(path));

    let digest = |path: &PathBuf| match regular_file::copy(path, &mirror(path)) {
        Ok(digest) => Ok(Some((path.clone(), digest))),
        Err(CopyError::Read(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(CopyError::Read(error)) => Err(InstallError::ProjectNotReadable(error)),
        Err(CopyError::Write(error)) => Err(InstallError::Io(error)),
    };
    let files: Result<Vec<_>, InstallError> = sources.par_iter().map(digest).collect();
    let mut digests =
        SourceDigests { files: files?.into_iter().flatten().collect(), ..SourceDigests::default() };

    for manifest in plan.local.iter().map(|package| package.folder.join("pyproject.toml")) {
        // Though git ignores it.
        if !digests.files.contains_key(&manifest) && manifest.is_file() {
            regular_file::copy(&manifest, &mirror(&manifest)).map_err(io::Error::from)?;
        }
    }
    let mut for_commands = Vec::new();
    if !plan.request.hooks.before_build.is_empty() {
        // Commands may need files that do not ship: a `package.json`, a `Makefile`.
        let member = plan.local.iter().filter(|package| package.name == plan.subject.member);
        for (file, _) in member.flat_map(|package| &package.files.left_out) {
            if !MANIFESTS.contains(&file.relative.as_str()) {
                regular_file::copy(&file.path, &mirror(&file.path)).map_err(io::Error::from)?;
                for_commands.push(mirror(&file.path));
            }
        }
    }
    for repository in repositories {
        let before = git_history::digest(repository);
        git::borrow_history(repository, &mirror(repository))?;
        // If the history changes meanwhile, it has no digest.
        let digest = before.filter(|before| git_history::digest(repository).as_ref() == Some(before));
        digests.histories.insert(repository.to_path_buf(), digest);
    }
    let top = (top.clone(), into.to_path_buf());
    Ok(Staged { root: mirror(root), digests, for_commands, top, is_workspace: Mutex::new(false) })
}

impl Staged {
    /// Makes the copy a workspace that uv can install from: copies the manifests of all members, and links the archives that the lock
    /// lists by path. The build of a package sees none of them, so most bundles do without.
    pub fn complete(&self, plan: &Plan<'_>) -> io::Result<()> {
        let mut is_workspace = self.is_workspace.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_workspace {
            return Ok(());
        }
        let workspace = plan.workspace;
        let manifests = workspace.local_folders().map(|folder| folder.join("pyproject.toml"));
        let of_root =
            ["pyproject.toml", "uv.toml", &workspace.lockfile_name()].map(|name| workspace.root.join(name));
        for manifest in manifests.chain(of_root) {
            let copy = self.copy_of(&manifest);
            // A package on another drive is used in place.
            if copy != manifest && !copy.exists() && manifest.is_file() {
                regular_file::copy(&manifest, &copy)?;
            }
        }
        for archive in workspace.archives() {
            link_archives(archive, &self.copy_of(archive))?;
        }
        *is_workspace = true;
        Ok(())
    }

    /// Removes the files that only the user's commands needed.
    pub fn remove_files_for_commands(&self) -> io::Result<()> {
        for file in &self.for_commands {
            // The commands may have removed it themselves.
            if file.exists() {
                fs_err::remove_file(file)?;
            }
        }
        Ok(())
    }

    /// The place in the copy of a path in the user's tree.
    pub fn copy_of(&self, path: &Path) -> PathBuf {
        let (original, copy) = &self.top;
        // A package on another drive has no copy: it is used in place.
        path.strip_prefix(original).map_or_else(|_| path.to_path_buf(), |within| copy.join(within))
    }

    /// Makes a tree below `into` in which a build of the package sees no more than the files in its key: those in its folder,
    /// those outside that its manifest names, and the manifest and settings of the workspace. Returns the package's folder there.
    pub fn build_tree(&self, plan: &Plan<'_>, package: &LocalPackage, into: &Path) -> io::Result<PathBuf> {
        let place = |path: &Path| into.join(path.strip_prefix(&self.top.1).unwrap_or(path));
        let folder = self.copy_of(&package.folder);
        let nested: Vec<PathBuf> = plan
            .workspace
            .folders_inside(&package.folder)
            .iter()
            .chain(&plan.workspace.archives_inside(&package.folder))
            .map(|other| self.copy_of(other))
            .collect();
        // All files in the folder, and not only those of the plan: the user's commands may have made some.
        let inside = files_below(&folder, &nested)?.into_iter().map(|(_, path)| path);
        let others = plan.inputs_of(package).map(|(_, path)| self.copy_of(&path));
        let all: BTreeSet<PathBuf> = inside.chain(others.filter(|path| path.is_file())).collect();
        let git = package.repository.as_ref().map(|repository| self.copy_of(repository).join(".git"));
        for path in all {
            if git.as_ref().is_some_and(|git| path.starts_with(git)) {
                continue;
            }
            let to = place(&path);
            fs_err::create_dir_all(to.parent().unwrap_or(into))?;
            fs_err::hard_link(&path, &to)?;
        }
        for archive in plan.workspace.archives() {
            link_archives(archive, &place(&self.copy_of(archive)))?;
        }
        if let Some(repository) = &package.repository {
            git::borrow_history(repository, &place(&self.copy_of(repository)))?;
        }
        Ok(place(&folder))
    }
}

/// Archives are only read, so a link is as good as a copy. It is not a hard link, which would change the file of the user.
fn link_archives(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() {
        for entry in fs_err::read_dir(from)? {
            let entry = entry?;
            if entry.path().is_file() {
                link_archives(&entry.path(), &to.join(entry.file_name()))?;
            }
        }
        return Ok(());
    }
    if to.exists() {
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        fs_err::create_dir_all(parent)?;
    }
    #[cfg(unix)]
    return fs_err::os::unix::fs::symlink(from, to);
    // Elsewhere a link needs a privilege.
    #[cfg(not(unix))]
    return fs_err::copy(from, to).map(drop);
}
