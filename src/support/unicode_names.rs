//! Names of files on systems that treat different names as the same: macOS and Windows ignore case, and macOS
//! ignores which of its two Unicode forms a letter such as é has. Older file systems of macOS even change the
//! form.

use std::borrow::Cow;
use std::collections::BTreeMap;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The name in the composed form (NFC), which git, editors and Python's `import` use.
pub fn composed(name: &str) -> Cow<'_, str> {
    if is_nfc(name) { Cow::Borrowed(name) } else { Cow::Owned(name.nfc().collect()) }
}

/// Pairs of paths, of files and of folders, that are the same on macOS or Windows. `names` are paths with `/`
/// between the parts.
pub fn too_alike<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(&'a str, &'a str)> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut pairs = Vec::new();
    for name in names {
        let ends = name.match_indices('/').map(|(end, _)| end).chain([name.len()]);
        for path in ends.map(|end| &name[..end]) {
            let first = *seen.entry(composed(path).to_lowercase()).or_insert(path);
            let is_new = first != path && !pairs.contains(&(first, path));
            // If two folders have the same name, the files in them are not listed as well.
            let is_below = pairs.iter().any(|(one, other): &(&str, &str)| {
                let below = |folder: &str| path.strip_prefix(folder).or(first.strip_prefix(folder));
                [one, other].iter().any(|folder| below(folder).is_some_and(|rest| rest.starts_with('/')))
            });
            if is_new && !is_below {
                pairs.push((first, path));
            }
        }
    }
    pairs
}

/// The name with escapes for all letters but those of ASCII. Two names that look the same differ in it.
pub fn spelled_out(name: &str) -> String {
    let letters = name.chars().map(|letter| {
        if letter.is_ascii() { letter.to_string() } else { letter.escape_unicode().to_string() }
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_composed_only_if_it_must_be() {
        assert_eq!(composed("cafe\u{301}/a"), "caf\u{e9}/a");
        assert!(matches!(composed("caf\u{e9}/a"), Cow::Borrowed(_)));
        assert_eq!(spelled_out("cafe\u{301} a.py"), "cafe\\u{301} a.py");
    }

    #[test]
    fn files_and_folders_of_alike_names_are_found_once() {
        let pairs = |names: &[&'static str]| too_alike(names.iter().copied());
        assert_eq!(pairs(&["a.py", "b/a.py", "b/b.py"]), []);
        assert_eq!(pairs(&["README", "readme"]), [("README", "readme")]);
        assert_eq!(pairs(&["Data/a", "Data/b", "data/a", "data/b"]), [("Data", "data")]);
        assert_eq!(pairs(&["x/caf\u{e9}", "x/cafe\u{301}"]), [("x/caf\u{e9}", "x/cafe\u{301}")]);
        // Not in the same folder.
        assert_eq!(pairs(&["a/README", "b/readme"]), []);
    }
}
