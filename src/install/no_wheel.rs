//! Why a package has no wheel for the target, and what to do about it, from what the lock lists.

use std::fmt;

use crate::support::wording;
use crate::target::wheel_tag::Tag;
use crate::target::{System, Target};
use crate::workspace::lockfile::{Artifact, LockedPackage};

/// A package of the lock that would have to be compiled on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoWheel {
    package: String,
    target: Target,
    reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    /// There are no wheels at all, and building is not allowed.
    SourceOnly,
    /// There are no wheels at all, and the one that was built here is not pure Python.
    NotPure {
        /// The file name of the wheel.
        wheel: String,
        /// The first file in it that is machine code, and its format.
        native: Option<(String, &'static str)>,
    },
    /// None is for this CPU, or for this C library.
    OtherPlatforms,
    /// None is for this Python.
    OtherPythons(Vec<String>),
    /// Every one needs a newer glibc: this one or newer.
    NewerGlibc((u16, u16)),
    /// One fits, but uv has no name for a platform with this glibc.
    BetweenPlatforms((u16, u16)),
}

impl NoWheel {
    /// Looks for the reason among the packages of a lock. `requirement` is uv's name of the package, such as
    /// `numpy==2.4.1`.
    pub(super) fn new(requirement: &str, locked: &[LockedPackage], target: Target) -> Self {
        let (name, version) = requirement.split_once("==").unwrap_or((requirement, ""));
        let package = locked.iter().find(|package| {
            package.name == name && package.version.as_deref().unwrap_or_default() == version
        });
        let tags: Vec<Tag> = package
            .iter()
            .flat_map(|package| &package.wheels)
            .filter_map(Artifact::filename)
            .flat_map(Tag::of_wheel)
            .collect();
        Self {
            package: format!("`{name}` {version}").trim_end().to_owned(),
            target,
            reason: reason(&tags, target),
        }
    }

