//! The patterns of the options `include` and `exclude`. They are gitignore patterns, relative to the member's folder, and parsed by the
//! code that parses `.gitignore`.
//!
//! There is one difference from git: `!data/keep.json` brings a file back even from a folder that an earlier pattern matched.

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// A list of patterns. The last one that matches a file decides.
#[derive(Debug)]
pub struct Patterns(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    text: String,
    matcher: Gitignore,
    has_matched: bool,
}

impl Patterns {
    /// Parses patterns. The request has already refused invalid ones.
    pub fn new(texts: &[String]) -> Self {
        let read = |text: &String| {
            let matcher = matcher(text).ok()?;
            Some(Pattern { text: text.clone(), matcher, has_matched: false })
        };
        Self(texts.iter().filter_map(read).collect())
    }

    /// Whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pattern that matches the file at `path`; `None` if none does, or if a later one with `!` brings the file back.
    pub fn matching(&mut self, path: &str) -> Option<&str> {
        let mut matching = None;
        for Pattern { text, matcher, has_matched } in &mut self.0 {
            match matcher.matched_path_or_any_parents(path, false) {
                Match::None => continue,
                Match::Ignore(_) => matching = Some(text.as_str()),
                Match::Whitelist(_) => matching = None,
            }
            *has_matched = true;
        }
        matching
    }

    /// The patterns that have matched no file so far.
    pub fn unmatched(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|pattern| !pattern.has_matched).map(|pattern| pattern.text.as_str())
    }
}

/// What is wrong with a pattern, as the end of a sentence.
pub fn problem_of_pattern(text: &str) -> Option<String> {
    matcher(text).err()
}

fn matcher(text: &str) -> Result<Gitignore, String> {
    let mut builder = GitignoreBuilder::new("");
    let read = builder.add_line(None, text).and_then(|builder| builder.build());
    match read {
        Ok(matcher) if matcher.is_empty() => {
            Err("in a `.gitignore` that is a comment or an empty line; write a pattern".to_owned())
        }
        Ok(matcher) => Ok(matcher),
        Err(error) => Err(format!("that is no gitignore pattern: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Patterns {
        Patterns::new(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn patterns_mean_what_they_mean_in_a_gitignore() {
        let taken = |pattern: &str, path: &str| patterns(&[pattern]).matching(path).is_some();
        for (pattern, path) in [
            ("*.md", "docs/a.md"),
            ("docs/", "docs/deep/a.md"),
            ("docs/", "src/docs/a.md"),
            ("/docs", "docs/a.md"),
            ("src/**/data", "src/a/b/data/x"),
            ("a [b].txt", "a b.txt"),
        ] {
            assert!(taken(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [("/docs", "src/docs/a.md"), ("docs/", "docs"), ("src/*.py", "src/a/b.py")] {
            assert!(!taken(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn the_last_match_decides_and_what_never_matched_is_known() {
        let mut patterns = patterns(&["data/", "!data/keep.json", "*.tmp"]);
        assert_eq!(patterns.matching("data/a.json"), Some("data/"));
        assert_eq!(patterns.matching("data/keep.json"), None);
        assert_eq!(patterns.matching("main.py"), None);
        assert_eq!(patterns.unmatched().collect::<Vec<_>>(), ["*.tmp"]);
    }

    #[test]
    fn a_comment_is_no_pattern() {
        assert!(problem_of_pattern("# x").is_some() && problem_of_pattern("  ").is_some());
        assert_eq!(problem_of_pattern("*.md"), None);
    }
}
