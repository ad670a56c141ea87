//! What `uv.lock` says. Only the fields the pipeline asks about are read; uv itself checks and
//! installs from the whole.
//!
//! Source of the format: uv writes it, version 1; later revisions only add fields
//! (<https://docs.astral.sh/uv/concepts/resolution/#lockfile-versioning>).

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::path::Path;
use std::str::FromStr;

use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder, MarkerTree};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::target::Target;
use crate::text;

/// The format version this module reads.
pub(super) const FORMAT: u32 = 1;

/// A parsed `uv.lock`.
#[derive(Debug, Deserialize)]
pub struct Lock {
    pub(super) version: u32,
    #[serde(default)]
    manifest: Manifest,
    #[serde(default, rename = "package")]
    packages: Vec<LockedPackage>,
}

#[derive(Debug, Default, Deserialize)]
struct Manifest {
    #[serde(default)]
    members: BTreeSet<String>,
}

/// One `[[package]]` of the lock.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LockedPackage {
    /// The normalised name.
    pub name: String,
    /// The version; absent where the project computes it (`dynamic`).
    pub version: Option<String>,
    /// Where it comes from.
    pub source: Source,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Vec<Dependency>>,
    /// The wheels that the lock lists.
    #[serde(default)]
    pub wheels: Vec<Artifact>,
}

/// Where a locked package comes from. Paths are relative to the folder of the lock.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// An index: its address, or the path of a flat one.
    Registry(String),
    /// A git repository.
    Git(String),
    /// An archive's address.
    Url(String),
    /// An archive's path.
    Path(String),
    /// A project's folder, installed as a copy.
    Directory(String),
    /// A project's folder, installed in place by `uv sync`.
    Editable(String),
    /// A project's folder without a build system: its dependencies are installed, not itself.
    Virtual(String),
}

/// A wheel in the lock, found by its address or its path.
#[derive(Debug, Deserialize)]
pub struct Artifact {
    url: Option<String>,
    path: Option<String>,
    filename: Option<String>,
    hash: Option<String>,
}

impl Artifact {
    /// A digest of the file: the one in the lock or, where it has none since the file lies on this machine, one of what lies
    /// there.
    pub fn digest(&self, root: &Path, source: &Source) -> Option<String> {
        if let Some(hash) = &self.hash {
            return Some(hash.clone());
        }
        let folder = match source {
            Source::Registry(folder) if !folder.contains("://") => root.join(folder),
            _ => root.to_path_buf(),
        };
        let contents = fs_err::read(folder.join(self.path.as_ref()?)).ok()?;
        Some(format!("sha256:{}", text::hex(&Sha256::digest(contents))))
    }

    /// The file's name, which for a wheel says what it runs on.
    pub fn filename(&self) -> Option<&str> {
        let location = self.filename.as_deref().or(self.path.as_deref()).or(self.url.as_deref())?;
        location.rsplit('/').next()
    }
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    version: Option<String>,
    source: Option<Source>,
    #[serde(default)]
    extra: Vec<String>,
    marker: Option<String>,
}

impl Lock {
    /// The package of a name, where the lock holds exactly such a one.
    pub fn package(&self, name: &str) -> Option<&LockedPackage> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// Every package of the lock.
    pub fn packages(&self) -> &[LockedPackage] {
        &self.packages
    }

    /// The members of the workspace: those the manifest lists or, for a project that stands alone,
    /// the project itself.
    pub fn members(&self) -> Vec<&LockedPackage> {
        self.packages
            .iter()
            .filter(|package| {
                package.local_folder().is_some_and(|folder| {
                    if self.manifest.members.is_empty() {
                        folder == "."
                    } else {
                        self.manifest.members.contains(&package.name)
                    }
                })
            })
            .collect()
    }

    /// The packages that `member` needs on `target`, itself first: a walk over the dependencies
    /// whose markers hold there.
    pub fn reach<'a>(
        &'a self,
        member: &'a LockedPackage,
        environment: &MarkerEnvironment,
    ) -> Vec<&'a LockedPackage> {
        let mut seen: HashSet<(*const LockedPackage, Option<&str>)> = HashSet::new();
        let mut reached: Vec<&LockedPackage> = Vec::new();
        let mut queue: VecDeque<(&LockedPackage, Option<&str>)> = VecDeque::from([(member, None)]);
        while let Some((package, extra)) = queue.pop_front() {
            if !seen.insert((std::ptr::from_ref(package), extra)) {
                continue;
            }
            if !reached.iter().any(|known| std::ptr::eq(*known, package)) {
                reached.push(package);
            }
            let dependencies = match extra {
                None => package.dependencies.as_slice(),
                Some(extra) => package.optional_dependencies.get(extra).map_or(&[][..], Vec::as_slice),
            };
            for dependency in dependencies.iter().filter(|dependency| dependency.applies(environment)) {
                for package in self.packages.iter().filter(|package| dependency.names(package)) {
                    queue.push_back((package, None));
                    queue.extend(dependency.extra.iter().map(|extra| (package, Some(extra.as_str()))));
                }
            }
        }
        reached
    }
}

