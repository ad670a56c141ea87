//! Target: the Lambda runtime that a bundle is for, and the table of facts about all runtimes.
//!
//! Source of the table: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html>; the
//! glibc versions are those of Amazon Linux 2 (2.26) and Amazon Linux 2023 (2.34).

mod bundle_kind;
mod pinned_python;
pub mod support_dates;
pub mod wheel_tag;

pub use bundle_kind::BundleKind;
pub use pinned_python::pinned_python;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A Python minor version, such as 3.13.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PythonVersion {
    /// The 3 in 3.13.
    pub major: u8,
    /// The 13 in 3.13.
    pub minor: u8,
}

impl PythonVersion {
    /// Lambda's name of the runtime with this Python, such as `python3.13`.
    pub fn runtime_name(self) -> String {
        format!("python{self}")
    }

    /// The minor version of a full version, such as 3.13 of `3.13.5`; `None` if the text does not begin with two numbers.
    pub fn of_full(version: &str) -> Option<Self> {
        let mut numbers = version.split('.').map(str::parse);
        let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else { return None };
        Some(Self { major, minor })
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

/// A CPU that Lambda runs on, by Lambda's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Architecture {
    /// 64-bit Intel and AMD.
    X86_64,
    /// 64-bit Arm (Graviton).
    Arm64,
}

impl Architecture {
    /// Every architecture, in the order messages list them.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Arm64];

    /// Lambda's name, as in a CDK `Architecture`: `x86_64` or `arm64`.
    pub const fn lambda_name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// The kernel's name, as in wheel tags and `platform_machine`: `x86_64` or `aarch64`.
    pub const fn machine(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }
}

impl FromStr for Architecture {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|architecture| architecture.lambda_name() == name).ok_or(())
    }
}

/// The operating system under a Lambda runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Amazon Linux 2, glibc 2.26.
    AmazonLinux2,
    /// Amazon Linux 2023, glibc 2.34.
    AmazonLinux2023,
}

impl System {
    /// The name AWS gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AmazonLinux2 => "Amazon Linux 2",
            Self::AmazonLinux2023 => "Amazon Linux 2023",
        }
    }

    /// Its glibc, as (major, minor).
    pub const fn glibc(self) -> (u16, u16) {
        match self {
            Self::AmazonLinux2 => (2, 26),
            Self::AmazonLinux2023 => (2, 34),
        }
    }

    /// The newest manylinux policy it satisfies among those that uv has a name for: uv knows no
    /// policy between `manylinux_2_17` and `manylinux_2_28`.
    const fn manylinux(self) -> &'static str {
        match self {
            Self::AmazonLinux2 => "manylinux_2_17",
            Self::AmazonLinux2023 => "manylinux_2_34",
        }
    }
}

/// The Python versions Lambda has (or, for 3.15, has announced in the CDK), with their systems.
const RUNTIMES: [(u8, System); 7] = [
    (9, System::AmazonLinux2),
    (10, System::AmazonLinux2),
    (11, System::AmazonLinux2),
    (12, System::AmazonLinux2023),
    (13, System::AmazonLinux2023),
    (14, System::AmazonLinux2023),
    (15, System::AmazonLinux2023),
];

/// The first Python that Lambda has not released: no message suggests it.
const FIRST_PREVIEW: u8 = 15;

/// A Lambda runtime on a CPU: everything about where the bundle will run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The runtime's Python.
    pub python: PythonVersion,
    /// The function's CPU.
    pub architecture: Architecture,
    /// The runtime's operating system.
    pub system: System,
}

impl Target {
    /// The target for Lambda's name of a runtime, such as `python3.13`; `None` where Lambda has no such runtime.
    pub fn new(runtime: &str, architecture: Architecture) -> Option<Self> {
        let minor: u8 = runtime.strip_prefix("python3.")?.parse().ok()?;
        let (_, system) = RUNTIMES.into_iter().find(|(known, _)| *known == minor)?;
        let python = PythonVersion { major: 3, minor };
        // A spelling such as `python3.013` parses, but is not a name of the runtime.
        (python.runtime_name() == runtime).then_some(Self { python, architecture, system })
    }

    /// The target for a Python that Lambda has.
    pub fn of(python: PythonVersion, architecture: Architecture) -> Self {
        let system = RUNTIMES.into_iter().find(|(minor, _)| *minor == python.minor);
        let system = system.map_or(System::AmazonLinux2023, |(_, system)| system);
        Self { python, architecture, system }
    }

    /// The names of all runtimes, previews included, the oldest first.
    pub fn runtime_names() -> Vec<String> {
        Self::pythons().map(PythonVersion::runtime_name).collect()
    }

    /// The Pythons of all runtimes, previews included, the oldest first.
    pub fn pythons() -> impl Iterator<Item = PythonVersion> {
        RUNTIMES.iter().map(|(minor, _)| PythonVersion { major: 3, minor: *minor })
    }

    /// The Pythons of the runtimes that Lambda has released, the oldest first.
    pub fn released() -> impl Iterator<Item = PythonVersion> {
        Self::pythons().filter(|python| python.minor < FIRST_PREVIEW)
    }

    /// Lambda's name of the runtime, such as `python3.13`.
    pub fn runtime_name(self) -> String {
        self.python.runtime_name()
    }

    /// uv's name of this platform (`uv sync --python-platform`).
    pub fn uv_platform(self) -> String {
        format!("{}-{}", self.architecture.machine(), self.system.manylinux())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} on {}", self.runtime_name(), self.architecture.lambda_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_found_by_its_name() {
        let target = Target::new("python3.13", Architecture::Arm64).unwrap();
        assert_eq!(target.runtime_name(), "python3.13");
        assert_eq!(target.uv_platform(), "aarch64-manylinux_2_34");
        assert_eq!(target.to_string(), "python3.13 on arm64");
    }

    #[test]
    fn old_runtimes_take_only_wheels_for_an_old_glibc() {
        let target = Target::new("python3.11", Architecture::X86_64).unwrap();
        assert_eq!(target.system.glibc(), (2, 26));
        assert_eq!(target.uv_platform(), "x86_64-manylinux_2_17");
    }

    #[test]
    fn runtimes_that_lambda_lacks_are_refused() {
        for name in
            ["python3.8", "python3.16", "python2.7", "python3", "python3.013", "python3.13.1", "3.13", ""]
        {
            assert_eq!(Target::new(name, Architecture::X86_64), None, "{name}");
        }
    }
}
