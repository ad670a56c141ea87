//! Workspace: the files on disk that every request for the same folder shares: the root, the lock, the manifests, the sources, the
//! git history. It knows no request, so all functions of a process share one.

pub mod build_settings;
pub mod git_history;
pub mod lockfile;
pub mod manifest;
mod package_name;
pub mod python_versions;
pub mod snapshot;
pub mod source_files;

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use serde_json::json;
use sha2::{Digest, Sha256};

use self::build_settings::BuildSettings;
use self::lockfile::{LockedPackage, Lockfile, Source};
use self::manifest::Manifest;
pub use self::package_name::normalize_name;
use self::snapshot::Snapshot;
use crate::codes::ErrorCode;
use crate::support::glance::Glances;
use crate::support::{regular_file, wording};

/// The name of the lock of a workspace.
pub const LOCKFILE: &str = "uv.lock";

/// A workspace with its lock.
#[derive(Debug)]
pub struct Workspace {
    /// The folder of the lock, absolute and with links resolved.
    pub root: PathBuf,
    /// The file name of the script, if the workspace is a single file with inline metadata (PEP 723) beside its lock. It is
    /// bundled as a package without a build system that has one file.
    pub script: Option<String>,
    /// The packages that are locked.
    pub lock: Lockfile,
    /// The manifest of the root.
    pub root_manifest: Manifest,
    /// The settings of uv that decide how a third-party package is built.
    pub build_settings: BuildSettings,
    /// The manifests by the folders of the lock that hold the sources of a package. The folders are absolute, with links resolved.
    manifests: BTreeMap<PathBuf, Manifest>,
    /// The archives, and the folders of archives, in which the lock finds packages by path.
    archives: Vec<PathBuf>,
    /// SHA-256 of everything that decides whether the lock is up to date, in hex.
    lock_inputs: String,
    /// The files that were read, as they were then.
    snapshot: Snapshot,
    /// Whether every file was old enough when it was read: each later change gives it another stamp.
    is_settled: bool,
}

/// Why a workspace cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// There is no lock in the folder or above it.
    #[error("no `uv.lock` in `{}` or any folder above it: run `uv lock` in the project, or point `path` at it", .path.display())]
    NoLockfile {
        /// The folder in which the search began.
        path: PathBuf,
    },
    /// There is no lock beside a script.
    #[error("no `{name}.lock` beside the script `{}`: run `uv lock --script {name}` there, or point `path` at a folder", .script.display())]
    NoScriptLockfile {
        /// The script.
        script: PathBuf,
        /// Its file name.
        name: String,
    },
    /// A file of the project cannot be read.
    #[error("failed to read the project: {source}")]
    Read {
        /// The cause, which names the file.
        #[from]
        source: io::Error,
    },
    /// The lock is not TOML, or lacks a field that every lock has.
    #[error("failed to parse `{}`: {source}; run `uv lock` to write it anew", .path.display())]
    BadLockfile {
        /// The lock.
        path: PathBuf,
        /// The cause.
        source: Box<toml::de::Error>,
    },
    /// A newer uv wrote the lock.
    #[error("`{}` has format {found}, and this version reads format {}: update `uv-lambda-cdk`", .path.display(), lockfile::FORMAT)]
    NewLockfile {
        /// The lock.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The lock has no member.
    #[error("`{}` locks no project: run `uv lock` beside a `pyproject.toml` with a `[project]` table", .path.display())]
    NoMembers {
        /// The lock.
        path: PathBuf,
    },
    /// The folder of a local package is gone.
    #[error("the folder `{}` of the local package `{name}` does not exist, but `uv.lock` names it: run `uv lock`", .folder.display())]
    MissingLocalPackage {
        /// The package.
        name: String,
        /// Its folder.
        folder: PathBuf,
    },
}

impl WorkspaceError {
    /// The stable code of this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoLockfile { .. } | Self::NoScriptLockfile { .. } => ErrorCode::NoLockfile,
            Self::Read { .. } => ErrorCode::ProjectNotReadable,
            Self::BadLockfile { .. } | Self::NewLockfile { .. } | Self::NoMembers { .. } => {
                ErrorCode::BadLockfile
            }
            Self::MissingLocalPackage { .. } => ErrorCode::LockfileOutdated,
        }
    }
}

