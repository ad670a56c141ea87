//! What an installed wheel says of itself: its package, its files, and which Python, ABI and
//! platform it is for.

use std::collections::HashMap;

use super::Package;
use crate::target::Target;

/// The three parts of a wheel's compatibility tag (`cp313-cp313-manylinux_2_28_x86_64`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    python: String,
    abi: String,
    platform: String,
}

/// A wheel installed in the bundle, from its `.dist-info` folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wheel {
    /// What it is a wheel of.
    pub(super) package: Package,
    /// Its `WHEEL` file, or what would be.
    pub(super) path: String,
    /// What it is for; empty where it does not say.
    pub(super) tags: Vec<Tag>,
}

/// The texts of a `.dist-info` folder that matter here.
#[derive(Debug, Default)]
pub(super) struct DistInfo<'a> {
    /// `WHEEL`: the tags.
    pub(super) wheel: Option<&'a str>,
    /// `METADATA`: name and version.
    pub(super) metadata: Option<&'a str>,
    /// `RECORD`: the files.
    pub(super) record: Option<&'a str>,
}

/// Every wheel in the bundle, and whose each file is.
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
            for file in info.record.into_iter().flat_map(str::lines).map(recorded_path) {
                // The first to name a file keeps it: a second one is a vendored copy.
                all.owners.entry(join(root, &file)).or_insert(index);
            }
            all.wheels.push(Wheel {
                package: package(folder, info.metadata.unwrap_or_default()),
                path: format!("{path}/WHEEL"),
                tags: info.wheel.map(tags).unwrap_or_default(),
            });
        }
        all
    }

    /// The number of the wheel that a file came with; `None` for a file of the project itself.
    pub(super) fn owner(&self, file: &str) -> Option<usize> {
        self.owners.get(file).copied()
    }
}

impl Wheel {
    /// Whether the wheel claims to run on every platform.
    pub(super) fn is_for_any_platform(&self) -> bool {
        self.tags.iter().any(|tag| tag.platform == "any")
    }

    /// Whether the target can take the wheel. One that says nothing is taken.
    pub(super) fn fits(&self, target: Target) -> bool {
        self.tags.is_empty() || self.tags.iter().any(|tag| tag.fits(target))
    }
}

impl Tag {
    fn fits(&self, target: Target) -> bool {
        self.fits_python(target) && fits_platform(&self.platform, target)
    }

    /// Like `packaging.tags`, but a wheel without an ABI may also name an older Python: nothing in
    /// it depends on the version.
    fn fits_python(&self, target: Target) -> bool {
        let minor = target.python.minor;
        let not_newer = |prefix: &str| {
            self.python
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.parse::<u8>().is_ok_and(|wanted| wanted <= minor))
        };
        match self.abi.as_str() {
            "none" => not_newer("py3") || not_newer("cp3"),
            "abi3" => not_newer("cp3"),
            abi => abi == format!("cp3{minor}"),
        }
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}-{}", self.python, self.abi, self.platform)
    }
}

/// Whether a platform tag is one of the target's. A plain `linux_x86_64` promises nothing but the
/// CPU, as a wheel built on this machine does: its ELF files decide.
fn fits_platform(platform: &str, target: Target) -> bool {
    if platform == "any" {
        return true;
    }
    let Some(policy) =
        platform.strip_suffix(target.architecture.machine()).and_then(|it| it.strip_suffix('_'))
    else {
        return false;
    };
    let glibc = match policy {
        "linux" => return true,
        // The old names: https://peps.python.org/pep-0600/#legacy-manylinux-tags
        "manylinux1" => (2, 5),
        "manylinux2010" => (2, 12),
        "manylinux2014" => (2, 17),
        _ => {
            let version = policy.strip_prefix("manylinux_").and_then(|version| version.split_once('_'));
            let Some((major, minor)) = version else { return false };
            let (Ok(major), Ok(minor)) = (major.parse(), minor.parse()) else { return false };
            (major, minor)
        }
    };
    glibc <= target.system.glibc()
}