impl LockedPackage {
    /// The folder, relative to the lock, where the package's sources lie on this machine; `None`
    /// for a package that comes from elsewhere.
    pub fn local_folder(&self) -> Option<&str> {
        match &self.source {
            Source::Directory(folder) | Source::Editable(folder) | Source::Virtual(folder) => Some(folder),
            Source::Registry(_) | Source::Git(_) | Source::Url(_) | Source::Path(_) => None,
        }
    }
}

impl Dependency {
    /// Whether this is a dependency on `package`. The lock adds version and source only where the
    /// name alone would not tell.
    fn names(&self, package: &LockedPackage) -> bool {
        self.name == package.name
            && self.version.as_ref().is_none_or(|version| package.version.as_ref() == Some(version))
            && self.source.as_ref().is_none_or(|source| package.source == *source)
    }

    fn applies(&self, environment: &MarkerEnvironment) -> bool {
        let Some(marker) = &self.marker else { return true };
        // uv wrote the marker; one that this version of the parser cannot read may apply.
        MarkerTree::from_str(marker).is_ok_and(|marker| marker.evaluate(environment, &[]))
    }
}

/// The values that environment markers have in Lambda: those of the target, not of this machine.
/// What depends on Lambda's kernel (`platform_release`, `platform_version`) is empty, as it is for
/// uv when it installs for another platform. `None` where `python_full_version` is no version.
pub fn marker_environment(target: Target, python_full_version: &str) -> Option<MarkerEnvironment> {
    MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
        implementation_name: "cpython",
        implementation_version: python_full_version,
        os_name: "posix",
        platform_machine: target.architecture.machine(),
        platform_python_implementation: "CPython",
        platform_release: "",
        platform_system: "Linux",
        platform_version: "",
        python_full_version,
        python_version: &target.python.to_string(),
        sys_platform: "linux",
    })
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Architecture;

    const LOCK: &str = r#"
        version = 1
        revision = 3

        [manifest]
        members = ["app", "library"]

        [[package]]
        name = "app"
        version = "1.0"
        source = { virtual = "apps/app" }
        dependencies = [
            { name = "library", extra = ["fast"] },
            { name = "windows-only", marker = "sys_platform == 'win32'" },
            { name = "split", version = "2.0", source = { registry = "https://example.com" }, marker = "python_full_version >= '3.12'" },
            { name = "split", version = "1.0", source = { registry = "https://example.com" }, marker = "python_full_version < '3.12'" },
        ]

        [package.dev-dependencies]
        dev = [{ name = "windows-only" }]

        [[package]]
        name = "library"
        source = { editable = "libraries/library" }

        [package.optional-dependencies]
        fast = [{ name = "accelerator" }]
        slow = [{ name = "windows-only" }]

        [[package]]
        name = "accelerator"
        version = "3"
        source = { directory = "../accelerator" }
        dependencies = [{ name = "library" }]

        [[package]]
        name = "windows-only"
        version = "1"
        source = { path = "wheels/windows_only-1-py3-none-any.whl" }
        wheels = [{ filename = "windows_only-1-py3-none-any.whl", hash = "sha256:00" }]

        [[package]]
        name = "split"
        version = "1.0"
        source = { registry = "https://example.com" }

        [[package]]
        name = "split"
        version = "2.0"
        source = { registry = "https://example.com" }
        wheels = [{ url = "https://example.com/w/split-2.0-py3-none-any.whl", hash = "sha256:00" }]
    "#;

    fn lock() -> Lock {
        toml::from_str(LOCK).unwrap()
    }

    #[test]
    fn members_are_those_of_the_manifest() {
        let lock = lock();
        let names: Vec<&str> = lock.members().iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["app", "library"]);
    }

    #[test]
    fn a_project_that_stands_alone_is_its_only_member() {
        let lock: Lock = toml::from_str(
            "version = 1\n[[package]]\nname = 'alone'\nsource = { virtual = '.' }\n[[package]]\nname = 'other'\nsource = { directory = '../other' }",
        )
        .unwrap();
        assert_eq!(lock.members().len(), 1);
        assert_eq!(lock.members()[0].name, "alone");
    }

    #[test]
    fn the_walk_follows_extras_and_markers_and_circles_but_no_groups() {
        let lock = lock();
        let target = Target::new("3.13", Architecture::X86_64).unwrap();
        let environment = marker_environment(target, "3.13.5").unwrap();
        let reached: Vec<String> = lock
            .reach(lock.package("app").unwrap(), &environment)
            .iter()
            .map(|package| format!("{} {}", package.name, package.version.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(reached, ["app 1.0", "library -", "split 2.0", "accelerator 3"]);
    }

    #[test]
    fn a_wheel_is_named_by_its_file() {
        let lock = lock();
        let names: Vec<_> =
            lock.packages().iter().flat_map(|package| &package.wheels).map(Artifact::filename).collect();
        assert_eq!(names, [Some("windows_only-1-py3-none-any.whl"), Some("split-2.0-py3-none-any.whl")]);
    }
}
