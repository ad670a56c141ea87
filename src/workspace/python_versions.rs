//! Python versions: those that a project allows, and the one that it asks for.

use std::path::{Path, PathBuf};

use pep440_rs::{Version, VersionSpecifiers};

use crate::support::regular_file;
use crate::target::{PythonVersion, Target};

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

/// The default Pythons of a member, the best one first: that of its `.python-version`; then the other allowed ones, the newest
/// first. Previews are not among them.
pub fn defaults(requires_python: Option<&str>, folder: &Path, root: &Path) -> Vec<PythonVersion> {
    let pinned = version_file(folder, root).and_then(|version| minor(&version));
    let mut allowed: Vec<PythonVersion> = Target::released()
        .filter(|python| requires_python.is_none_or(|requires| allows(requires, *python)))
        .collect();
    // Stable, so the others stay in order.
    allowed.sort_by_key(|python| Some(*python) != pinned);
    allowed
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

fn minor(version: &str) -> Option<PythonVersion> {
    let version: Version = version.parse().ok()?;
    let [major, minor, ..] = version.release() else { return None };
    Some(PythonVersion { major: u8::try_from(*major).ok()?, minor: u8::try_from(*minor).ok()? })
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
    fn the_default_is_the_pinned_one_or_the_newest_that_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let inner = root.join("packages/app");
        fs_err::create_dir_all(&inner).unwrap();
        let first = |requires| names(&defaults(Some(requires), &inner, root)).first().cloned();
        assert_eq!(first(">=3.9"), Some("3.14".to_owned()));
        assert_eq!(first(">=3.9, <3.14"), Some("3.13".to_owned()));
        assert_eq!(first(">=3.15"), None);
        for (pin, expected) in
            [("3.12", "3.12"), ("3.11.7", "3.11"), ("3.15", "3.14"), ("3.9", "3.14"), ("pypy", "3.14")]
        {
            fs_err::write(root.join(".python-version"), format!("# comment\n{pin}\n")).unwrap();
            assert_eq!(first(">=3.10").as_deref(), Some(expected), "{pin}");
        }
    }
}
