//! Lockfile: the fields of `uv.lock` that the pipeline needs. uv itself checks the whole file and installs from it.
//!
//! Source of the format: uv writes version 1; later revisions only add fields
//! (<https://docs.astral.sh/uv/concepts/resolution/#lockfile-versioning>).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::support::regular_file;
use pep508_rs::{ExtraName, MarkerEnvironment, MarkerTree};
use serde::{Deserialize, Deserializer};

/// The version of the format that this module reads.
pub(super) const FORMAT: u32 = 1;

/// A parsed `uv.lock`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Lockfile {
    pub(super) version: u32,
    /// The Pythons that every member of the workspace allows.
    pub requires_python: Option<String>,
    /// Sets of extras and groups of which at most one may be activated.
    #[serde(default)]
    pub conflicts: Vec<Vec<Activated>>,
    #[serde(default)]
    manifest: Manifest,
    #[serde(default, rename = "package")]
    packages: Vec<LockedPackage>,
    /// The positions in `packages` by name.
    #[serde(skip)]
    by_name: HashMap<String, Vec<usize>>,
}

#[derive(Debug, Default, Deserialize)]
struct Manifest {
    #[serde(default)]
    members: BTreeSet<String>,
    /// The requirements of a script.
    #[serde(default)]
    requirements: Vec<Requirement>,
}

/// A requirement of a script. Its version and source are in the locked package.
#[derive(Debug, Deserialize)]
struct Requirement {
    name: String,
    #[serde(default)]
    extras: Vec<String>,
    marker: Option<Marker>,
}

/// An environment marker. It is parsed once, when the lock is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The marker as the lock has it.
    pub text: String,
    /// `None` where this version of the parser cannot read the marker.
    tree: Option<MarkerTree>,
}

impl Marker {
    /// Whether the marker holds in an environment with these extras. A marker that cannot be read holds: uv wrote it, and
    /// uv decides what is installed.
    pub fn holds(&self, environment: &MarkerEnvironment, extras: &[ExtraName]) -> bool {
        self.tree.as_ref().is_none_or(|tree| tree.evaluate(environment, extras))
    }
}

impl<'de> Deserialize<'de> for Marker {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self { tree: MarkerTree::from_str(&text).ok(), text })
    }
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
    /// Where the lock has several versions: the environments that this one is for.
    #[serde(default)]
    resolution_markers: Vec<Marker>,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Vec<Dependency>>,
    /// The dependency groups, under the older name that uv has for them here.
    #[serde(default)]
    dev_dependencies: BTreeMap<String, Vec<Dependency>>,
    #[serde(default)]
    metadata: Metadata,
    /// The wheels that the lock lists.
    #[serde(default)]
    pub wheels: Vec<Artifact>,
    /// The archive of its source.
    #[serde(default, rename = "sdist")]
    pub archive: Option<Artifact>,
}

/// The extras and groups that the manifest of a package declares, also the empty ones.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Metadata {
    #[serde(default)]
    provides_extras: BTreeSet<String>,
    #[serde(default)]
    requires_dev: BTreeMap<String, toml::Value>,
}

/// A package, or an extra or a dependency group of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub struct Activated {
    /// The package.
    pub package: String,
    /// The extra.
    pub extra: Option<String>,
    /// The dependency group.
    pub group: Option<String>,
}

impl Activated {
    /// The name of this in markers. Where extras and groups conflict, uv writes each as an extra of this name. The length of
    /// the package's name makes the hyphens unambiguous (`encode_package_extra` in `uv-resolver`).
    pub fn name_in_markers(&self) -> String {
        let Self { package, extra, group } = self;
        let length = package.len();
        match (extra, group) {
            (Some(extra), _) => format!("extra-{length}-{package}-{extra}"),
            (None, Some(group)) => format!("group-{length}-{package}-{group}"),
            (None, None) => format!("project-{length}-{package}"),
        }
    }
}

