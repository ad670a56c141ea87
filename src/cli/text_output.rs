//! Output for people.

use std::path::Path;

use crate::Bundle;
use crate::compare::{Diff, FileChange, PackageChange, Side};
use crate::explain::{Explanation, FileKind, Omission};
use crate::pythons::RuntimePython;
use crate::remote::{self, RemoteStore};
use crate::report::Warning;
use crate::statistics::{Bundles, Remote, Statistics};
use crate::store::{LIMIT, Pruned, Usage};
use crate::support::wording::size;
use crate::verify::Verification;

/// The number of files that a text lists. JSON lists all of them.
const LISTED: usize = 40;

/// The lines of a text. Control characters are escaped: a name in a zip must not control the terminal.
struct Lines(String);

impl Lines {
    fn new() -> Self {
        Self(String::new())
    }

    fn add(&mut self, line: &str) {
        for character in line.chars() {
            if character.is_control() && character != '\n' {
                self.0.extend(character.escape_default());
            } else {
                self.0.push(character);
            }
        }
        self.0.push('\n');
    }
}

pub(super) fn warnings(warnings: &[Warning]) -> String {
    let mut lines = Lines::new();
    for Warning { code, message } in warnings {
        lines.add(&format!("warning[{code}]: {message}"));
    }
    lines.0
}

pub(super) fn bundle(bundle: &Bundle) -> String {
    let mut lines = Lines::new();
    lines.add(&bundle.zip_path.to_string_lossy());
    lines.add(&format!("  sha256    {}", bundle.sha256));
    lines.add(&format!(
        "  size      {} zipped, {} unpacked, {}",
        size(bundle.zip_bytes),
        size(bundle.unzipped_bytes),
        count(bundle.files, "file")
    ));
    lines.add(&format!(
        "  bytecode  by CPython {}{}",
        bundle.python,
        match bundle.not_compiled {
            0 => String::new(),
            number => format!(", less {} that did not compile", count(number, "file")),
        }
    ));
    let packages: Vec<String> =
        bundle.packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect();
    lines.add(&format!("  packages  {}", packages.join(", ")));
    lines.0
}

pub(super) fn explanation(explanation: &Explanation, with_files: bool) -> String {
    let mut lines = Lines::new();
    for package in &explanation.packages {
        lines.add(&format!(
            "{} {}  {}, {}: {}",
            package.name,
            package.version,
            count(package.files.len(), "file"),
            size(package.bytes),
            package.reason
        ));
        if let Some(source) = &package.built_from {
            let with = match package.built_with.as_deref() {
                Some([]) | None => String::new(),
                Some(packages) => format!(" with {}", packages.join(", ")),
            };
            lines.add(&format!("  built here from {source}{with}"));
        }
        for file in package.files.iter().filter(|_| with_files) {
            let kind = match file.kind {
                FileKind::Content => "",
                FileKind::Metadata => ", metadata",
                FileKind::Bytecode => ", bytecode",
            };
            lines.add(&format!("  {} ({}{kind})", file.path, size(file.bytes)));
        }
    }
    if !explanation.left_out.is_empty() {
        lines.add("left out:");
    }
    for Omission { name, package, reason, .. } in &explanation.left_out {
        let of = package.as_ref().map_or_else(String::new, |package| format!(" of {package}"));
        lines.add(&format!("  {name}{of}: {reason}"));
    }
    lines.0
}

pub(super) fn pruned(Pruned { entries, bytes }: Pruned) -> String {
    format!("removed {}, {}\n", entries_text(entries as u64), size(bytes))
}

