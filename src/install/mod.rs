//! Install: third-party wheels and freshly built local packages, for the target, from the lock.

mod no_wheel;
mod site_packages;

use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

pub use no_wheel::NoWheel;
use site_packages::Environment;

use crate::archive::{self, ArchiveError};
use crate::project::{LocalPackage, Project, Shipping, Staged};
use crate::request::Request;
use crate::support::file_listing::files_below;
use crate::target::Target;
use crate::tools::interpreter::Interpreter;
use crate::tools::uv::{Sync, Uv, UvError};

/// Files of an application's folder that are about the project, not of the application. A change of
/// the lock that changes nothing in the bundle must not change its bytes either.
const PROJECT_FILES: &[&str] = &["pyproject.toml", "uv.lock", "uv.toml", ".python-version", ".gitignore"];

/// The files of one package, as they belong into the bundle.
#[derive(Debug)]
pub struct Installed {
    /// Each file, as its path inside the bundle and where it lies.
    pub files: Vec<(String, PathBuf)>,
    /// Where they come from.
    pub origin: Origin,
}

/// What is to be installed of all that a member reaches.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The local packages to build or copy.
    pub local: Vec<&'a LocalPackage>,
    /// Whether any package of an index is wanted.
    pub third_party: bool,
    /// The packages that uv leaves out: the local ones, and those of indexes that are not wanted.
    pub without: Vec<&'a str>,
    /// The members for each of which uv installs.
    pub members: Vec<&'a str>,
}

/// Where installed files come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A wheel of the lock, by its normalised name.
    ThirdParty(String),
    /// A local package: the wheel that was built of it, or its files as they lie.
    Local(LocalPackage),
}

impl Origin {
    /// The normalised name of the package.
    pub fn name(&self) -> &str {
        match self {
            Self::ThirdParty(name) => name,
            Self::Local(package) => &package.name,
        }
    }
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
    /// A local package failed to build, in the build backend's words.
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
    /// The build said that it went well, and left no wheel.
    #[error("the build of the local package `{name}` made no wheel: look at its `[build-system]`")]
    NoLocalWheel {
        /// The package.
        name: String,
    },
    /// The wheel of a local package is not what a wheel should be.
    #[error("failed to unpack the wheel of the local package `{name}`: {source}")]
    BadWheel {
        /// The package.
        name: String,
        /// The cause.
        source: ArchiveError,
    },
    /// A file could not be read or written.
    #[error("failed to install packages: {0}")]
    Io(#[from] io::Error),
}

impl InstallError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Uv(error) => error.code(),
            Self::NoWheel(_) => "NO_WHEEL",
            Self::Build { .. } | Self::NoLocalWheel { .. } | Self::BadWheel { .. } => "BUILD_FAILED",
            Self::NativeLocalPackage { .. } => "NATIVE_LOCAL_PACKAGE",
            Self::Io(_) => "IO",
        }
    }

    /// Whether a container could do what failed here.
    pub fn container_can_help(&self) -> bool {
        match self {
            Self::Uv(error) => error.container_can_help(),
            Self::NoWheel(_) | Self::NativeLocalPackage { .. } => true,
            Self::Build { .. } | Self::NoLocalWheel { .. } | Self::BadWheel { .. } | Self::Io(_) => false,
        }
    }
}

/// Installs what is wanted below the working folder `work`, and returns it package by package: the local
/// ones in the order in which they were asked for, then those of indexes by name.
pub fn install(
    project: &Project,
    staged: &Staged,
    wanted: &Wanted<'_>,
    request: &Request,
    uv: &Uv,
    interpreter: &Interpreter,
    work: &Path,
) -> Result<Vec<Installed>, InstallError> {
    let both = Installer { project, request, uv, interpreter: &interpreter.path, staged, work };
    let (local, third_party) =
        rayon::join(|| both.install_local(&wanted.local), || both.install_third_party(wanted));
    let mut installed = local?;
    installed.extend(third_party?);
    Ok(installed)
}

/// Fails where the lock does not match the project.
pub fn check_lock(
    project: &Project,
    staged: &Staged,
    uv: &Uv,
    interpreter: &Interpreter,
) -> Result<(), UvError> {
    // A lock may hold absolute paths of the workspace, so it is checked where it lies; unless uv would
    // have to run build backends for it, which write into the tree.
    let checked = if project.computes_metadata() { &staged.root } else { &project.root };
    uv.check_lock(checked, &project.root, project.script.as_deref(), &interpreter.path)
}

/// What both halves of the installation work with.
struct Installer<'a> {
    project: &'a Project,
    request: &'a Request,
    uv: &'a Uv,
    interpreter: &'a Path,
    /// The copy of the workspace.
    staged: &'a Staged,
    work: &'a Path,
}

