//! Project: which workspace, which member, which local packages does it reach, which files are
//! theirs?

mod handler;
pub mod history;
mod lock;
mod sources;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use lock::{Artifact, Lock, LockedPackage, Source, marker_environment};
use pep508_rs::MarkerEnvironment;
pub use sources::{Staged, computes_metadata, slash_separated, source_files, stage};

use crate::request::Request;
use crate::text;

/// The lockfile's name.
const LOCKFILE: &str = "uv.lock";

/// A workspace with its lock, and the member to bundle.
#[derive(Debug)]
pub struct Project {
    /// The folder of `uv.lock`, absolute and with its links resolved.
    pub root: PathBuf,
    /// What is locked.
    pub lock: Arc<Lock>,
    /// The normalised name of the member to bundle.
    pub member: String,
}

/// A package whose sources lie on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPackage {
    /// The normalised name.
    pub name: String,
    /// The version; empty where the project computes it.
    pub version: String,
    /// The folder of its `pyproject.toml`, absolute.
    pub folder: PathBuf,
    /// How its files come into the bundle.
    pub shipping: Shipping,
}

/// How the files of a local package come into the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shipping {
    /// It has a build system: it ships as the wheel that is built of it.
    Wheel,
    /// It has none (`uv init --app`): its files are copied as they lie.
    Copy,
}

/// Why a project cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// No lock anywhere above the folder.
    #[error("no `uv.lock` in `{}` or any folder above it: run `uv lock` in the project, or point `path` at it", .path.display())]
    NoLockfile {
        /// Where the search began.
        path: PathBuf,
    },
    /// A file of the project cannot be read.
    #[error("failed to read the project: {source}")]
    Read {
        /// The cause, which names the file.
        #[from]
        source: io::Error,
    },
    /// The lock is no TOML, or lacks what every lock has.
    #[error("failed to parse `{}`: {source}; run `uv lock` to write it anew", .path.display())]
    BadLockfile {
        /// The lock.
        path: PathBuf,
        /// The cause.
        source: Box<toml::de::Error>,
    },
    /// The lock was written by a future uv.
    #[error("`{}` has format {found}, and this version reads format {}: update `uv-lambda-cdk`", .path.display(), lock::FORMAT)]
    NewLockfile {
        /// The lock.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// No member has the name.
    #[error("the workspace `{}` has no member `{name}`{hint}; its members are {members}", .root.display())]
    UnknownPackage {
        /// The workspace.
        root: PathBuf,
        /// The name as given.
        name: String,
        /// The nearest member, as the end of the sentence.
        hint: String,
        /// Every member.
        members: String,
    },
    /// The member is not clear.
    #[error("the workspace `{}` has several members: name one in the option `packageName` ({members})", .root.display())]
    PackageRequired {
        /// The workspace.
        root: PathBuf,
        /// Every member.
        members: String,
    },
    /// The lock has no member at all.
    #[error("`{}` locks no project: run `uv lock` beside a `pyproject.toml` with a `[project]` table", .path.display())]
    NoMembers {
        /// The lock.
        path: PathBuf,
    },
    /// A local package is gone.
    #[error("the folder `{}` of the local package `{name}` does not exist, though `uv.lock` names it: run `uv lock`", .folder.display())]
    MissingLocalPackage {
        /// The package.
        name: String,
        /// Its folder.
        folder: PathBuf,
    },
}

impl ProjectError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoLockfile { .. } => "NO_LOCKFILE",
            Self::Read { .. } => "PROJECT_NOT_READABLE",
            Self::BadLockfile { .. } | Self::NewLockfile { .. } | Self::NoMembers { .. } => "BAD_LOCKFILE",
            Self::UnknownPackage { .. } => "UNKNOWN_PACKAGE",
            Self::PackageRequired { .. } => "PACKAGE_REQUIRED",
            Self::MissingLocalPackage { .. } => "LOCKFILE_OUTDATED",
        }
    }
}

/// The nearest folder with a `uv.lock`, at or above `path`, its links resolved.
pub fn find_root(path: &Path) -> Result<PathBuf, ProjectError> {
    let start = dunce::canonicalize(path)?;
    start
        .ancestors()
        .find(|folder| folder.join(LOCKFILE).is_file())
        .map(Path::to_path_buf)
        .ok_or_else(|| ProjectError::NoLockfile { path: start.clone() })
}

impl Project {
    /// Finds and reads the workspace that the request is about.
    pub fn open(request: &Request) -> Result<Self, ProjectError> {
        let root = find_root(&request.path)?;
        let path = root.join(LOCKFILE);
        let lock = parsed(&path)?;
        if lock.version != lock::FORMAT {
            return Err(ProjectError::NewLockfile { path, found: lock.version });
        }
        let member = match &request.package {
            Some(name) => named_member(&root, &lock, name)?,
            None => implied_member(&root, &lock, &request.path)?,
        };
        Ok(Self { root, lock, member })
    }

