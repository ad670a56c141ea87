//! The full version of Python that compiles for each runtime where nobody chooses another one. So everybody gets the same
//! bytes: the bytecode of two patch versions may differ.

use super::PythonVersion;

/// The patch of each minor version.
///
/// It is the newest that the oldest uv knows, so that every uv which works (from 0.8.0) can download it: uv knows only the versions
/// that were released before it. uv 0.8.0 knows no final 3.14 and no 3.15. There it is the first final version, which uv can download
/// from 0.9.0 (3.14) and 0.13.0 (3.15) on. With newer patches, two people with a different uv would get other bytes.
///
/// Measured by `uv python list --all-versions --only-downloads` of uv 0.8.0, 0.9.0, 0.9.30, 0.10.12, 0.11.33, 0.12.24, 0.13.0
/// and 0.13.9. The newest of uv 0.13.9 are 3.9.25, 3.10.22, 3.11.18, 3.12.16, 3.13.18, 3.14.10 and 3.15.2.
///
/// Every Python of a minor version reads the bytecode of all its patches, and this Python only compiles: it is not the one that
/// runs in Lambda. A file that it cannot compile ships without bytecode.
///
/// Another version changes the bytes of bundles: never change one in a patch release, and say so in the changelog.
const PATCHES: [(u8, u8); 7] = [(9, 23), (10, 18), (11, 13), (12, 11), (13, 5), (14, 0), (15, 0)];

/// The full version that this release names for a runtime, such as `3.13.5`.
pub fn pinned_python(runtime: PythonVersion) -> Option<String> {
    let (minor, patch) = PATCHES.into_iter().find(|(minor, _)| *minor == runtime.minor)?;
    Some(format!("{}.{minor}.{patch}", runtime.major))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;

    #[test]
    fn every_runtime_has_a_pinned_python() {
        let pinned: Vec<String> = Target::pythons().filter_map(pinned_python).collect();
        assert_eq!(pinned, ["3.9.23", "3.10.18", "3.11.13", "3.12.11", "3.13.5", "3.14.0", "3.15.0"]);
    }
}
