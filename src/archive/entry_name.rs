//! Entry names: which paths a zip can carry, so that a file has the same name in Lambda as in its package.
//!
//! A name goes in as it is. Lambda unpacks on Linux, where `\` and `:` are letters like others: `a\b.py` is one file, not
//! `b.py` in a folder `a`, and `C:colon.py` keeps its `C:`. Readers that hold `\` for a separator do so only for zips made
//! on MS-DOS or Windows; ours say that they were made on Unix, whatever the host.

/// The longest path that Linux opens, in bytes.
///
/// Source: `PATH_MAX` in <https://man7.org/linux/man-pages/man0/limits.h.0p.html>, less the NUL at the end.
const LONGEST: usize = 4095;

/// Why a file of this path cannot be unpacked again under the same path; `None` where it can.
pub(super) fn problem(path: &str) -> Option<&'static str> {
    if path.len() > LONGEST {
        return Some("it is longer than the 4095 bytes that Linux allows");
    }
    if path.contains('\0') {
        return Some("it has a NUL character");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some("it has a part that is empty, `.` or `..`");
    }
    None
}

/// Whether a path leads out of the folder that it is below of, or cannot be opened at all.
pub(super) fn leads_out(path: &str) -> bool {
    path.starts_with('/') || path.contains('\0') || path.split('/').any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_linux_has_can_be_carried() {
        for path in
            ["a.py", "a/b.py", "a\\b.py", "C:colon.py", "..a", "a..", "...", "ü name", "con", "a\nb", " "]
        {
            assert_eq!(problem(path), None, "{path}");
            assert!(!leads_out(path), "{path}");
        }
    }

    #[test]
    fn what_no_folder_can_hold_is_refused() {
        let long = "a".repeat(LONGEST + 1);
        for path in ["", "/", "/a", "a/", "a//b", ".", "./a", "a/..", "../a", "a\0b", &long] {
            assert!(problem(path).is_some(), "{path}");
        }
        for path in ["/a", "..", "../a", "a/../b", "a/..", "a\0b"] {
            assert!(leads_out(path), "{path}");
        }
    }
}
