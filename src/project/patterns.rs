//! Patterns: those of the options `include` and `exclude`. They are gitignore's, relative to the member's folder, and read
//! by the code that reads `.gitignore`.
//!
//! In one thing they are kinder than git: `!data/keep.json` brings a file back even out of a folder that an earlier
//! pattern took.

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// A list of patterns, of which the last one that matches a file decides.
#[derive(Debug)]
pub(super) struct Patterns(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    text: String,
    matcher: Gitignore,
    has_matched: bool,
}

impl Patterns {
    /// Reads patterns. One that cannot be read, which the request refuses, is passed over.
    pub fn new(texts: &[String]) -> Self {
        let read = |text: &String| {
            let matcher = matcher(text).ok()?;
            Some(Pattern { text: text.clone(), matcher, has_matched: false })
        };
        Self(texts.iter().filter_map(read).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pattern that takes the file at `path`, where one does and no later one takes that back.
    pub fn taking(&mut self, path: &str) -> Option<&str> {
        let mut taking = None;
        for Pattern { text, matcher, has_matched } in &mut self.0 {
            match matcher.matched_path_or_any_parents(path, false) {
                Match::None => continue,
                Match::Ignore(_) => taking = Some(text.as_str()),
                Match::Whitelist(_) => taking = None,
            }
            *has_matched = true;
        }
        taking
    }

    /// The patterns that matched none of the files so far.
    pub fn without_match(&self) -> impl Iterator<Item = &str> {
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
        let taken = |pattern: &str, path: &str| patterns(&[pattern]).taking(path).is_some();
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
        assert_eq!(patterns.taking("data/a.json"), Some("data/"));
        assert_eq!(patterns.taking("data/keep.json"), None);
        assert_eq!(patterns.taking("main.py"), None);
        assert_eq!(patterns.without_match().collect::<Vec<_>>(), ["*.tmp"]);
    }

    #[test]
    fn a_comment_is_no_pattern() {
        assert!(problem_of_pattern("# x").is_some() && problem_of_pattern("  ").is_some());
        assert_eq!(problem_of_pattern("*.md"), None);
    }
}
