//! Install: installs third-party wheels for the target from the lock, and builds local packages.

mod no_wheel;
mod record_check;
mod site_packages;
mod source_builds;
mod stage;

use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

pub use no_wheel::NoWheel;
use site_packages::SitePackages;
use source_builds::of_lock_check;
pub use source_builds::{SourceBuildError, SourceBuilds, known_backends};
pub use stage::{Staged, stage};

use crate::archive::{ArchiveError, ZipReader};
use crate::codes::{ErrorCode, WarningCode};
use crate::plan::{LocalPackage, Plan, Shipping};
use crate::report::Warning;
use crate::request::file_patterns::Patterns;
use crate::store::Store;
use crate::support::file_listing::files_below;
use crate::support::threads::on_threads;
use crate::support::unicode_names::composed;
use crate::target::Target;
use crate::tools::process::TimedOut;
use crate::tools::uv::{Backends, Sync, Uv, UvCache, UvError};
use crate::workshop::Workshop;
use crate::workspace::lockfile::LockedPackage;

/// Files in the folder of an application that are about the project. They never ship unless `include` names them: a change of the lock
/// that changes nothing else in the bundle must not change its bytes.
const PROJECT_FILES: &[&str] = &["pyproject.toml", "uv.lock", "uv.toml", ".python-version", ".gitignore"];

/// The files of one installed package.
#[derive(Debug)]
pub struct Installed<'a> {
    /// The path of each file inside the bundle, and its path on disk.
    pub files: Vec<(String, PathBuf)>,
    /// The package.
    pub origin: Origin<'a>,
}

/// The package that installed files belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin<'a> {
    /// A wheel of the lock.
    ThirdParty {
        /// The normalised name of the package.
        name: String,
    },
    /// A source of the lock, built on this machine.
    Source {
        /// The normalised name of the package.
        name: String,
    },
    /// A local package: the wheel that was built from it, or its unchanged files.
    Local {
        /// The normalised name of the package.
        name: &'a str,
        /// The version in the lock; empty if the build backend computes it.
        version: &'a str,
        /// How its files come into the bundle.
        shipping: Shipping,
    },
}

impl Origin<'_> {
    /// The normalised name of the package.
    pub fn name(&self) -> &str {
        match self {
            Self::ThirdParty { name } | Self::Source { name } => name,
            Self::Local { name, .. } => name,
        }
    }
}

/// The packages that are to be installed.
#[derive(Debug)]
pub struct InstallList<'a> {
    /// The local packages to build or copy.
    pub local: Vec<&'a LocalPackage>,
    /// The names of the packages to build from a source of the lock.
    pub from_source: Vec<&'a str>,
    /// Whether uv installs third-party packages.
    pub third_party: ThirdParty,
    /// The packages that uv leaves out: the local ones, and third-party ones that are not needed.
    pub without: Vec<&'a str>,
}

/// Whether uv installs packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThirdParty {
    /// At least one.
    Needed,
    /// None.
    NotNeeded,
}

/// Why packages were not installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// uv failed.
    #[error(transparent)]
    Uv(#[from] UvError),
    /// A dependency has no wheel for the target.
    #[error("{0}")]
    NoWheel(NoWheel),
    /// A package was not built from a source of the lock.
    #[error(transparent)]
    Source(#[from] SourceBuildError),
    /// A local package failed to build.
    #[error("failed to build the local package `{name}`: {source}")]
    Build {
        /// The package.
        name: String,
        /// The cause.
        source: UvError,
    },
    /// A local package is not pure Python.
    #[error(
        "the local package `{name}` compiles to a wheel for this machine (`{wheel}`), and must be compiled on {target}: build in a container"
    )]
    NativeLocalPackage {
        /// The package.
        name: String,
        /// The wheel's file name.
        wheel: String,
        /// The target.
        target: Target,
    },
    /// The build succeeded, but made no wheel.
    #[error("the build of the local package `{name}` made no wheel: look at its `[build-system]`")]
    NoLocalWheel {
        /// The package.
        name: String,
    },
    /// The wheel of a local package is not valid.
    #[error("failed to unpack the wheel of the local package `{name}`: {source}")]
    BadWheel {
        /// The package.
        name: String,
        /// The cause.
        source: ArchiveError,
    },
    /// A file of the workspace cannot be read.
    #[error("failed to read the project: {0}")]
    ProjectNotReadable(#[source] io::Error),
    /// A file in uv's cache is not that of the wheel, and the wheel cannot be installed again.
    #[error(
        "`{file}` in uv's cache is not the file of the wheel of `{package}`, as its RECORD shows, and the wheel could not be installed again: {source}\nRun `uv cache clean {package}` where the package can be downloaded"
    )]
    ChangedInCache {
        /// The package.
        package: String,
        /// The file.
        file: String,
        /// The cause.
        source: Box<InstallError>,
    },
    /// A file could not be read or written.
    #[error("failed to install packages: {0}")]
    Io(#[from] io::Error),
}