/// The tags of a `WHEEL` file. A line that is no tag is skipped; compressed sets
/// (`py2.py3-none-any`) should have been expanded, and are where they were not.
fn tags(wheel: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    for line in header(wheel, "Tag") {
        let [pythons, abis, platforms] = line.split('-').collect::<Vec<_>>()[..] else { continue };
        for python in pythons.split('.') {
            for abi in abis.split('.') {
                for platform in platforms.split('.') {
                    tags.push(Tag {
                        python: python.to_owned(),
                        abi: abi.to_owned(),
                        platform: platform.to_owned(),
                    });
                }
            }
        }
    }
    tags
}

/// Name and version: from `METADATA`, or else from the folder's name, where the name is normalized.
fn package(folder: &str, metadata: &str) -> Package {
    let stem = folder.strip_suffix(".dist-info").unwrap_or(folder);
    let (name, version) = stem.split_once('-').unwrap_or((stem, ""));
    Package {
        name: header(metadata, "Name").next().unwrap_or(name).to_owned(),
        version: header(metadata, "Version").next().unwrap_or(version).to_owned(),
    }
}

/// The values of a header in a text with headers, which end at the first empty line.
fn header<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .take_while(|line| !line.trim().is_empty())
        .filter_map(|line| line.split_once(':'))
        .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// The path in a line of `RECORD`: the first field of a CSV line.
fn recorded_path(line: &str) -> String {
    let Some(quoted) = line.strip_prefix('"') else {
        return line.split(',').next().unwrap_or_default().to_owned();
    };
    // In a quoted field, a doubled quote is a quote and a single one the end.
    let mut path = String::new();
    let mut characters = quoted.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '"' && characters.next_if_eq(&'"').is_none() {
            break;
        }
        path.push(character);
    }
    path
}

/// A recorded path, seen from the bundle's root.
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

    fn fits(tag: &str, python: &str, architecture: Architecture) -> bool {
        wheel(&[tag]).fits(Target::new(python, architecture).unwrap())
    }

    #[test]
    fn a_tag_fits_the_targets_python() {
        for tag in [
            "cp313-cp313-any",
            "cp313-none-any",
            "py3-none-any",
            "py313-none-any",
            "py2.py3-none-any",
            "cp39-abi3-any",
            "cp313-abi3-any",
            "cp32-abi3-any",
        ] {
            assert!(fits(tag, "3.13", Architecture::Arm64), "{tag}");
        }
        for tag in [
            "cp312-cp312-any",
            "cp313-cp313t-any",
            "cp314-abi3-any",
            "py314-none-any",
            "py2-none-any",
            "pp311-pypy311_pp73-any",
            "cp31-cp31-any",
        ] {
            assert!(!fits(tag, "3.13", Architecture::Arm64), "{tag}");
        }
    }

    #[test]
    fn a_tag_fits_the_targets_platform() {
        for (platform, python, expected) in [
            ("any", "3.11", true),
            ("manylinux1_x86_64", "3.11", true),
            ("manylinux2010_x86_64", "3.11", true),
            ("manylinux2014_x86_64", "3.11", true),
            ("manylinux_2_26_x86_64", "3.11", true),
            ("manylinux_2_28_x86_64", "3.11", false),
            ("manylinux_2_28_x86_64", "3.12", true),
            ("manylinux_2_34_x86_64", "3.12", true),
            ("manylinux_2_35_x86_64", "3.12", false),
            ("manylinux_2_17_aarch64", "3.12", false),
            ("manylinux_2_17_i686", "3.12", false),
            ("musllinux_1_2_x86_64", "3.12", false),
            ("linux_x86_64", "3.12", true),
            ("linux_aarch64", "3.12", false),
            ("macosx_11_0_x86_64", "3.12", false),
            ("win_amd64", "3.12", false),
            ("manylinux_x86_64", "3.12", false),
        ] {
            assert_eq!(
                fits(&format!("py3-none-{platform}"), python, Architecture::X86_64),
                expected,
                "{platform}"
            );
        }
    }

    #[test]
    fn one_tag_of_several_is_enough_and_none_at_all_is_no_offence() {
        let target = Target::new("3.11", Architecture::X86_64).unwrap();
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