/// Where a locked package comes from. Paths are relative to the folder of the lock.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "SourceFields")]
pub enum Source {
    /// An index: its address, or the path of a flat one.
    Registry(String),
    /// A git repository.
    Git(String),
    /// An archive's address, with the folder of the project in it, if the lock has one (`#subdirectory=...`).
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

/// A source as it stands in the lock: one of the kinds, and perhaps a folder.
#[derive(Deserialize)]
struct SourceFields {
    registry: Option<String>,
    git: Option<String>,
    url: Option<String>,
    path: Option<String>,
    directory: Option<String>,
    editable: Option<String>,
    r#virtual: Option<String>,
    subdirectory: Option<String>,
}

impl TryFrom<SourceFields> for Source {
    type Error = &'static str;

    fn try_from(fields: SourceFields) -> Result<Self, Self::Error> {
        let SourceFields { registry, git, url, path, directory, editable, r#virtual, subdirectory } = fields;
        let url = url.map(|url| match subdirectory {
            Some(folder) => format!("{url}#subdirectory={folder}"),
            None => url,
        });
        let kinds = [
            registry.map(Self::Registry),
            git.map(Self::Git),
            url.map(Self::Url),
            path.map(Self::Path),
            directory.map(Self::Directory),
            editable.map(Self::Editable),
            r#virtual.map(Self::Virtual),
        ];
        kinds.into_iter().flatten().next().ok_or("the source of a package is of no known kind")
    }
}

/// A wheel or an archive of sources in the lock, found by its address or its path.
#[derive(Debug, Deserialize)]
pub struct Artifact {
    url: Option<String>,
    path: Option<String>,
    filename: Option<String>,
    hash: Option<String>,
}

impl Artifact {
    /// The digest in the lock. The lock has none for a file on this machine: that file is read and digested. `None` if that
    /// fails.
    pub fn digest(&self, root: &Path, source: &Source) -> Option<String> {
        if let Some(hash) = &self.hash {
            return Some(hash.clone());
        }
        let digest = regular_file::digest(&self.undigested_file(root, source)?).ok()?;
        Some(format!("sha256:{digest}"))
    }

    /// The file on this machine whose digest the lock does not have.
    pub fn undigested_file(&self, root: &Path, source: &Source) -> Option<PathBuf> {
        let path = self.path.as_ref().filter(|_| self.hash.is_none())?;
        let folder = match source {
            Source::Registry(folder) if !folder.contains("://") => root.join(folder),
            _ => root.to_path_buf(),
        };
        Some(folder.join(path))
    }

    /// Where it is.
    pub fn place(&self, root: &Path, source: &Source) -> Option<Place> {
        if let Some(address) = &self.url {
            return Some(Place::Address(address.clone()));
        }
        let label = match (source, &self.path) {
            (Source::Url(address), _) => return Some(Place::Address(address.clone())),
            (Source::Path(path), _) => path.clone(),
            (Source::Registry(folder), Some(path)) if !folder.contains("://") => format!("{folder}/{path}"),
            (_, path) => path.clone()?,
        };
        Some(Place::File { path: root.join(&label), label })
    }