impl InstallError {
    /// The stable code of this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Uv(error) => error.code(),
            Self::Source(error) => error.code(),
            Self::Build { source: UvError::TimedOut(_), .. } => ErrorCode::TimedOut,
            Self::Io(error) if TimedOut::caused(error) => ErrorCode::TimedOut,
            Self::NoWheel(_) => ErrorCode::NoWheel,
            Self::Build { .. } | Self::NoLocalWheel { .. } | Self::BadWheel { .. } => ErrorCode::BuildFailed,
            Self::NativeLocalPackage { .. } => ErrorCode::NativeLocalPackage,
            Self::ProjectNotReadable(_) => ErrorCode::ProjectNotReadable,
            Self::ChangedInCache { .. } => ErrorCode::UvCacheChanged,
            Self::Io(_) => ErrorCode::Io,
        }
    }
}

/// Installs packages below the working folder, and returns them one by one: the local ones in the order of
/// the list, then the others by name. Adds its warnings to `warnings`.
pub fn install<'a>(
    plan: &'a Plan<'_>,
    workshop: &'a Workshop,
    staged: &'a Staged,
    builds: &SourceBuilds<'_>,
    list: &InstallList<'a>,
    work: &'a Path,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Installed<'a>>, InstallError> {
    let both = Installer { plan, uv: &workshop.uv, interpreter: &workshop.interpreter.path, staged, work };
    let (local, third_party, from_source) = thread::scope(|scope| {
        let third_party = scope.spawn(|| both.install_third_party(list));
        let from_source = scope.spawn(|| builds.build(&list.from_source));
        let local = both.install_local(&list.local);
        let third_party = third_party.join().unwrap_or_else(|panic| resume_unwind(panic));
        (local, third_party, from_source.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let mut packages = local?;
    let (mut third_party, mut found) = third_party?;
    for package in &mut third_party {
        // Where compiling is allowed, uv built it: with the same tools, its metadata is the same as if it had been built here.
        let name = package.origin.name();
        if plan.packages.iter().any(|locked| locked.name == name && locked.is_source_only()) {
            package.origin = Origin::Source { name: name.to_owned() };
        }
    }
    third_party.extend(from_source?);
    third_party.sort_by(|left, right| left.origin.name().cmp(right.origin.name()));
    packages.extend(third_party);
    warnings.append(&mut found);
    Ok(packages)
}

/// Fails if the lock is not up to date. Success is cached under `key` in the store.
pub fn check_lock(
    plan: &Plan<'_>,
    workshop: &Workshop,
    staged: &Staged,
    key: &crate::store::Key,
) -> Result<(), InstallError> {
    let store: &Store = &workshop.store;
    if store.shared_fact(key).is_some() {
        return Ok(());
    }
    let workspace = plan.workspace;
    // A lock may have absolute paths of the workspace, so it is checked in place. If uv has to run build
    // backends for the check, it is checked in the copy, because backends write into the tree.
    let runs_backends = workspace.local_folders().any(|folder| workspace.computes_metadata(folder));
    let checked = if runs_backends {
        staged.complete(plan)?;
        &staged.root
    } else {
        &workspace.root
    };
    let script = workspace.script.as_deref();
    // uv may run backends of packages that are there only as source, too.
    let has_foreign = workspace.lock.packages().iter().any(LockedPackage::is_source_only);
    let backends = if has_foreign { Backends::Foreign } else { Backends::Trusted };
    workshop
        .uv
        .check_lock(checked, &workspace.root, script, &workshop.interpreter.path, backends)
        .map_err(|error| of_lock_check(plan, error))?;
    // The key is made of the files that were read; uv may have seen newer ones.
    if workspace.is_unchanged() || runs_backends {
        store.remember_shared(key, "up to date");
    }
    Ok(())
}

/// Installs third-party packages and local packages.
struct Installer<'a> {
    plan: &'a Plan<'a>,
    uv: &'a Uv,
    interpreter: &'a Path,
    staged: &'a Staged,
    work: &'a Path,
}

impl<'a> Installer<'a> {
    fn install_third_party(
        &self,
        list: &InstallList<'_>,
    ) -> Result<(Vec<Installed<'a>>, Vec<Warning>), InstallError> {
        let (mut installed, mut warnings) = (Vec::new(), Vec::new());
        if list.third_party == ThirdParty::NotNeeded {
            return Ok((installed, warnings));
        }
        self.staged.complete(self.plan)?;
        for (number, member) in self.plan.members.iter().enumerate() {
            let done: Vec<String> = installed
                .iter()
                .map(|installed: &Installed<'_>| installed.origin.name().to_owned())
                .collect();
            let without: Vec<&str> =
                list.without.iter().copied().chain(done.iter().map(String::as_str)).collect();
            let name = format!("environment-{number}");
            installed.extend(self.install_dependencies(member, &name, &without, &mut warnings)?);
        }
        Ok((installed, warnings))
    }

    /// Installs the dependencies of a member into an environment of its own.
    fn install_dependencies(
        &self,
        member: &str,
        name: &str,
        without: &[&str],
        warnings: &mut Vec<Warning>,
    ) -> Result<Vec<Installed<'a>>, InstallError> {
        let mut environment = SitePackages::read(&self.sync(self.uv, member, name, without)?)?;
        // If two packages have different files of one name, chance decides which one is in the environment.
        // So each of these packages is installed alone.
        for package in environment.mixed() {
            let alone = self.sync_alone(
                self.uv,
                member,
                &format!("{name}-{package}"),
                &package,
                &environment,
                without,
            )?;
            environment.replace(&package, files_below(&alone, &[])?);
        }
        // uv links files from its cache, so an edit in somebody's `.venv` edits the cache.
        for (package, file) in environment.changed_packages()? {
            let fresh = self.uv.clone().with_cache(&UvCache::At(self.work.join("fresh-uv-cache")));
            let alone = self
                .sync_alone(
                    &fresh,
                    member,
                    &format!("{name}-{package}-fresh"),
                    &package,
                    &environment,
                    without,
                )
                .map_err(|source| InstallError::ChangedInCache {
                    package: package.clone(),
                    file: file.clone(),
                    source: Box::new(source),
                })?;
            // If the RECORD of the wheel itself is wrong, the new files are the same. They ship as they are.
            if environment.replace_if_different(&package, files_below(&alone, &[])?)? {
                warnings.push(Warning {
                    code: WarningCode::UvCacheChanged,
                    message: format!(
                        "`{file}` in uv's cache is not the file of the wheel of `{package}` (somebody edited it there, or in an environment that is linked to the cache); the wheel was installed again past the cache: run `uv cache clean {package}`, and make that environment again"
                    ),
                });
            }
        }
        Ok(environment.into_installed())
    }

    /// Installs one package of an environment into an environment of its own, and returns the folder of its files.
    fn sync_alone(
        &self,
        uv: &Uv,
        member: &str,
        name: &str,
        package: &str,
        environment: &SitePackages,
        without: &[&str],
    ) -> Result<PathBuf, InstallError> {
        let others = environment.names().filter(|other| *other != package);
        let without: Vec<&str> = without.iter().copied().chain(others).collect();
        self.sync(uv, member, name, &without)
    }

    /// Makes an environment in the working folder, and returns the folder of its packages.
    fn sync(&self, uv: &Uv, member: &str, name: &str, without: &[&str]) -> Result<PathBuf, InstallError> {
        let environment = self.work.join(name);
        let Plan { request, workspace, subject, .. } = self.plan;
        uv.install(&Sync {
            workspace: &self.staged.root,
            member,
            script: workspace.script.as_deref(),
            extras: &request.choice.extras,
            groups: &request.choice.groups,
            without,
            target: subject.target,
            native_builds: request.native_builds,
            interpreter: self.interpreter,
            environment: &environment,
        })
        .map_err(|error| match error {
            UvError::NoWheel { requirement } => {
                InstallError::NoWheel(NoWheel::new(&requirement, workspace.lock.packages(), subject.target))
            }
            other => InstallError::Uv(other),
        })?;
        let folder = if cfg!(windows) {
            environment.join("Lib/site-packages")
        } else {
            environment.join(format!("lib/python{}/site-packages", subject.target.python))
        };
        // uv may not make the environment if there is nothing to install.
        fs_err::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn install_local(&self, local: &[&'a LocalPackage]) -> Result<Vec<Installed<'a>>, InstallError> {
        let numbered: Vec<(usize, &'a LocalPackage)> = local.iter().copied().enumerate().collect();
        let installed = on_threads(&numbered, |(number, package)| {
            let work = self.work.join(format!("local/{number}"));
            let folder = work.join("files");
            match package.shipping {
                Shipping::Wheel => self.build(package, &work, &folder)?,
                Shipping::Copy => self.copy(package, &folder)?,
            }
            let LocalPackage { name, version, shipping, .. } = *package;
            let files = files_below(&folder, &[])?;
            Ok(Installed { files, origin: Origin::Local { name, version, shipping: *shipping } })
        });
        installed.into_iter().collect()
    }

    /// Builds the wheel of a local package, and unpacks it into `folder`. It is always built anew: uv would
    /// reuse its earlier wheel if only `.py` files changed.
    fn build(&self, package: &LocalPackage, work: &Path, folder: &Path) -> Result<(), InstallError> {
        let name = || package.name.clone();
        let wheels = work.join("wheels");
        let tree = self.staged.build_tree(self.plan, package, &work.join("tree"))?;
        self.uv
            .build_wheel(&tree, self.interpreter, &wheels)
            .map_err(|source| InstallError::Build { name: name(), source })?;
        let wheel = only_wheel(&package.name, &wheels)?;
        if !wheel.ends_with("-any.whl") && !self.plan.request.native_builds {
            let target = self.plan.subject.target;
            return Err(InstallError::NativeLocalPackage { name: name(), wheel, target });
        }
        unpack(&wheels.join(&wheel), folder).map_err(|source| InstallError::BadWheel { name: name(), source })
    }

    /// Copies the files of a local package, without those of other packages in its folder and without archives that packages are
    /// installed from.
    fn copy(&self, package: &LocalPackage, folder: &Path) -> Result<(), InstallError> {
        // A project of dependencies alone has no files of its own.
        fs_err::create_dir_all(folder)?;
        let Plan { request, workspace, subject, .. } = self.plan;
        let folders = workspace.folders_inside(&package.folder);
        let archives = workspace.archives_inside(&package.folder);
        let nested: Vec<PathBuf> =
            folders.iter().chain(&archives).map(|other| self.staged.copy_of(other)).collect();
        let is_member = package.name == subject.member;
        let mut include = Patterns::new(if is_member { &request.choice.include } else { &[] });
        for (path, file) in files_below(&self.staged.copy_of(&package.folder), &nested)? {
            let path = composed(&path).into_owned();
            if is_about_the_project(self.plan, &path) && include.matching(&path).is_none() {
                continue;
            }
            let copy = folder.join(path);
            if let Some(parent) = copy.parent() {
                fs_err::create_dir_all(parent)?;
            }
            fs_err::copy(file, copy)?;
        }
        Ok(())
    }
}

/// Whether a file of an application is about the project, and ships only if `include` names it.
pub(crate) fn is_about_the_project(plan: &Plan<'_>, path: &str) -> bool {
    PROJECT_FILES.contains(&path) || path == plan.workspace.lockfile_name()
}

fn only_wheel(name: &str, folder: &Path) -> Result<String, InstallError> {
    for entry in fs_err::read_dir(folder)? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        if Path::new(&file).extension().is_some_and(|ending| ending == "whl") {
            return Ok(file);
        }
    }
    Err(InstallError::NoLocalWheel { name: name.to_owned() })
}

/// Unpacks a wheel as an installer does, without the files that belong outside of `site-packages` (scripts,
/// headers, data): none of them can be imported.
///
/// Source: <https://packaging.python.org/en/latest/specifications/binary-distribution-format/>.
fn unpack(wheel: &Path, into: &Path) -> Result<(), ArchiveError> {
    let mut wheel = ZipReader::open(wheel)?;
    for number in 0..wheel.entries() {
        let mut entry = wheel.entry(number)?;
        let Some(path) = installed_path(entry.name()).filter(|_| !entry.is_folder()) else { continue };
        let path = into.join(path);
        entry.unpack(&path)?;
    }
    Ok(())
}

/// The path of a wheel's entry below `site-packages`; `None` for an entry that is installed elsewhere.
fn installed_path(name: &str) -> Option<&str> {
    let Some((top, rest)) = name.split_once('/') else { return Some(name) };
    if !top.ends_with(".data") {
        return Some(name);
    }
    rest.strip_prefix("purelib/").or_else(|| rest.strip_prefix("platlib/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_importable_parts_of_a_wheel_are_installed() {
        assert_eq!(installed_path("app/main.py"), Some("app/main.py"));
        assert_eq!(installed_path("single.py"), Some("single.py"));
        assert_eq!(installed_path("app-1.0.data/purelib/app/x.py"), Some("app/x.py"));
        assert_eq!(installed_path("app-1.0.data/scripts/run"), None);
        assert_eq!(installed_path("app-1.0.data/data/etc/x"), None);
    }
}