/// The nearest folder with a `uv.lock`, at or above `path`; for a script, its folder. Links are resolved.
pub fn find_root(path: &Path) -> Result<PathBuf, WorkspaceError> {
    let start = dunce::canonicalize(path)?;
    if let (Some(_), Some(folder)) = (script_name(&start)?, start.parent()) {
        return Ok(folder.to_path_buf());
    }
    start
        .ancestors()
        // A pipe or a device is found as well: the lock of another project above it is not the one that is meant.
        .find(|folder| fs_err::metadata(folder.join(LOCKFILE)).is_ok_and(|lock| !lock.is_dir()))
        .map(Path::to_path_buf)
        .ok_or_else(|| WorkspaceError::NoLockfile { path: start.clone() })
}

/// The file name of the script at `path`, if it is one; a script must have a lock beside it.
fn script_name(path: &Path) -> Result<Option<String>, WorkspaceError> {
    if !path.is_file() {
        return Ok(None);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if path.with_file_name(lockfile_of_script(&name)).is_file() {
        Ok(Some(name))
    } else {
        Err(WorkspaceError::NoScriptLockfile { script: path.to_path_buf(), name })
    }
}

/// The file name that `uv lock --script` gives the lock of a script.
fn lockfile_of_script(name: &str) -> String {
    format!("{name}.lock")
}

impl Workspace {
    /// Opens the workspace at or above `path`. All callers in a process share one workspace per lock, as long as the files
    /// that were read for it are unchanged.
    pub fn open(path: &Path) -> Result<Arc<Self>, WorkspaceError> {
        static OPEN: Mutex<BTreeMap<PathBuf, Arc<Workspace>>> = Mutex::new(BTreeMap::new());

        let root = find_root(path)?;
        let script = script_name(path)?;
        let lockfile = root.join(script.as_deref().map_or_else(|| LOCKFILE.to_owned(), lockfile_of_script));
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(workspace) = open.get(&lockfile)
            && workspace.is_settled
            && workspace.is_unchanged()
        {
            return Ok(Arc::clone(workspace));
        }
        let workspace = Arc::new(Self::read(root, script, &lockfile)?);
        open.insert(lockfile, Arc::clone(&workspace));
        Ok(workspace)
    }

    /// Like [`open`](Self::open), but may miss a manifest that changed a moment ago. For the questions that a construct asks before it
    /// bundles: otherwise each of 1,000 functions would look at the manifests of all the others several times.
    pub fn glance(path: &Path) -> Result<Arc<Self>, WorkspaceError> {
        static SEEN: Glances<PathBuf, Arc<Workspace>> = Glances::none();

        let lock_is_unchanged = |workspace: &Arc<Self>| {
            workspace.is_settled && workspace.snapshot.has_unchanged(&workspace.lockfile())
        };
        if let Some(workspace) = SEEN.recent(&path.to_path_buf()).filter(lock_is_unchanged) {
            return Ok(workspace);
        }
        let start = Instant::now();
        let workspace = Self::open(path)?;
        SEEN.remember(path.to_path_buf(), start, Arc::clone(&workspace));
        Ok(workspace)
    }

    fn read(root: PathBuf, script: Option<String>, lockfile: &Path) -> Result<Self, WorkspaceError> {
        // Before the files are read: a file that changes meanwhile is read again the next time.
        let (begun, mut snapshot) = (SystemTime::now(), Snapshot::default());
        let mut read = |path: &Path| -> io::Result<String> {
            snapshot.add(path);
            regular_file::read_text(path)
        };
        let text = read(lockfile)?;
        // uv accepts a missing file. It would read a pipe or a device for ever.
        let mut read_if_exists = |path: &Path| match read(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {
                Ok(None)
            }
            Err(error) => Err(error),
        };
        let lock = Lockfile::parse(&text).map_err(|source| WorkspaceError::BadLockfile {
            path: lockfile.to_path_buf(),
            source: Box::new(source),
        })?;
        if lock.version != lockfile::FORMAT {
            return Err(WorkspaceError::NewLockfile { path: lockfile.to_path_buf(), found: lock.version });
        }
        let lock = match &script {
            Some(name) => lock.with_script(&normalize_name(name.strip_suffix(".py").unwrap_or(name))),
            None => lock,
        };

        let mut manifests = BTreeMap::new();
        for folder in lock.packages().iter().filter_map(LockedPackage::local_folder) {
            // A folder that is gone is an error only for those who need the package.
            if let Ok(folder) = dunce::canonicalize(root.join(folder)) {
                let manifest = Manifest::parse(read_if_exists(&folder.join("pyproject.toml"))?);
                manifests.insert(folder, manifest);
            }
        }
        let root_manifest = Manifest::parse(read_if_exists(&root.join("pyproject.toml"))?);
        let settings = read_if_exists(&root.join("uv.toml"))?;
        let script_text = match &script {
            Some(script) => read_if_exists(&root.join(script))?,
            None => None,
        };
        // uv reads the first of them that is there.
        let uv_settings = match &settings {
            Some(text) => text.parse().ok(),
            None => root_manifest.uv_settings().cloned(),
        };
        let manifest_digests: Vec<_> = manifests
            .iter()
            .map(|(folder, manifest)| {
                json!([folder.strip_prefix(&root).unwrap_or(folder).to_string_lossy(), manifest.digest])
            })
            .collect();
        let lock_inputs = json!([text, script_text, root_manifest.digest, settings, manifest_digests]);
        let archives = lock.packages().iter().filter_map(|package| archive_of(&root, package)).collect();
        Ok(Self {
            lock_inputs: wording::hex(&Sha256::digest(lock_inputs.to_string())),
            root,
            script,
            lock,
            root_manifest,
            build_settings: BuildSettings::of(&uv_settings.unwrap_or_default()),
            manifests,
            archives,
            is_settled: snapshot.is_settled_at(begun),
            snapshot,
        })
    }

    /// Whether all files that were read for this workspace are unchanged.
    pub fn is_unchanged(&self) -> bool {
        self.snapshot.is_unchanged()
    }

    /// The state of the files that were read, if a later change of any of them shows in it.
    pub fn settled_snapshot(&self) -> Option<&Snapshot> {
        Some(&self.snapshot).filter(|_| self.is_settled)
    }

    /// SHA-256 of the files that decide whether the lock is up to date, in hex: the lock, the manifests, the settings of uv
    /// in the root. Sources from which a build backend computes metadata are not part of it.
    pub fn lock_inputs(&self) -> &str {
        &self.lock_inputs
    }

    /// The lock.
    pub fn lockfile(&self) -> PathBuf {
        self.root.join(self.lockfile_name())
    }

    /// The file name of the lock.
    pub fn lockfile_name(&self) -> String {
        self.script.as_deref().map_or_else(|| LOCKFILE.to_owned(), lockfile_of_script)
    }

    /// The places where the search for the lock from `path` looks, `path` being absolute and with links resolved.
    pub fn places_of_lockfile<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = PathBuf> + 'a {
        let around = path.ancestors().take_while(|folder| folder.starts_with(&self.root));
        around.map(|folder| folder.join(self.lockfile_name()))
    }

    /// The folders of the lock that hold the sources of a package, each once, in order.
    pub fn local_folders(&self) -> impl Iterator<Item = &Path> {
        self.manifests.keys().map(PathBuf::as_path)
    }

    /// The folder with the sources of a package, absolute and with links resolved; `None` for a package that is not local.
    pub fn folder_of(&self, package: &LockedPackage) -> Option<Result<PathBuf, WorkspaceError>> {
        let folder = self.root.join(package.local_folder()?);
        Some(
            dunce::canonicalize(&folder)
                .map_err(|_| WorkspaceError::MissingLocalPackage { name: package.name.clone(), folder }),
        )
    }

    /// The folder of a member; the root if the folder is gone.
    pub fn folder_of_member(&self, member: &str) -> PathBuf {
        let folder = self.lock.package(member).and_then(|package| self.folder_of(package)?.ok());
        folder.unwrap_or_else(|| self.root.clone())
    }

    /// The manifest of the package in `folder`.
    pub fn manifest(&self, folder: &Path) -> Option<&Manifest> {
        self.manifests.get(folder)
    }

    /// Every text in a manifest of the workspace.
    pub fn texts_of_manifests(&self) -> impl Iterator<Item = &str> {
        self.manifests.values().chain([&self.root_manifest]).flat_map(Manifest::texts)
    }

    /// Whether uv runs a build backend to learn the version or the dependencies of the package in `folder`.
    pub fn computes_metadata(&self, folder: &Path) -> bool {
        // A script has its metadata in itself.
        let is_script = self.script.is_some() && folder == self.root;
        !is_script && self.manifest(folder).is_none_or(Manifest::computes_metadata)
    }

    /// The folders of other packages inside `folder`.
    pub fn folders_inside(&self, folder: &Path) -> Vec<PathBuf> {
        self.local_folders()
            .filter(|other| *other != folder && other.starts_with(folder))
            .map(Path::to_path_buf)
            .collect()
    }

    /// The archives, and the folders of archives, in which the lock finds packages by path.
    pub fn archives(&self) -> &[PathBuf] {
        &self.archives
    }

    /// The archives inside `folder`. They are not sources of a package.
    pub fn archives_inside(&self, folder: &Path) -> Vec<PathBuf> {
        let inside = |path: &&PathBuf| *path != folder && path.starts_with(folder);
        self.archives.iter().filter(inside).cloned().collect()
    }

    /// The folder that holds the workspace and everything that the lock finds by path.
    pub fn folder_of_everything(&self) -> PathBuf {
        common_ancestor(&self.root, self.local_folders().chain(self.archives.iter().map(PathBuf::as_path)))
    }
}