fn entries_text(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

pub(super) fn pushed(remote: &RemoteStore) -> String {
    let remote::Statistics { sent, bytes_sent, .. } = remote.statistics();
    format!("wrote {}, {}, into {}\n", entries_text(sent), size(bytes_sent), remote.settings().address)
}

pub(super) fn cache(folder: &Path, removed: Option<Pruned>, usage: Usage, statistics: &Statistics) -> String {
    let mut lines = Lines::new();
    if let Some(removed) = removed {
        lines.add(pruned(removed).trim_end());
    }
    lines.add(&folder.to_string_lossy());
    lines.add(&format!(
        "  {} in {} and {}; it stays under {} by itself",
        size(usage.bytes),
        count(usage.bundles, "zip"),
        count(usage.packages, "package"),
        size(LIMIT)
    ));
    let Statistics { hits, misses, remote } = statistics;
    for (name, Bundles { bundles, bytes, seconds }) in [("hits  ", hits), ("misses", misses)] {
        lines.add(&format!(
            "  {name}  {} of {}, in {seconds:.1} s",
            count(as_count(*bundles), "zip"),
            size(*bytes)
        ));
    }
    for (address, Remote { hits, misses, bytes, seconds, sent, bytes_sent }) in remote {
        lines.add(address);
        lines.add(&format!(
            "  hits    {} of {}, waited for {seconds:.1} s",
            entries_text(*hits),
            size(*bytes)
        ));
        lines.add(&format!("  misses  {}", entries_text(*misses)));
        lines.add(&format!("  wrote   {} of {}", entries_text(*sent), size(*bytes_sent)));
    }
    lines.0
}

fn as_count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

pub(super) fn verification(verification: &Verification) -> String {
    let Verification {
        first, second_sha256, second_cache, difference, differing_files, remote_entries, ..
    } = verification;
    let mut lines = Lines::new();
    if let Some(entries) = remote_entries {
        lines.add(&format!("the first build took {} from the remote cache", entries_text(*entries)));
    }
    match difference {
        None => {
            lines.add("same: two builds under different conditions gave the same bytes");
            lines.add(&format!("  sha256      {}", first.sha256));
        }
        Some(difference) => {
            lines.add(&format!("differs: {difference}"));
            let others: Vec<&String> =
                differing_files.iter().filter(|path| difference.entry() != Some(path)).collect();
            if !others.is_empty() {
                let listed: Vec<String> =
                    others.iter().take(LISTED).map(|path| format!("\n    {path}")).collect();
                lines.add(&format!(
                    "  and {} more:{}{}",
                    count(others.len(), "file"),
                    listed.concat(),
                    and_more(others.len())
                ));
            }
            lines.add(&format!(
                "  sha256      {} (first)\n              {second_sha256} (second)",
                first.sha256
            ));
        }
    }
    let cache = second_cache
        .reason_not_cold()
        .map_or_else(|| ", uv cache (warm, empty)".to_owned(), |reason| format!("\n  empty cache {reason}"));
    lines.add(&format!(
        "  different   working folder, number of workers, order of sources, clock (2 s){cache}"
    ));
    lines.add(&format!("  bytecode    by CPython {} in both", first.python));
    lines.0
}

pub(super) fn pythons(pythons: &[RuntimePython]) -> String {
    let mut lines = Lines::new();
    for RuntimePython { runtime, version, path, reason, .. } in pythons {
        lines.add(&format!("{runtime:<11} {:<8} {reason}", version.as_deref().unwrap_or("none")));
        if let Some(path) = path {
            lines.add(&format!("{:20} {}", "", path.display()));
        }
    }
    lines.0
}

pub(super) fn diff(diff: &Diff) -> String {
    let mut lines = Lines::new();
    if diff.is_identical() {
        lines.add("identical: the same bytes");
        lines.add(&format!("  sha256  {}", diff.before.sha256));
        return lines.0;
    }
    if let Some(container) = diff.container() {
        lines.add(&container);
    }
    if !diff.packages.is_empty() {
        lines.add("packages");
    }
    for PackageChange { name, before, after } in &diff.packages {
        lines.add(&change(name, before.as_deref(), after.as_deref()));
    }
    if !diff.files.is_empty() {
        lines.add("files");
    }
    for FileChange { path, before, after } in diff.files.iter().take(LISTED) {
        let (before, after) = (before.map(size), after.map(size));
        lines.add(&change(path, before.as_deref(), after.as_deref()));
    }
    if diff.files.len() > LISTED {
        lines.add(and_more(diff.files.len()).trim_start_matches('\n'));
    }
    lines.add(&format!("before  {}\nafter   {}", side(&diff.before), side(&diff.after)));
    lines.0
}

/// `+ name value` for an addition, `- name value` for a removal, `~ name value -> value` for a change.
fn change(name: &str, before: Option<&str>, after: Option<&str>) -> String {
    match (before, after) {
        (Some(before), Some(after)) if before == after => format!("  ~ {name}  {after}"),
        (Some(before), Some(after)) => format!("  ~ {name}  {before} -> {after}"),
        (Some(before), None) => format!("  - {name}  {before}"),
        (None, after) => format!("  + {name}  {}", after.unwrap_or_default()),
    }
}

fn side(side: &Side) -> String {
    format!(
        "{} zipped, {} unpacked, {}, sha256 {}",
        size(side.zip_bytes),
        size(side.unzipped_bytes),
        count(side.files, "file"),
        side.sha256
    )
}

fn and_more(total: usize) -> String {
    match total.saturating_sub(LISTED) {
        0 => String::new(),
        more => format!("\n    ... and {more} more (`--json` lists them all)"),
    }
}

fn count(number: usize, thing: &str) -> String {
    let mut text = format!("{number} {thing}");
    if number != 1 {
        text.push('s');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Difference;

    fn a_side(files: usize) -> Side {
        Side { sha256: "ab".repeat(32), zip_bytes: 1234, unzipped_bytes: 5_678_901, files }
    }

    fn a_diff(files: usize) -> Diff {
        let file = |number: usize| FileChange {
            path: format!("f{number:02}.py"),
            before: (number > 0).then_some(10),
            after: (number != 1).then_some(10 + number as u64 % 2),
        };
        Diff {
            before: a_side(1),
            after: a_side(2),
            packages: vec![PackageChange {
                name: "boto3".to_owned(),
                before: Some("1.0".to_owned()),
                after: Some("1.1".to_owned()),
            }],
            files: (0..files).map(file).collect(),
            first: Some(Difference::OnlyInSecond { entry: "f00.py".to_owned() }),
        }
    }

    #[test]
    fn a_diff_reads_like_one() {
        let sha256 = "ab".repeat(32);
        assert_eq!(
            diff(&a_diff(4)),
            format!(
                "packages\n  ~ boto3  1.0 -> 1.1\nfiles\n  + f00.py  10 B\n  - f01.py  10 B\n  ~ f02.py  10 B\n  ~ f03.py  10 B -> 11 B\n\
                 before  1.2 kB zipped, 5.4 MB unpacked, 1 file, sha256 {sha256}\n\
                 after   1.2 kB zipped, 5.4 MB unpacked, 2 files, sha256 {sha256}\n"
            )
        );
    }

    #[test]
    fn a_long_diff_is_cut() {
        let text = diff(&a_diff(LISTED + 7));
        assert!(text.contains("... and 7 more (`--json` lists them all)\nbefore"), "{text}");
    }

    #[test]
    fn names_do_not_command_the_terminal() {
        let mut diff_of_bad_name = a_diff(1);
        diff_of_bad_name.files[0].path = "\u{1b}[2Jx".to_owned();
        assert!(diff(&diff_of_bad_name).contains("\\u{1b}[2Jx"));
    }
}
