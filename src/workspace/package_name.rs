//! Package names.

use std::str::FromStr;

use pep508_rs::PackageName;

/// The one spelling of a package name, by the rule of
/// <https://packaging.python.org/en/latest/specifications/name-normalization/>. A text that is not a valid name is returned in lower
/// case.
pub fn normalize_name(name: &str) -> String {
    PackageName::from_str(name).map_or_else(|_| name.to_lowercase(), |name| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_as_the_index_does() {
        assert_eq!(normalize_name("Demo__Lambda.-1"), "demo-lambda-1");
        assert_eq!(normalize_name("Not a name"), "not a name");
    }
}