/// The archive, or the folder of archives, in which a package of the lock is found by path.
fn archive_of(root: &Path, package: &LockedPackage) -> Option<PathBuf> {
    let path = match &package.source {
        Source::Path(path) => path,
        Source::Registry(location) if !location.contains("://") => location,
        _ => return None,
    };
    dunce::canonicalize(root.join(path)).ok()
}

/// The innermost folder that holds all of these absolute paths.
pub fn common_ancestor<'a>(root: &'a Path, others: impl Iterator<Item = &'a Path>) -> PathBuf {
    others.fold(root.to_path_buf(), |common, other| {
        common
            .components()
            .zip(other.components())
            .take_while(|(left, right)| left == right)
            .map(|(part, _): (Component<'_>, _)| part)
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, contents) in files {
            let path = folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, contents).unwrap();
        }
        folder
    }

    const LOCK: &str = "version = 1\n[[package]]\nname = 'app'\nsource = { editable = '.' }";

    #[test]
    fn a_changed_file_is_read_again() {
        let folder =
            workspace(&[("uv.lock", LOCK), ("pyproject.toml", "[project]\nname = 'app'\nversion = '1'")]);
        let before = Workspace::open(folder.path()).unwrap().lock_inputs().to_owned();
        fs_err::write(folder.path().join("pyproject.toml"), "[project]\nname = 'app'\nversion = '2'")
            .unwrap();
        assert_ne!(Workspace::open(folder.path()).unwrap().lock_inputs(), before);
    }

    #[test]
    fn all_who_open_an_unchanged_workspace_share_it() {
        let folder = workspace(&[("uv.lock", LOCK), ("pyproject.toml", ""), ("src/app.py", "")]);
        // A younger workspace is read again each time.
        std::thread::sleep(std::time::Duration::from_millis(2100));
        let first = Workspace::open(folder.path()).unwrap();
        assert!(Arc::ptr_eq(&first, &Workspace::open(&folder.path().join("src")).unwrap()));
    }

    #[test]
    fn a_future_format_and_a_broken_lock_are_errors() {
        let code = |lock: &str| Workspace::open(workspace(&[("uv.lock", lock)]).path()).unwrap_err().code();
        assert_eq!(code("version = 2"), ErrorCode::BadLockfile);
        assert_eq!(code("version"), ErrorCode::BadLockfile);
    }
}