    /// The file name. That of a wheel has its tags.
    pub fn filename(&self) -> Option<&str> {
        let location = self.filename.as_deref().or(self.path.as_deref()).or(self.url.as_deref())?;
        location.rsplit('/').next()
    }
}

/// Where an artifact is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// At an address.
    Address(String),
    /// On this machine.
    File {
        /// Where it lies.
        path: PathBuf,
        /// Its path as the lock has it.
        label: String,
    },
}

/// A dependency of a package on another one.
#[derive(Debug, Deserialize)]
pub struct Dependency {
    /// The normalised name of the other package.
    pub name: String,
    version: Option<String>,
    source: Option<Source>,
    /// The extras of the other package.
    #[serde(default)]
    pub extra: Vec<String>,
    /// Where the dependency applies; everywhere where absent.
    pub marker: Option<Marker>,
}

/// The part of a package that a dependency belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section<'a> {
    /// The package itself.
    Itself,
    /// One of its extras.
    Extra(&'a str),
    /// One of its dependency groups.
    Group(&'a str),
}

impl Lockfile {
    /// Parses the text of a lock.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let lock: Self = toml::from_str(text)?;
        Ok(lock.indexed())
    }

    fn indexed(mut self) -> Self {
        self.by_name.clear();
        for (position, package) in self.packages.iter().enumerate() {
            self.by_name.entry(package.name.clone()).or_default().push(position);
        }
        self
    }

    /// The first package of a name.
    pub fn package(&self, name: &str) -> Option<&LockedPackage> {
        self.named(name).next()
    }

    /// The packages of a name. There are several where the lock has several versions.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &LockedPackage> {
        let positions = self.by_name.get(name).into_iter().flatten();
        positions.filter_map(|position| self.packages.get(*position))
    }

    /// Every package of the lock.
    pub fn packages(&self) -> &[LockedPackage] {
        &self.packages
    }

    /// The same lock with a package for its script. The script is then the only member: a package without a build system
    /// whose dependencies are those of the script.
    #[must_use]
    pub fn with_script(mut self, name: &str) -> Self {
        let requirements = std::mem::take(&mut self.manifest.requirements).into_iter();
        let dependencies = requirements.map(|requirement| Dependency {
            name: requirement.name,
            version: None,
            source: None,
            extra: requirement.extras,
            marker: requirement.marker,
        });
        let script = LockedPackage {
            name: name.to_owned(),
            // A script has no version, but a bundle names one for each package.
            version: Some("0".to_owned()),
            source: Source::Virtual(".".to_owned()),
            resolution_markers: Vec::new(),
            dependencies: dependencies.collect(),
            optional_dependencies: BTreeMap::new(),
            dev_dependencies: BTreeMap::new(),
            metadata: Metadata::default(),
            wheels: Vec::new(),
            archive: None,
        };
        self.manifest.members = BTreeSet::from([name.to_owned()]);
        self.packages.insert(0, script);
        self.indexed()
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
}

impl std::fmt::Display for Activated {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { package, extra, group } = self;
        match (extra, group) {
            (Some(extra), _) => write!(formatter, "{package}[{extra}]"),
            (None, Some(group)) => write!(formatter, "{package}:{group}"),
            (None, None) => formatter.write_str(package),
        }
    }
}

impl LockedPackage {
    /// The dependencies of a section of the package.
    pub fn dependencies_of(&self, section: Section<'_>) -> &[Dependency] {
        let listed = match section {
            Section::Itself => Some(&self.dependencies),
            Section::Extra(extra) => self.optional_dependencies.get(extra),
            Section::Group(group) => self.dev_dependencies.get(group),
        };
        listed.map_or(&[][..], Vec::as_slice)
    }

    /// Whether the lock has this version of the package for an environment.
    pub fn is_for(&self, environment: &MarkerEnvironment) -> bool {
        let markers = &self.resolution_markers;
        markers.is_empty() || markers.iter().any(|marker| marker.holds(environment, &[]))
    }

    /// The names of its extras.
    pub fn extras(&self) -> BTreeSet<&str> {
        let with_dependencies = self.optional_dependencies.keys();
        with_dependencies.chain(&self.metadata.provides_extras).map(String::as_str).collect()
    }

    /// The names of its dependency groups.
    pub fn groups(&self) -> BTreeSet<&str> {
        let with_dependencies = self.dev_dependencies.keys();
        with_dependencies.chain(self.metadata.requires_dev.keys()).map(String::as_str).collect()
    }

    /// The folder, relative to the lock, where the package's sources lie on this machine; `None`
    /// for a package that comes from elsewhere.
    pub fn local_folder(&self) -> Option<&str> {
        match &self.source {
            Source::Directory(folder) | Source::Editable(folder) | Source::Virtual(folder) => Some(folder),
            Source::Registry(_) | Source::Git(_) | Source::Url(_) | Source::Path(_) => None,
        }
    }

