//! Reads the `.dist-info` folder of an installed wheel: its package, its files, and the Python, ABI and
//! platform that it is for.

use std::collections::HashMap;

use super::Package;
use crate::support::wheel_metadata::{header, headers, record};
use crate::target::Target;
use crate::target::wheel_tag::Tag;

/// A wheel installed in the bundle, from its `.dist-info` folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wheel {
    /// The package.
    pub(super) package: Package,
    /// The path of its `WHEEL` file, even if there is none.
    pub(super) path: String,
    /// Its compatibility tags; empty if it lists none.
    pub(super) tags: Vec<Tag>,
}

/// The files of a `.dist-info` folder that the check reads.
#[derive(Debug, Default)]
pub(super) struct DistInfo<'a> {
    /// `WHEEL`: the tags.
    pub(super) wheel: Option<&'a str>,
    /// `METADATA`: name and version.
    pub(super) metadata: Option<&'a str>,
    /// `RECORD`: the files.
    pub(super) record: Option<&'a str>,
}

/// The wheels in the bundle, and the wheel that each file belongs to.
#[derive(Debug, Default)]
pub(super) struct Wheels {
    /// The wheels, by the path of their `.dist-info` folder.
    pub(super) wheels: Vec<Wheel>,
    owners: HashMap<String, usize>,
}

impl Wheels {
    /// Reads `.dist-info` folders, given by path.
    pub(super) fn read<'a>(folders: impl IntoIterator<Item = (&'a str, DistInfo<'a>)>) -> Self {
        let mut all = Self::default();
        for (path, info) in folders {
            let index = all.wheels.len();
            let (root, folder) = path.rsplit_once('/').unwrap_or(("", path));
            for file in info.record.into_iter().flat_map(record).filter_map(Result::ok) {
                // If two wheels list a file, the first one owns it: the other one has a vendored copy.
                all.owners.entry(join(root, &file.path)).or_insert(index);
            }
            all.wheels.push(Wheel {
                package: package(folder, info.metadata.unwrap_or_default()),
                path: format!("{path}/WHEEL"),
                tags: info
                    .wheel
                    .map_or_else(Vec::new, |wheel| headers(wheel, "Tag").flat_map(Tag::expand).collect()),
            });
        }
        all
    }

    /// The index of the wheel that a file belongs to; `None` for a file of the project itself.
    pub(super) fn owner(&self, file: &str) -> Option<usize> {
        self.owners.get(file).copied()
    }
}

impl Wheel {
    /// Whether the wheel claims to run on every platform.
    pub(super) fn is_for_any_platform(&self) -> bool {
        self.tags.iter().any(Tag::is_for_any_platform)
    }

    /// Whether the target can take the wheel. A wheel without tags counts as one that fits.
    pub(super) fn fits(&self, target: Target) -> bool {
        self.tags.is_empty() || self.tags.iter().any(|tag| tag.fits(target))
    }
}

/// Name and version: from `METADATA`, or else from the folder's name, where the name is normalized.
fn package(folder: &str, metadata: &str) -> Package {
    let stem = folder.strip_suffix(".dist-info").unwrap_or(folder);
    let (name, version) = stem.split_once('-').unwrap_or((stem, ""));
    Package {
        name: header(metadata, "Name").unwrap_or(name).to_owned(),
        version: header(metadata, "Version").unwrap_or(version).to_owned(),
    }
}

/// Resolves a path of a `RECORD` against the folder `root` of the bundle.
fn join(root: &str, path: &str) -> String {
    let mut parts: Vec<&str> = root.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Architecture;

    fn wheel(lines: &[&str]) -> Wheel {
        let lines: Vec<String> = lines.iter().map(|tag| format!("Tag: {tag}")).collect();
        let text = format!("Wheel-Version: 1.0\n{}\n\nTag: cp99-cp99-after_the_headers\n", lines.join("\n"));
        let info = DistInfo { wheel: Some(&text), ..DistInfo::default() };
        Wheels::read([("demo-1.0.dist-info", info)]).wheels.remove(0)
    }

    #[test]
    fn one_tag_of_several_is_enough_and_none_at_all_is_no_offence() {
        let target = Target::new("python3.11", Architecture::X86_64).unwrap();
        let some = ["cp311-cp311-manylinux_2_28_x86_64", "cp311-cp311-manylinux2014_x86_64"];
        assert!(wheel(&some).fits(target));
        assert!(wheel(&["cp311-cp311-manylinux_2_28_x86_64.manylinux2014_x86_64"]).fits(target));
        assert!(!wheel(&some[..1]).fits(target));
        assert!(wheel(&[]).fits(target));
        assert!(wheel(&["nonsense", "a-b-c-d"]).fits(target));
    }

    #[test]
    fn a_record_says_whose_a_file_is() {
        let record = "demo/__init__.py,sha256=x,1\n\"demo/a, \"\"b\"\".so\",,\n../../bin/demo,,\n";
        let metadata = "Metadata-Version: 2.1\nName: Demo.Package\nVersion: 1.0\n\nName: other\n";
        let info = DistInfo { record: Some(record), metadata: Some(metadata), wheel: None };
        let wheels = Wheels::read([("python/lib/demo_package-1.0.dist-info", info)]);
        assert_eq!(wheels.wheels[0].package.to_string(), "`Demo.Package` 1.0");
        assert_eq!(wheels.owner("python/lib/demo/__init__.py"), Some(0));
        assert_eq!(wheels.owner("python/lib/demo/a, \"b\".so"), Some(0));
        assert_eq!(wheels.owner("bin/demo"), Some(0));
        assert_eq!(wheels.owner("python/lib/other.py"), None);
    }

    #[test]
    fn a_folder_without_metadata_still_has_a_name() {
        assert_eq!(package("demo_package-1.0.dist-info", "").to_string(), "`demo_package` 1.0");
        assert_eq!(package("odd.dist-info", "").to_string(), "`odd`");
    }
}