    /// A package whose wheel was built of its source, and is not pure Python. `native` is the first file in it that is machine code,
    /// and its format.
    pub(super) fn not_pure(
        package: String,
        target: Target,
        wheel: String,
        native: Option<(String, &'static str)>,
    ) -> Self {
        Self { package, target, reason: Reason::NotPure { wheel, native } }
    }
}

fn reason(tags: &[Tag], target: Target) -> Reason {
    if tags.is_empty() {
        return Reason::SourceOnly;
    }
    let for_cpu: Vec<&Tag> = tags.iter().filter(|tag| tag.fits_cpu(target)).collect();
    if for_cpu.is_empty() {
        return Reason::OtherPlatforms;
    }
    let glibc =
        for_cpu.iter().filter(|tag| tag.fits_python(target)).filter_map(|tag| tag.glibc(target)).min();
    match glibc {
        Some(glibc) if glibc <= target.system.glibc() => return Reason::BetweenPlatforms(glibc),
        Some(glibc) => return Reason::NewerGlibc(glibc),
        None => {}
    }
    let mut pythons: Vec<String> = Vec::new();
    for tag in for_cpu {
        if !pythons.contains(&tag.python) {
            pythons.push(tag.python.clone());
        }
    }
    Reason::OtherPythons(pythons)
}

impl fmt::Display for NoWheel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, target, reason } = self;
        let runtime = target.runtime_name();
        let (system, (major, minor)) = (target.system.name(), target.system.glibc());
        match reason {
            Reason::SourceOnly => write!(
                formatter,
                "{package} has no wheels, only its source, and the option `sourceBuilds` or `no-build` of uv forbids to build it here: allow it, choose another version or package, or build in a container"
            ),
            Reason::NotPure { wheel, native: Some((file, format)) } => write!(
                formatter,
                "{package} has no wheels, only its source, which is not pure Python and must be compiled for {target}: built here, its wheel `{wheel}` has `{file}`, a file of machine code ({format}); choose another version or package, or build in a container"
            ),
            Reason::NotPure { wheel, native: None } => write!(
                formatter,
                "{package} has no wheels, only its source, which must be built for {target}: built here, its wheel `{wheel}` is for one platform only, though it has no machine code; choose another version or package, or build in a container"
            ),
            Reason::OtherPlatforms => write!(
                formatter,
                "{package} has wheels, but none for Linux (glibc) on {}: choose another version or another architecture, or build in a container",
                target.architecture.machine()
            ),
            Reason::OtherPythons(pythons) => write!(
                formatter,
                "{package} has wheels for {}, but none for {runtime}: choose another version or another runtime, or build in a container",
                wording::list(pythons)
            ),
            Reason::BetweenPlatforms((needed_major, needed_minor)) => write!(
                formatter,
                "{package} has wheels for glibc {needed_major}.{needed_minor} or newer, which uv cannot choose for {runtime} (the next lower platform it knows is {}): choose the runtime python3.12 or newer, an older version, or build in a container",
                target.uv_platform()
            ),
            Reason::NewerGlibc((needed_major, needed_minor)) => {
                write!(
                    formatter,
                    "{package} has wheels for glibc {needed_major}.{needed_minor} or newer, but {runtime} on Lambda ({system}) has glibc {major}.{minor}: choose "
                )?;
                let newer = System::AmazonLinux2023;
                if target.system != newer && (*needed_major, *needed_minor) <= newer.glibc() {
                    write!(formatter, "the runtime python3.12 or newer, ")?;
                }
                write!(formatter, "an older version, or build in a container")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Architecture;

    fn message(wheels: &[&str], runtime: &str) -> String {
        let target = Target::new(runtime, Architecture::X86_64).unwrap();
        let files: Vec<String> =
            wheels.iter().map(|tag| format!("{{ path = 'demo-1.0-{tag}.whl' }}")).collect();
        let lock = format!(
            "version = 1\n[[package]]\nname = 'demo'\nversion = '1.0'\nsource = {{ registry = 'wheels' }}\nwheels = [{}]",
            files.join(",")
        );
        let lock = crate::workspace::lockfile::Lockfile::parse(&lock).unwrap();
        NoWheel::new("demo==1.0", lock.packages(), target).to_string()
    }

    #[test]
    fn each_reason_is_a_sentence_that_says_what_to_do() {
        begins(
            &message(&[], "python3.13"),
            "`demo` 1.0 has no wheels, only its source, and the option `sourceBuilds` or `no-build` of uv forbids to build it here: ",
        );
        begins(
            &message(&["cp313-cp313-macosx_11_0_arm64", "cp313-cp313-musllinux_1_2_x86_64"], "python3.13"),
            "`demo` 1.0 has wheels, but none for Linux (glibc) on x86_64: ",
        );
        begins(
            &message(&["cp311-cp311-manylinux2014_x86_64", "cp312-cp312-manylinux2014_x86_64"], "python3.13"),
            "`demo` 1.0 has wheels for `cp311` and `cp312`, but none for python3.13: ",
        );
        begins(
            &message(
                &["cp311-cp311-manylinux_2_28_x86_64.manylinux_2_27_x86_64", "cp312-cp312-win_amd64"],
                "python3.11",
            ),
            "`demo` 1.0 has wheels for glibc 2.27 or newer, but python3.11 on Lambda (Amazon Linux 2) has glibc 2.26: choose the runtime python3.12 or newer, an older version, or build in a container",
        );
        begins(
            &message(&["cp311-cp311-manylinux_2_24_x86_64"], "python3.11"),
            "`demo` 1.0 has wheels for glibc 2.24 or newer, which uv cannot choose for python3.11 (the next lower platform it knows is x86_64-manylinux_2_17): ",
        );
        begins(
            &message(&["cp312-cp312-manylinux_2_39_x86_64"], "python3.12"),
            "`demo` 1.0 has wheels for glibc 2.39 or newer, but python3.12 on Lambda (Amazon Linux 2023) has glibc 2.34: choose an older version",
        );
    }

    fn begins(message: &str, beginning: &str) {
        assert!(message.starts_with(beginning), "{message}");
    }
}