    /// Whether this is a package of others that has no wheel in the lock, so that somebody has to build it.
    pub fn is_source_only(&self) -> bool {
        self.local_folder().is_none() && self.wheels.is_empty()
    }
}

impl Dependency {
    /// Whether this is a dependency on `package`. The lock adds version and source only where the name is ambiguous.
    pub fn names(&self, package: &LockedPackage) -> bool {
        self.name == package.name
            && self.version.as_ref().is_none_or(|version| package.version.as_ref() == Some(version))
            && self.source.as_ref().is_none_or(|source| package.source == *source)
    }

    /// Whether the dependency applies in an environment with these packages, extras and groups activated.
    pub fn applies(&self, environment: &MarkerEnvironment, activated: &[Activated]) -> bool {
        let Some(marker) = &self.marker else { return true };
        let extras: Vec<ExtraName> =
            activated.iter().filter_map(|one| ExtraName::new(one.name_in_markers()).ok()).collect();
        marker.holds(environment, &extras)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Parses a lock that a test wrote.
    pub(crate) fn lock(text: &str) -> Lockfile {
        Lockfile::parse(text).unwrap()
    }

    #[test]
    fn members_are_those_of_the_manifest() {
        let lock = lock(
            "version = 1\n[manifest]\nmembers = ['app', 'library']\n[[package]]\nname = 'app'\nsource = { virtual = 'apps/app' }\n[[package]]\nname = 'library'\nsource = { editable = 'library' }\n[[package]]\nname = 'other'\nsource = { directory = '../other' }",
        );
        let names: Vec<&str> = lock.members().iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["app", "library"]);
    }

    #[test]
    fn a_project_that_stands_alone_is_its_only_member() {
        let lock = lock(
            "version = 1\n[[package]]\nname = 'alone'\nsource = { virtual = '.' }\n[[package]]\nname = 'other'\nsource = { directory = '../other' }",
        );
        assert_eq!(lock.members().len(), 1);
        assert_eq!(lock.members()[0].name, "alone");
    }

    #[test]
    fn an_archive_may_have_the_project_in_a_folder() {
        let lock = lock(
            "version = 1\n[[package]]\nname = 'a'\nsource = { url = 'https://a.test/a.zip', subdirectory = 'b' }",
        );
        assert_eq!(lock.packages()[0].source, Source::Url("https://a.test/a.zip#subdirectory=b".to_owned()));
    }

    #[test]
    fn a_wheel_is_named_by_its_file() {
        let lock = lock(
            "version = 1\n[[package]]\nname = 'a'\nsource = { path = 'a' }\nwheels = [{ filename = 'a-1-py3-none-any.whl' }, { url = 'https://example.com/w/b-2.0-py3-none-any.whl' }]",
        );
        let names: Vec<_> =
            lock.packages().iter().flat_map(|package| &package.wheels).map(Artifact::filename).collect();
        assert_eq!(names, [Some("a-1-py3-none-any.whl"), Some("b-2.0-py3-none-any.whl")]);
    }

    #[test]
    fn extras_and_groups_are_known_even_where_they_are_empty() {
        let lock = lock(
            "version = 1\n[[package]]\nname = 'app'\nsource = { virtual = '.' }\n[package.optional-dependencies]\none = [{ name = 'x' }]\n[package.dev-dependencies]\nbase = [{ name = 'y' }]\n[package.metadata]\nprovides-extras = ['empty', 'one']\n[package.metadata.requires-dev]\nnothing = []",
        );
        let app = lock.package("app").unwrap();
        assert_eq!(Vec::from_iter(app.extras()), ["empty", "one"]);
        assert_eq!(Vec::from_iter(app.groups()), ["base", "nothing"]);
    }
}