impl Installer<'_> {
    fn install_third_party(&self, wanted: &Wanted<'_>) -> Result<Vec<Installed>, InstallError> {
        if !wanted.third_party {
            return Ok(Vec::new());
        }
        let mut installed = Vec::new();
        for (number, member) in wanted.members.iter().enumerate() {
            let known: Vec<String> =
                installed.iter().map(|installed: &Installed| installed.origin.name().to_owned()).collect();
            let without: Vec<&str> =
                wanted.without.iter().copied().chain(known.iter().map(String::as_str)).collect();
            installed.extend(self.install_needs(member, &format!("environment-{number}"), &without)?);
        }
        Ok(installed)
    }

    /// Installs what a member needs into an environment of its own.
    fn install_needs(
        &self,
        member: &str,
        name: &str,
        without: &[&str],
    ) -> Result<Vec<Installed>, InstallError> {
        let mut environment = Environment::read(&self.sync(member, name, without)?)?;
        // Where two packages bring different files of one name, the environment holds one of the two, and
        // which one is chance. Each alone has its own.
        for package in environment.mixed() {
            let others = environment.names().filter(|other| *other != package);
            let without: Vec<&str> = without.iter().copied().chain(others).collect();
            let alone = self.sync(member, &format!("{name}-{package}"), &without)?;
            environment.replace(&package, files_below(&alone, &[])?);
        }
        Ok(environment.into_installed())
    }

    /// Makes an environment in the working folder, and returns the folder of its packages.
    fn sync(&self, member: &str, name: &str, without: &[&str]) -> Result<PathBuf, InstallError> {
        let environment = self.work.join(name);
        self.uv
            .install(&Sync {
                workspace: &self.staged.root,
                member,
                script: self.project.script.as_deref(),
                extras: &self.project.choice.extras,
                groups: &self.project.choice.groups,
                without,
                target: self.request.target,
                native_builds: self.request.native_builds,
                interpreter: self.interpreter,
                environment: &environment,
            })
            .map_err(|error| match error {
                UvError::NoWheel { requirement } => InstallError::NoWheel(NoWheel::new(
                    &requirement,
                    self.project.lock.packages(),
                    self.request.target,
                )),
                other => InstallError::Uv(other),
            })?;
        let folder = if cfg!(windows) {
            environment.join("Lib/site-packages")
        } else {
            environment.join(format!("lib/python{}/site-packages", self.request.target.python))
        };
        // Where there is nothing to install, uv may not make the environment.
        fs_err::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn install_local(&self, local: &[&LocalPackage]) -> Result<Vec<Installed>, InstallError> {
        let numbered = local.par_iter().enumerate();
        numbered
            .map(|(number, package)| {
                let folder = self.work.join(format!("local/{number}"));
                match package.shipping {
                    Shipping::Wheel => {
                        self.build(package, &self.work.join(format!("wheels/{number}")), &folder)?;
                    }
                    Shipping::Copy => self.copy(package, &folder)?,
                }
                let origin = Origin::Local((*package).clone());
                Ok(Installed { files: files_below(&folder, &[])?, origin })
            })
            .collect()
    }

    /// Builds the wheel of a local package, and unpacks it into `folder`. Anew each time: uv would take
    /// the wheel it built before as long as only `.py` files changed.
    fn build(&self, package: &LocalPackage, wheels: &Path, folder: &Path) -> Result<(), InstallError> {
        let name = || package.name.clone();
        self.uv
            .build_wheel(&self.staged.copy_of(&package.folder), self.interpreter, wheels)
            .map_err(|source| InstallError::Build { name: name(), source })?;
        let wheel = only_wheel(&package.name, wheels)?;
        if !wheel.ends_with("-any.whl") && !self.request.native_builds {
            return Err(InstallError::NativeLocalPackage {
                name: name(),
                wheel,
                target: self.request.target,
            });
        }
        unpack(&wheels.join(&wheel), folder).map_err(|source| InstallError::BadWheel { name: name(), source })
    }

    /// Copies the files of a local package, less those of other packages inside its folder, and less archives that packages
    /// are installed from.
    fn copy(&self, package: &LocalPackage, folder: &Path) -> Result<(), InstallError> {
        // A project of dependencies alone has no files of its own.
        fs_err::create_dir_all(folder)?;
        let folders = self.project.folders_inside(&package.folder);
        let archives = self.project.archives_inside(&package.folder);
        let nested: Vec<PathBuf> =
            folders.iter().chain(&archives).map(|other| self.staged.copy_of(other)).collect();
        for (path, file) in files_below(&self.staged.copy_of(&package.folder), &nested)? {
            let is_about_the_project =
                PROJECT_FILES.contains(&path.as_str()) || path == self.project.lockfile();
            if is_about_the_project && !self.project.includes(package, &path) {
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

fn only_wheel(name: &str, folder: &Path) -> Result<String, InstallError> {
    for entry in fs_err::read_dir(folder)? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        if Path::new(&file).extension().is_some_and(|ending| ending == "whl") {
            return Ok(file);
        }
    }
    Err(InstallError::NoLocalWheel { name: name.to_owned() })
}

/// Unpacks a wheel as an installer does, less what belongs outside of `site-packages` (scripts,
/// headers, data): none of that is importable.
///
/// Source: <https://packaging.python.org/en/latest/specifications/binary-distribution-format/>.
fn unpack(wheel: &Path, into: &Path) -> Result<(), ArchiveError> {
    archive::read(wheel, |name, contents| {
        let Some(path) = installed_path(name) else { return Ok(()) };
        let path = into.join(path);
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::write(path, contents)
    })
}

/// Where a wheel's entry is installed below `site-packages`; `None` for what goes elsewhere.
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
