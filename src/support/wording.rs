//! Wording: how messages write lists, similar names, sizes and digests.

use std::fmt::{Display, Write};

/// `a`, `b` and `c`, each in backticks.
pub fn list<Item: Display>(items: &[Item]) -> String {
    joined(items, "and")
}

/// `a`, `b` or `c`, each in backticks.
pub fn alternatives<Item: Display>(items: &[Item]) -> String {
    joined(items, "or")
}

fn joined<Item: Display>(items: &[Item], word: &str) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("`{item}`")).collect();
    match quoted.as_slice() {
        [] => "none".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}

/// The candidate that is most similar to `name`; `None` if no candidate is similar.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Below this similarity a suggestion is a guess, and a wrong suggestion is worse than none.
    const ALIKE: f64 = 0.75;
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

/// A size in the units of Lambda (its 250 MB are 262,144,000 bytes), with at most one decimal. It is rounded
/// down, so that no size within a limit appears to be over it.
pub fn size(bytes: u64) -> String {
    let mut text = String::new();
    let (unit, name) = match bytes {
        0..1024 => return format!("{bytes} B"),
        1024..1_048_576 => (1024, "kB"),
        _ => (1_048_576, "MB"),
    };
    // Writing to a String cannot fail.
    let _ = write!(text, "{}.{} {name}", bytes / unit, bytes % unit * 10 / unit);
    text
}

/// The question that follows an unknown name; empty if no candidate is similar.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)"))
}

/// A text with each run of white space as one space. uv breaks its sentences anywhere.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_as_a_sentence_does() {
        assert_eq!(list::<&str>(&[]), "none");
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(alternatives(&["a", "b"]), "`a` or `b`");
    }

    #[test]
    fn only_a_like_name_is_near() {
        assert_eq!(nearest("demo-lamda1", ["demo-common", "demo-lambda1"]), Some("demo-lambda1"));
        assert_eq!(nearest("zzz", ["demo-common", "demo-lambda1"]), None);
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 kB"),
            (1_048_575, "1023.9 kB"),
            (52_428_800, "50.0 MB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