    /// Every folder of the lock that holds the sources of a package, once.
    pub fn local_folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = self
            .lock
            .packages()
            .iter()
            .filter_map(LockedPackage::local_folder)
            .filter_map(|folder| dunce::canonicalize(self.root.join(folder)).ok())
            .collect();
        folders.sort();
        folders.dedup();
        folders
    }

    /// Whether uv must run a build backend to learn the version or the dependencies of a local package.
    pub fn computes_metadata(&self) -> bool {
        self.local_folders().iter().any(|folder| computes_metadata(&folder.join("pyproject.toml")))
    }

    /// The folder of the member to bundle.
    pub fn member_folder(&self) -> PathBuf {
        let folder = self.lock.package(&self.member).and_then(LockedPackage::local_folder);
        let folder = folder.and_then(|folder| dunce::canonicalize(self.root.join(folder)).ok());
        folder.unwrap_or_else(|| self.root.clone())
    }

    /// The folder that holds the workspace and everything that the lock finds by path.
    pub fn folder_of_everything(&self) -> PathBuf {
        sources::common_ancestor(
            &self.root,
            self.local_folders().iter().chain(&sources::path_references(self)).map(PathBuf::as_path),
        )
    }

    /// The folders of other packages that lie inside `folder`.
    pub fn folders_inside(&self, folder: &Path) -> Vec<PathBuf> {
        self.local_folders()
            .into_iter()
            .filter(|other| other != folder && other.starts_with(folder))
            .collect()
    }

    /// The packages that ship with the member on the target, itself first: the local ones as
    /// folders, and all of them as the lock has them.
    pub fn reach(&self, environment: &MarkerEnvironment) -> Result<Reach<'_>, ProjectError> {
        let packages = self
            .lock
            .package(&self.member)
            .map_or_else(Vec::new, |member| self.lock.reach(member, environment));
        let mut local = Vec::new();
        for package in &packages {
            let Some(folder) = package.local_folder() else { continue };
            let folder = self.root.join(folder);
            let folder = dunce::canonicalize(&folder)
                .map_err(|_| ProjectError::MissingLocalPackage { name: package.name.clone(), folder })?;
            let shipping = match package.source {
                Source::Virtual(_) => Shipping::Copy,
                _ => Shipping::Wheel,
            };
            let version = package.version.clone().unwrap_or_default();
            local.push(LocalPackage { name: package.name.clone(), version, folder, shipping });
        }
        Ok(Reach { packages, local })
    }
}

/// The lock at `path`. An app has one lock for all its functions, so the last one is remembered.
fn parsed(path: &Path) -> Result<Arc<Lock>, ProjectError> {
    static LAST: Mutex<Option<(String, Arc<Lock>)>> = Mutex::new(None);

    let text = fs_err::read_to_string(path)?;
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, lock)) = last.as_ref()
        && *known == text
    {
        return Ok(Arc::clone(lock));
    }
    let lock: Arc<Lock> = toml::from_str(&text)
        .map(Arc::new)
        .map_err(|error| ProjectError::BadLockfile { path: path.to_path_buf(), source: Box::new(error) })?;
    *last = Some((text, Arc::clone(&lock)));
    Ok(lock)
}

/// What ships with a member.
#[derive(Debug)]
pub struct Reach<'a> {
    /// Every package, the member first.
    pub packages: Vec<&'a LockedPackage>,
    /// Those among them whose sources lie on this machine, the member first.
    pub local: Vec<LocalPackage>,
}

/// The one spelling of a package name, by the rule of
/// <https://packaging.python.org/en/latest/specifications/name-normalization/>.
pub fn normalize_name(name: &str) -> String {
    let mut normalized = String::with_capacity(name.len());
    for character in name.chars() {
        let is_separator = matches!(character, '-' | '_' | '.');
        if !is_separator {
            normalized.extend(character.to_lowercase());
        } else if !normalized.ends_with('-') {
            normalized.push('-');
        }
    }
    normalized
}

fn member_names(lock: &Lock) -> Vec<&str> {
    lock.members().iter().map(|member| member.name.as_str()).collect()
}

fn named_member(root: &Path, lock: &Lock, given: &str) -> Result<String, ProjectError> {
    let name = normalize_name(given);
    let members = member_names(lock);
    if members.contains(&name.as_str()) {
        return Ok(name);
    }
    let hint = text::nearest(&name, members.iter().copied())
        .map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)"));
    Err(ProjectError::UnknownPackage {
        root: root.to_path_buf(),
        name: given.to_owned(),
        hint,
        members: text::list(&members),
    })
}

/// The member whose folder holds `path`, the innermost one; or the only member. The root's own
/// project counts only where it is alone: its folder holds everything.
fn implied_member(root: &Path, lock: &Lock, path: &Path) -> Result<String, ProjectError> {
    let members = lock.members();
    let around = members
        .iter()
        .filter_map(|member| {
            let folder = dunce::canonicalize(root.join(member.local_folder()?)).ok()?;
            (folder != root && path.starts_with(&folder))
                .then_some((folder.components().count(), &member.name))
        })
        .max_by_key(|(depth, _)| *depth);
    match (around, members.as_slice()) {
        (Some((_, name)), _) => Ok(name.clone()),
        (None, [only]) => Ok(only.name.clone()),
        (None, []) => Err(ProjectError::NoMembers { path: root.join(LOCKFILE) }),
        (None, _) => Err(ProjectError::PackageRequired {
            root: root.to_path_buf(),
            members: text::list(&member_names(lock)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_as_the_index_does() {
        assert_eq!(normalize_name("Demo__Lambda.-1"), "demo-lambda-1");
    }
}
