//! Tag: which Python, ABI and platform a wheel is for.
//!
//! Source: <https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/>.

use std::fmt;

use crate::target::Target;

/// The three parts of a wheel's compatibility tag (`cp313-cp313-manylinux_2_28_x86_64`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The Python, such as `cp313` or `py3`.
    pub python: String,
    /// The ABI, such as `cp313`, `abi3` or `none`.
    pub abi: String,
    /// The platform, such as `manylinux_2_28_x86_64` or `any`.
    pub platform: String,
}

/// The requirement of a platform tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Platform {
    /// Nothing.
    Any,
    /// The target's CPU only. A plain `linux_x86_64`, such as the tag of a wheel built on this machine, says
    /// no more: the ELF files decide.
    Cpu,
    /// The target's CPU, and at least this glibc.
    Glibc((u16, u16)),
    /// Another CPU, another system or another C library.
    Foreign,
}

impl Tag {
    /// The tags that a compressed set (`py2.py3-none-any`) stands for; none for a text that is not a tag.
    pub fn expand(text: &str) -> Vec<Self> {
        let mut tags = Vec::new();
        let [pythons, abis, platforms] = text.split('-').collect::<Vec<_>>()[..] else { return tags };
        for python in pythons.split('.') {
            for abi in abis.split('.') {
                for platform in platforms.split('.') {
                    tags.push(Self {
                        python: python.to_owned(),
                        abi: abi.to_owned(),
                        platform: platform.to_owned(),
                    });
                }
            }
        }
        tags
    }

    /// The tags in the name of a wheel's file.
    pub fn of_wheel(filename: &str) -> Vec<Self> {
        let stem = filename.strip_suffix(".whl").unwrap_or(filename);
        // Name, version and perhaps a build number stand before.
        let mut parts: Vec<&str> = stem.rsplitn(4, '-').take(3).collect();
        parts.reverse();
        Self::expand(&parts.join("-"))
    }

    /// Whether the target can take a wheel with this tag.
    pub fn fits(&self, target: Target) -> bool {
        self.fits_python(target)
            && match self.platform(target) {
                Platform::Any | Platform::Cpu => true,
                Platform::Glibc(needed) => needed <= target.system.glibc(),
                Platform::Foreign => false,
            }
    }

    /// Whether the target's Python can take a wheel with this tag. Unlike in `packaging.tags`, a wheel
    /// without an ABI may also name an older Python: nothing in it depends on the version.
    pub fn fits_python(&self, target: Target) -> bool {
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

    /// Whether it is for every platform.
    pub fn is_for_any_platform(&self) -> bool {
        self.platform == "any"
    }

    /// Whether it is for the target's CPU and C library, whatever their versions.
    pub fn fits_cpu(&self, target: Target) -> bool {
        self.platform(target) != Platform::Foreign
    }

    /// The glibc that it needs; `None` if it is not for the target's CPU, or names no glibc.
    pub fn glibc(&self, target: Target) -> Option<(u16, u16)> {
        match self.platform(target) {
            Platform::Glibc(needed) => Some(needed),
            Platform::Any | Platform::Cpu | Platform::Foreign => None,
        }
    }

    fn platform(&self, target: Target) -> Platform {
        if self.is_for_any_platform() {
            return Platform::Any;
        }
        let policy = self.platform.strip_suffix(target.architecture.machine());
        let Some(policy) = policy.and_then(|policy| policy.strip_suffix('_')) else {
            return Platform::Foreign;
        };
        match policy {
            "linux" => Platform::Cpu,
            // The old names: https://peps.python.org/pep-0600/#legacy-manylinux-tags
            "manylinux1" => Platform::Glibc((2, 5)),
            "manylinux2010" => Platform::Glibc((2, 12)),
            "manylinux2014" => Platform::Glibc((2, 17)),
            _ => policy
                .strip_prefix("manylinux_")
                .and_then(|version| version.split_once('_'))
                .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)))
                .map_or(Platform::Foreign, Platform::Glibc),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}-{}", self.python, self.abi, self.platform)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Architecture;

    fn fits(tag: &str, runtime: &str, architecture: Architecture) -> bool {
        let target = Target::new(runtime, architecture).unwrap();
        Tag::expand(tag).iter().any(|tag| tag.fits(target))
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
            assert!(fits(tag, "python3.13", Architecture::Arm64), "{tag}");
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
            assert!(!fits(tag, "python3.13", Architecture::Arm64), "{tag}");
        }
    }

    #[test]
    fn a_tag_fits_the_targets_platform() {
        for (platform, runtime, expected) in [
            ("any", "python3.11", true),
            ("manylinux1_x86_64", "python3.11", true),
            ("manylinux2010_x86_64", "python3.11", true),
            ("manylinux2014_x86_64", "python3.11", true),
            ("manylinux_2_26_x86_64", "python3.11", true),
            ("manylinux_2_28_x86_64", "python3.11", false),
            ("manylinux_2_28_x86_64", "python3.12", true),
            ("manylinux_2_34_x86_64", "python3.12", true),
            ("manylinux_2_35_x86_64", "python3.12", false),
            ("manylinux_2_17_aarch64", "python3.12", false),
            ("manylinux_2_17_i686", "python3.12", false),
            ("musllinux_1_2_x86_64", "python3.12", false),
            ("linux_x86_64", "python3.12", true),
            ("linux_aarch64", "python3.12", false),
            ("macosx_11_0_x86_64", "python3.12", false),
            ("win_amd64", "python3.12", false),
            ("manylinux_x86_64", "python3.12", false),
        ] {
            assert_eq!(
                fits(&format!("py3-none-{platform}"), runtime, Architecture::X86_64),
                expected,
                "{platform}"
            );
        }
    }

    #[test]
    fn the_name_of_a_wheel_ends_with_its_tags() {
        let tags = |name| Tag::of_wheel(name).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(tags("demo-1.0-py2.py3-none-any.whl"), ["py2-none-any", "py3-none-any"]);
        assert_eq!(tags("demo-1.0-1build-cp313-cp313-win_amd64.whl"), ["cp313-cp313-win_amd64"]);
    }
}
