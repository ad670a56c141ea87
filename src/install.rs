//! Install: third-party wheels and freshly built local packages, for the target, from the lock.

use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::archive::{self, ArchiveError};
use crate::interpreter::Interpreter;
use crate::project::{LocalPackage, Project, Reach, Shipping, stage};
use crate::target::Target;
use crate::uv::{Uv, UvError};

/// A folder whose contents belong at the top of the bundle.
#[derive(Debug)]
pub struct Installed {
    /// The folder.
    pub folder: PathBuf,
    /// What lies in it.
    pub origin: Origin,
}

/// Where installed files come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The wheels of the lock.
    ThirdParty,
    /// The wheel that was built of a local package.
    LocalWheel(LocalPackage),
}

/// Why packages were not installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// uv failed.
    #[error(transparent)]
    Uv(#[from] UvError),
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
            Self::Build { .. } | Self::NoLocalWheel { .. } | Self::BadWheel { .. } => "BUILD_FAILED",
            Self::NativeLocalPackage { .. } => "NATIVE_LOCAL_PACKAGE",
            Self::Io(_) => "IO",
        }
    }

    /// Whether a container could do what failed here.
    pub fn container_can_help(&self) -> bool {
        match self {
            Self::Uv(error) => error.container_can_help(),
            Self::NativeLocalPackage { .. } => true,
            Self::Build { .. } | Self::NoLocalWheel { .. } | Self::BadWheel { .. } | Self::Io(_) => false,
        }
    }
}

/// Installs everything the member reaches below the working folder `work`, and returns the folders,
/// in the order in which one wins where two ship the same path: the local packages, the member
/// first; then third-party packages.
///
/// Local packages are built anew each time, from a copy: uv would take the wheel it built before as
/// long as only `.py` files changed.
pub fn install(
    project: &Project,
    reach: &Reach<'_>,
    target: Target,
    uv: &Uv,
    interpreter: &Interpreter,
    work: &Path,
) -> Result<Vec<Installed>, InstallError> {
    let staged = stage(project, reach, &work.join("workspace"))?;
    // A lock may hold absolute paths of the workspace, so it is checked where it lies; unless uv would
    // have to run build backends for it, which write into the tree.
    let checked = if project.computes_metadata() { &staged } else { &project.root };
    uv.check_lock(checked, &project.root, &interpreter.path)?;
    let (local, third_party) = rayon::join(
        || build_local(project, reach, target, uv, interpreter, &staged, work),
        || install_third_party(project, reach, target, uv, interpreter, &staged, work),
    );
    let mut installed = local?;
    installed.push(third_party?);
    Ok(installed)
}

fn install_third_party(
    project: &Project,
    reach: &Reach<'_>,
    target: Target,
    uv: &Uv,
    interpreter: &Interpreter,
    staged: &Path,
    work: &Path,
) -> Result<Installed, InstallError> {
    let environment = work.join("environment");
    let local: Vec<&str> = reach.local.iter().map(|package| package.name.as_str()).collect();
    uv.install(staged, &project.member, &local, target, &interpreter.path, &environment)?;
    let folder = if cfg!(windows) {
        environment.join("Lib/site-packages")
    } else {
        environment.join(format!("lib/python{}/site-packages", target.python))
    };
    // Where there is nothing to install, uv may not make the environment.
    fs_err::create_dir_all(&folder)?;
    Ok(Installed { folder, origin: Origin::ThirdParty })
}

fn build_local(
    project: &Project,
    reach: &Reach<'_>,
    target: Target,
    uv: &Uv,
    interpreter: &Interpreter,
    staged: &Path,
    work: &Path,
) -> Result<Vec<Installed>, InstallError> {
    let wheels: Vec<&LocalPackage> =
        reach.local.iter().filter(|package| package.shipping == Shipping::Wheel).collect();
    wheels
        .into_par_iter()
        .enumerate()
        .map(|(number, package)| {
            let wheels = work.join(format!("wheels/{number}"));
            let folder = work.join(format!("local/{number}"));
            let source = staged_folder(project, staged, &package.folder);
            uv.build_wheel(&source, &interpreter.path, &wheels)
                .map_err(|source| InstallError::Build { name: package.name.clone(), source })?;
            let wheel = only_wheel(&package.name, &wheels)?;
            if !wheel.ends_with("-any.whl") {
                return Err(InstallError::NativeLocalPackage { name: package.name.clone(), wheel, target });
            }
            unpack(&wheels.join(&wheel), &folder)
                .map_err(|source| InstallError::BadWheel { name: package.name.clone(), source })?;
            Ok(Installed { folder, origin: Origin::LocalWheel(package.clone()) })
        })
        .collect()
}

/// The copy of a local folder, at the same place relative to the copy of the workspace.
fn staged_folder(project: &Project, staged: &Path, folder: &Path) -> PathBuf {
    let mut from = project.root.as_path();
    let mut copy = staged;
    loop {
        if let Ok(below) = folder.strip_prefix(from) {
            return copy.join(below);
        }
        match (from.parent(), copy.parent()) {
            (Some(outer), Some(outer_copy)) => (from, copy) = (outer, outer_copy),
            // A package on another drive has no copy: it is built where it lies.
            _ => return folder.to_path_buf(),
        }
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
