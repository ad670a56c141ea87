//! Python versions: those that a project allows, and the one that its `.python-version` names.

use std::path::{Path, PathBuf};

use pep440_rs::{Version, VersionSpecifiers};

use crate::support::regular_file;
use crate::target::{Architecture, PythonVersion, Target};

/// A patch number that no Python has reached.
const NO_SUCH_PATCH: u64 = 100;

/// Whether `requires_python`, as a lock has it, allows some patch version of a Python. The patch version of Lambda's runtime is
/// not known here, and uv checks that of the interpreter.
pub fn allows(requires_python: &str, python: PythonVersion) -> bool {
    // uv wrote it. If this parser cannot read it, uv decides.
    let Ok(specifiers) = requires_python.parse::<VersionSpecifiers>() else { return true };
    (0..NO_SUCH_PATCH)
        .any(|patch| specifiers.contains(&Version::new([python.major.into(), python.minor.into(), patch])))
}

/// The Pythons of the runtimes that a project allows, the oldest first. Runtimes that Lambda only previews are not among them.
pub fn allowed(requires_python: Option<&str>) -> Vec<PythonVersion> {
    Target::released()
        .filter(|python| requires_python.is_none_or(|requires| allows(requires, *python)))
        .collect()
}

/// The version in the nearest `.python-version` between `folder` and the workspace's root.
pub fn version_file(folder: &Path, root: &Path) -> Option<String> {
    let file = version_files(folder, root).find(|file| file.is_file())?;
    let text = regular_file::read_text(&file).ok()?;
    let request = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let version =
        request.strip_prefix("cpython-").or_else(|| request.strip_prefix("cpython@")).unwrap_or(request);
    Some(version.to_owned())
}

/// The places of a `.python-version` between `folder` and the workspace's root, the nearest one first.
pub fn version_files(folder: &Path, root: &Path) -> impl Iterator<Item = PathBuf> {
    let inside = folder.ancestors().take_while(move |folder| folder.starts_with(root));
    inside.map(|folder| folder.join(".python-version"))
}

/// The Python of the runtime that a version such as `3.13` or `3.13.5` means; `None` if Lambda has no such runtime.
pub fn runtime_of(version: &str) -> Option<PythonVersion> {
    let version: Version = version.parse().ok()?;
    let [major, minor, ..] = version.release() else { return None };
    let name = format!("python{major}.{minor}");
    // Every runtime has both CPUs.
    Target::new(&name, Architecture::X86_64).map(|target| target.python)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pythons: &[PythonVersion]) -> Vec<String> {
        pythons.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_python_is_allowed_where_one_of_its_patches_is() {
        let allowed = |requires: &str, minor| allows(requires, PythonVersion { major: 3, minor });
        assert!(
            allowed(">=3.13.2", 13) && allowed(">=3.9, <3.13.1", 13) && allowed("not for us to read", 13)
        );
        assert!(!allowed(">=3.9, <3.13", 13) && !allowed(">=3.9, !=3.13.*", 13) && !allowed("==3.12.*", 13));
    }

    #[test]
    fn runtimes_that_lambda_previews_are_not_among_the_allowed_ones() {
        assert_eq!(names(&allowed(Some(">=3.12"))), ["3.12", "3.13", "3.14"]);
        assert_eq!(names(&allowed(Some(">=3.12, <3.14"))), ["3.12", "3.13"]);
        assert_eq!(allowed(Some(">=3.15")), []);
        assert_eq!(allowed(None).len(), 6);
    }

    #[test]
    fn a_version_means_the_runtime_of_its_minor_version() {
        let name = |version| runtime_of(version).map(PythonVersion::runtime_name);
        for version in ["3.13", "3.13.5", "3.13.0rc1"] {
            assert_eq!(name(version).as_deref(), Some("python3.13"), "{version}");
        }
        assert_eq!(name("3.15").as_deref(), Some("python3.15"));
        for version in ["3", "3.8", "2.7", "pypy3.10", ">=3.12", ""] {
            assert_eq!(name(version), None, "{version}");
        }
    }
}
