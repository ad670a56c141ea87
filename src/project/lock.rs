//! What `uv.lock` says. Only the fields the pipeline asks about are read; uv itself checks and
//! installs from the whole.
//!
//! Source of the format: uv writes it, version 1; later revisions only add fields
//! (<https://docs.astral.sh/uv/concepts/resolution/#lockfile-versioning>).

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::path::Path;
use std::str::FromStr;

use pep508_rs::{ExtraName, MarkerEnvironment, MarkerEnvironmentBuilder, MarkerTree};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::support::wording;
use crate::target::Target;

/// The format version this module reads.
pub(super) const FORMAT: u32 = 1;

/// A parsed `uv.lock`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Lock {
    pub(super) version: u32,
    /// The Pythons that every member of the workspace allows.
    pub(super) requires_python: Option<String>,
    /// Sets of extras and groups of which at most one may be asked for.
    #[serde(default)]
    conflicts: Vec<Vec<Activated>>,
    #[serde(default)]
    manifest: Manifest,
    #[serde(default, rename = "package")]
    packages: Vec<LockedPackage>,
}

#[derive(Debug, Default, Deserialize)]
struct Manifest {
    #[serde(default)]
    members: BTreeSet<String>,
    /// What a script asks for.
    #[serde(default)]
    requirements: Vec<Requirement>,
}

/// What a script asks for. Version and source are those that were locked.
#[derive(Debug, Deserialize)]
struct Requirement {
    name: String,
    #[serde(default)]
    extras: Vec<String>,
    marker: Option<String>,
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
    resolution_markers: Vec<String>,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Vec<Dependency>>,
    /// The dependency groups: uv's name for them here is older than they are.
    #[serde(default)]
    dev_dependencies: BTreeMap<String, Vec<Dependency>>,
    #[serde(default)]
    metadata: Metadata,
    /// The wheels that the lock lists.
    #[serde(default)]
    pub wheels: Vec<Artifact>,
}

/// What the manifest of a package says. Extras and groups are listed here even where they are empty.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Metadata {
    #[serde(default)]
    provides_extras: BTreeSet<String>,
    #[serde(default)]
    requires_dev: BTreeMap<String, toml::Value>,
}

/// A package, or an extra or a group of it, that a bundle is made with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub struct Activated {
    /// The package.
    pub package: String,
    extra: Option<String>,
    group: Option<String>,
}

impl Activated {
    /// What it is called in markers. uv writes it as an extra of this name, where extras and groups conflict; the
    /// number keeps apart what the hyphens would not (`encode_package_extra` in `uv-resolver`).
    fn in_markers(&self) -> String {
        let Self { package, extra, group } = self;
        let length = package.len();
        match (extra, group) {
            (Some(extra), _) => format!("extra-{length}-{package}-{extra}"),
            (None, Some(group)) => format!("group-{length}-{package}-{group}"),
            (None, None) => format!("project-{length}-{package}"),
        }
    }
}

/// What a member is bundled with, by normalised names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish<'a> {
    /// Its extras.
    pub extras: &'a [String],
    /// Its dependency groups.
    pub groups: &'a [String],
    /// The packages that the walk does not enter.
    pub without: &'a [String],
}

/// A part of a package that has dependencies of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part<'a> {
    Itself,
    Extra(&'a str),
    Group(&'a str),
}

/// A place that the walk comes to.
#[derive(Debug, Clone, Copy)]
struct Step<'a> {
    package: &'a LockedPackage,
    part: Part<'a>,
    /// The step before, by its number: that with the dependency that leads here.
    from: Option<usize>,
    /// The marker of that dependency, where it does not hold.
    marker: Option<&'a str>,
}

/// How the walk takes markers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Markers {
    /// It enters where they hold.
    Decide,
    /// It enters where they hold, and what it comes across is activated.
    DecideAndGather,
    /// It enters everywhere.
    AreNoted,
}

/// The shortest way from a member to a package that it needs.
#[derive(Debug)]
pub struct Way<'a> {
    /// The package.
    pub package: &'a LockedPackage,
    /// What leads to it, the member first, the package itself last.
    pub steps: Vec<Activated>,
}

/// What keeps a package away from a member that could need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It is in an extra of the member that is not asked for.
    Extra(String),
    /// It is in a dependency group of the member that is not asked for.
    Group(String),
    /// A marker does not hold on the target.
    Marker(String),
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
        Some(format!("sha256:{}", wording::hex(&Sha256::digest(contents))))
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

    /// The same lock with a package for its script, which is then the only member: a project without a build system
    /// that needs what the script asks for.
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
            // A script has none, and a bundle names one for each package.
            version: Some("0".to_owned()),
            source: Source::Virtual(".".to_owned()),
            resolution_markers: Vec::new(),
            dependencies: dependencies.collect(),
            optional_dependencies: BTreeMap::new(),
            dev_dependencies: BTreeMap::new(),
            metadata: Metadata::default(),
            wheels: Vec::new(),
        };
        self.manifest.members = BTreeSet::from([name.to_owned()]);
        self.packages.insert(0, script);
        self
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

    /// The packages that `member` needs in an environment, itself first: a walk over the dependencies
    /// whose markers hold there.
    pub fn reach<'a>(
        &'a self,
        member: &'a LockedPackage,
        wish: Wish<'a>,
        environment: &MarkerEnvironment,
    ) -> Vec<&'a LockedPackage> {
        let mut activated = self.activated(member, wish, environment);
        distinct(&self.walk(member, wish, environment, &mut activated, Markers::Decide))
            .map(|(_, package)| package)
            .collect()
    }

    /// What is activated with a wish.
    fn activated(
        &self,
        member: &LockedPackage,
        wish: Wish<'_>,
        environment: &MarkerEnvironment,
    ) -> Vec<Activated> {
        let mut activated = wish.activated(member);
        // As uv does it: where extras conflict, a marker may ask for an extra that comes up later, so a first walk
        // gathers them. It enters excluded packages, because uv knows nothing of excluding when it decides.
        if !self.conflicts.is_empty() {
            let everything = Wish { without: &[], ..wish };
            self.walk(member, everything, environment, &mut activated, Markers::DecideAndGather);
        }
        activated
    }

    /// The shortest way to each of the packages of [`reach`](Self::reach), in the same order.
    pub fn ways<'a>(
        &'a self,
        member: &'a LockedPackage,
        wish: Wish<'a>,
        environment: &MarkerEnvironment,
    ) -> Vec<Way<'a>> {
        let mut activated = self.activated(member, wish, environment);
        let steps = self.walk(member, wish, environment, &mut activated, Markers::Decide);
        distinct(&steps).map(|(number, package)| Way { package, steps: way_to(&steps, number) }).collect()
    }

    /// The packages that the member could need and, with this wish in this environment, does not: each with the
    /// shortest way, and with what is in that way. What is excluded is not among them.
    pub fn out_of_reach<'a>(
        &'a self,
        member: &'a LockedPackage,
        wish: Wish<'a>,
        environment: &MarkerEnvironment,
    ) -> Vec<(Way<'a>, Obstacle)> {
        let mut activated = self.activated(member, wish, environment);
        let others = |all: BTreeSet<&str>, asked: &[String]| -> Vec<String> {
            let others = all.into_iter().map(str::to_owned).filter(|name| !asked.contains(name));
            asked.iter().cloned().chain(others).collect()
        };
        let (extras, groups) = (others(member.extras(), wish.extras), others(member.groups(), wish.groups));
        let everything = Wish { extras: &extras, groups: &groups, without: &[] };
        let steps = self.walk(member, everything, environment, &mut activated, Markers::AreNoted);
        let obstacle = |number: usize| {
            back_from(&steps, number).fold(None, |later, step| match step {
                Step { part: Part::Extra(extra), from: None, .. }
                    if !wish.extras.iter().any(|asked| asked == extra) =>
                {
                    Some(Obstacle::Extra((*extra).to_owned()))
                }
                Step { part: Part::Group(group), .. } if !wish.groups.iter().any(|asked| asked == group) => {
                    Some(Obstacle::Group((*group).to_owned()))
                }
                Step { marker: Some(marker), .. } => Some(Obstacle::Marker((*marker).to_owned())),
                _ => later,
            })
        };
        let reached: BTreeSet<&str> = self
            .reach(member, Wish { without: &[], ..wish }, environment)
            .iter()
            .map(|package| package.name.as_str())
            .collect();
        distinct(&steps)
            .filter(|(_, package)| !reached.contains(package.name.as_str()))
            .filter_map(|(number, package)| {
                // Looked up again: the steps live no longer than `everything`, the lock does.
                let package = self.packages.iter().find(|other| std::ptr::eq(*other, package))?;
                Some((Way { package, steps: way_to(&steps, number) }, obstacle(number)?))
            })
            .collect()
    }

    /// The first set of the lock's conflicts of which a member with these extras and groups would have two, as
    /// `app[one]` and `app:group`.
    pub fn conflict(
        &self,
        member: &LockedPackage,
        wish: Wish<'_>,
        environment: &MarkerEnvironment,
    ) -> Option<Vec<String>> {
        if self.conflicts.is_empty() {
            return None;
        }
        let mut activated = wish.activated(member);
        self.walk(member, wish, environment, &mut activated, Markers::DecideAndGather);
        self.conflicts
            .iter()
            .map(|set| set.iter().filter(|one| activated.contains(one)).map(ToString::to_string).collect())
            .find(|together: &Vec<String>| together.len() > 1)
    }

    /// Walks over the dependencies, level by level, so that the first step to a package ends a shortest way to it.
    fn walk<'a>(
        &'a self,
        member: &'a LockedPackage,
        wish: Wish<'a>,
        environment: &MarkerEnvironment,
        activated: &mut Vec<Activated>,
        markers: Markers,
    ) -> Vec<Step<'a>> {
        let mut seen: HashSet<(*const LockedPackage, Part<'_>)> = HashSet::new();
        let mut steps: Vec<Step<'_>> = Vec::new();
        let first = |part| Step { package: member, part, from: None, marker: None };
        let mut queue: VecDeque<Step<'_>> = VecDeque::from([first(Part::Itself)]);
        queue.extend(wish.extras.iter().map(|extra| first(Part::Extra(extra))));
        queue.extend(wish.groups.iter().map(|group| first(Part::Group(group))));
        while let Some(step) = queue.pop_front() {
            if !seen.insert((std::ptr::from_ref(step.package), step.part)) {
                continue;
            }
            let from = Some(steps.len());
            steps.push(step);
            for dependency in step.package.dependencies_of(step.part) {
                if wish.without.contains(&dependency.name) {
                    continue;
                }
                let extras = dependency.extra.iter().map(|extra| Activated {
                    package: dependency.name.clone(),
                    extra: Some(extra.clone()),
                    group: None,
                });
                let gathers = markers == Markers::DecideAndGather;
                let new: Vec<Activated> =
                    extras.filter(|extra| gathers && !activated.contains(extra)).collect();
                let known = activated.len();
                activated.extend(new);
                let mut marker = None;
                if !dependency.applies(environment, activated) {
                    activated.truncate(known);
                    if markers != Markers::AreNoted {
                        continue;
                    }
                    marker = dependency.marker.as_deref();
                }
                let mut named: Vec<&LockedPackage> =
                    self.packages.iter().filter(|package| dependency.names(package)).collect();
                // Only what a script asks for is not told apart by the dependency itself.
                if named.len() > 1 {
                    named.retain(|package| package.is_for(environment));
                }
                for package in named {
                    let step = |part| Step { package, part, from, marker };
                    queue.push_back(step(Part::Itself));
                    queue.extend(dependency.extra.iter().map(|extra| step(Part::Extra(extra))));
                }
            }
        }
        steps
    }
}

/// The packages that steps come to, each once, with the number of the first step to it.
fn distinct<'steps, 'a>(
    steps: &'steps [Step<'a>],
) -> impl Iterator<Item = (usize, &'a LockedPackage)> + use<'steps, 'a> {
    let mut seen: HashSet<*const LockedPackage> = HashSet::new();
    let steps = steps.iter().enumerate();
    steps
        .filter(move |(_, step)| seen.insert(std::ptr::from_ref(step.package)))
        .map(|(number, step)| (number, step.package))
}

/// A step and those that led to it, backwards.
fn back_from<'steps, 'a>(
    steps: &'steps [Step<'a>],
    number: usize,
) -> impl Iterator<Item = &'steps Step<'a>> + use<'steps, 'a> {
    std::iter::successors(steps.get(number), |step| steps.get(step.from?))
}

/// What led to a step, the member first.
fn way_to(steps: &[Step<'_>], number: usize) -> Vec<Activated> {
    let mut way: Vec<Activated> = back_from(steps, number).map(Step::activated).collect();
    way.reverse();
    way
}

impl Step<'_> {
    fn activated(&self) -> Activated {
        let (extra, group) = match self.part {
            Part::Itself => (None, None),
            Part::Extra(extra) => (Some(extra.to_owned()), None),
            Part::Group(group) => (None, Some(group.to_owned())),
        };
        Activated { package: self.package.name.clone(), extra, group }
    }
}

impl Wish<'_> {
    /// What is activated before any dependency is looked at: the member with its extras and groups.
    fn activated(&self, member: &LockedPackage) -> Vec<Activated> {
        let package = &member.name;
        let itself = Activated { package: package.clone(), extra: None, group: None };
        let extras =
            self.extras.iter().map(|extra| Activated { extra: Some(extra.clone()), ..itself.clone() });
        let groups =
            self.groups.iter().map(|group| Activated { group: Some(group.clone()), ..itself.clone() });
        std::iter::once(itself.clone()).chain(extras).chain(groups).collect()
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
    fn dependencies_of(&self, part: Part<'_>) -> &[Dependency] {
        let listed = match part {
            Part::Itself => Some(&self.dependencies),
            Part::Extra(extra) => self.optional_dependencies.get(extra),
            Part::Group(group) => self.dev_dependencies.get(group),
        };
        listed.map_or(&[][..], Vec::as_slice)
    }

    /// Whether the lock has this version of the package for an environment.
    fn is_for(&self, environment: &MarkerEnvironment) -> bool {
        let holds = |marker: &String| {
            MarkerTree::from_str(marker).map_or(true, |marker| marker.evaluate(environment, &[]))
        };
        self.resolution_markers.is_empty() || self.resolution_markers.iter().any(holds)
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
}

impl Dependency {
    /// Whether this is a dependency on `package`. The lock adds version and source only where the
    /// name alone would not tell.
    fn names(&self, package: &LockedPackage) -> bool {
        self.name == package.name
            && self.version.as_ref().is_none_or(|version| package.version.as_ref() == Some(version))
            && self.source.as_ref().is_none_or(|source| package.source == *source)
    }

    fn applies(&self, environment: &MarkerEnvironment, activated: &[Activated]) -> bool {
        let Some(marker) = &self.marker else { return true };
        let extras: Vec<ExtraName> =
            activated.iter().filter_map(|one| ExtraName::new(one.in_markers()).ok()).collect();
        // uv wrote the marker; one that this version of the parser cannot read may apply.
        MarkerTree::from_str(marker).map_or(true, |marker| marker.evaluate(environment, &extras))
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
            .reach(lock.package("app").unwrap(), Wish::default(), &environment)
            .iter()
            .map(|package| format!("{} {}", package.name, package.version.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(reached, ["app 1.0", "library -", "split 2.0", "accelerator 3"]);
    }

    /// A lock as uv 0.13.9 writes it, less what is not read.
    const CHOICES: &str = r#"
        version = 1
        revision = 5
        requires-python = ">=3.9"
        conflicts = [[
            { package = "app", extra = "one" },
            { package = "app", extra = "two" },
        ], [
            { package = "app", extra = "two" },
            { package = "app", group = "base" },
        ]]

        [[package]]
        name = "app"
        source = { virtual = "." }
        dependencies = [{ name = "sdk" }]

        [package.optional-dependencies]
        one = [{ name = "turbo", version = "1.0" }]
        two = [{ name = "turbo", version = "2.0" }]
        web = [{ name = "web", extra = ["fast"] }]

        [package.dev-dependencies]
        base = [{ name = "pytest" }]

        [package.metadata]
        provides-extras = ["empty", "one", "two", "web"]

        [package.metadata.requires-dev]
        base = [{ name = "pytest" }]
        nothing = []

        [[package]]
        name = "sdk"
        source = { registry = "r" }
        dependencies = [{ name = "core" }, { name = "common" }]

        [[package]]
        name = "core"
        source = { registry = "r" }

        [[package]]
        name = "common"
        source = { registry = "r" }

        [[package]]
        name = "pytest"
        source = { registry = "r" }

        [[package]]
        name = "turbo"
        version = "1.0"
        source = { registry = "r" }

        [[package]]
        name = "turbo"
        version = "2.0"
        source = { registry = "r" }

        [[package]]
        name = "web"
        source = { registry = "r" }
        dependencies = [{ name = "common" }]

        [package.optional-dependencies]
        fast = [
            { name = "turbo", version = "1.0", marker = "extra == 'extra-3-app-one' or (extra == 'extra-3-app-two' and extra == 'group-3-app-base')" },
            { name = "turbo", version = "2.0", marker = "extra != 'extra-3-app-one' or extra == 'extra-3-app-two'" },
        ]
    "#;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    /// What the app of `CHOICES` reaches with extras, with groups, without packages; and what conflicts.
    fn chosen(extras: &[&str], groups: &[&str], without: &[&str]) -> (String, Option<Vec<String>>) {
        let lock: Lock = toml::from_str(CHOICES).unwrap();
        let target = Target::new("3.13", Architecture::X86_64).unwrap();
        let environment = marker_environment(target, "3.13.5").unwrap();
        let (extras, groups, without) = (names(extras), names(groups), names(without));
        let wish = Wish { extras: &extras, groups: &groups, without: &without };
        let member = lock.package("app").unwrap();
        let reached: Vec<String> = lock
            .reach(member, wish, &environment)
            .iter()
            .map(|package| match &package.version {
                Some(version) => format!("{}{version}", package.name),
                None => package.name.clone(),
            })
            .collect();
        (reached.join(" "), lock.conflict(member, wish, &environment))
    }

    #[test]
    fn extras_and_groups_are_entered_where_they_are_asked_for() {
        assert_eq!(chosen(&[], &[], &[]), ("app sdk core common".to_owned(), None));
        assert_eq!(chosen(&["one"], &["base"], &[]).0, "app sdk turbo1.0 pytest core common");
        assert_eq!(chosen(&["empty"], &["nothing"], &[]).0, "app sdk core common");
    }

    #[test]
    fn what_only_an_excluded_package_needs_goes_with_it() {
        assert_eq!(chosen(&[], &[], &["sdk"]).0, "app");
        assert_eq!(chosen(&["web"], &[], &["sdk"]).0, "app web common turbo2.0");
        assert_eq!(chosen(&["web"], &[], &["core"]).0, "app sdk web common turbo2.0");
    }

    /// The shortest ways of the app of `CHOICES`, and what is out of its reach.
    fn ways(extras: &[&str], groups: &[&str], without: &[&str]) -> (Vec<String>, Vec<String>) {
        let lock: Lock = toml::from_str(CHOICES).unwrap();
        let target = Target::new("3.13", Architecture::X86_64).unwrap();
        let environment = marker_environment(target, "3.13.5").unwrap();
        let (extras, groups, without) = (names(extras), names(groups), names(without));
        let wish = Wish { extras: &extras, groups: &groups, without: &without };
        let member = lock.package("app").unwrap();
        let text = |way: &Way<'_>| way.steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(" -> ");
        (
            lock.ways(member, wish, &environment).iter().map(text).collect(),
            lock.out_of_reach(member, wish, &environment)
                .iter()
                .map(|(way, obstacle)| format!("{} {obstacle:?}", text(way)))
                .collect(),
        )
    }

    #[test]
    fn the_shortest_way_names_extras_and_groups() {
        assert_eq!(
            ways(&[], &[], &[]).0,
            ["app", "app -> sdk", "app -> sdk -> core", "app -> sdk -> common"]
        );
        assert_eq!(
            ways(&["web"], &["base"], &["sdk"]).0,
            [
                "app",
                "app[web] -> web",
                "app:base -> pytest",
                "app[web] -> web -> common",
                "app[web] -> web[fast] -> turbo"
            ]
        );
    }

    #[test]
    fn what_is_out_of_reach_has_an_obstacle_in_its_way() {
        let without_anything = ways(&[], &[], &[]).1;
        assert_eq!(
            without_anything,
            [
                r#"app[one] -> turbo Extra("one")"#,
                r#"app[two] -> turbo Extra("two")"#,
                r#"app[web] -> web Extra("web")"#,
                r#"app:base -> pytest Group("base")"#
            ]
        );
        // An excluded package is not out of reach: it is excluded.
        assert_eq!(ways(&[], &[], &["sdk"]).1, without_anything);
        assert_eq!(ways(&["web", "one"], &["base"], &[]).1, [""; 0]);
        let lock = lock();
        let target = Target::new("3.13", Architecture::X86_64).unwrap();
        let environment = marker_environment(target, "3.13.5").unwrap();
        let out_of_reach = lock.out_of_reach(lock.package("app").unwrap(), Wish::default(), &environment);
        let [(way, obstacle)] = out_of_reach.as_slice() else { panic!("{out_of_reach:?}") };
        assert_eq!(way.package.name, "windows-only");
        assert_eq!(*obstacle, Obstacle::Marker("sys_platform == 'win32'".to_owned()));
    }

    #[test]
    fn markers_of_conflicting_extras_mean_what_uv_means() {
        // As `uv sync --extra web --extra ...` installs it.
        assert_eq!(chosen(&["web"], &[], &[]).0, "app sdk web core common turbo2.0");
        assert_eq!(chosen(&["one", "web"], &[], &[]).0, "app sdk turbo1.0 web core common");
        assert_eq!(chosen(&["two", "web"], &[], &[]).0, "app sdk turbo2.0 web core common");
        assert_eq!(chosen(&["one", "two"], &[], &[]).1, Some(names(&["app[one]", "app[two]"])));
        assert_eq!(chosen(&["two"], &["base"], &[]).1, Some(names(&["app[two]", "app:base"])));
    }

    #[test]
    fn extras_and_groups_are_known_even_where_they_are_empty() {
        let lock: Lock = toml::from_str(CHOICES).unwrap();
        let app = lock.package("app").unwrap();
        assert_eq!(Vec::from_iter(app.extras()), ["empty", "one", "two", "web"]);
        assert_eq!(Vec::from_iter(app.groups()), ["base", "nothing"]);
    }

    #[test]
    fn a_script_is_a_member_that_needs_what_it_asks_for() {
        let lock: Lock = toml::from_str(
            r#"
            version = 1
            requires-python = ">=3.10"

            [manifest]
            requirements = [
                { name = "old", marker = "python_full_version < '3.12'" },
                { name = "split", specifier = ">=1" },
                { name = "web", extras = ["fast"] },
            ]

            [[package]]
            name = "old"
            source = { registry = "r" }

            [[package]]
            name = "split"
            version = "1"
            source = { registry = "r" }
            resolution-markers = ["python_full_version < '3.12'"]

            [[package]]
            name = "split"
            version = "2"
            source = { registry = "r" }
            resolution-markers = ["python_full_version >= '3.12'"]

            [[package]]
            name = "turbo"
            source = { registry = "r" }

            [[package]]
            name = "web"
            source = { registry = "r" }

            [package.optional-dependencies]
            fast = [{ name = "turbo" }]
            "#,
        )
        .unwrap();
        let lock = lock.with_script("job");
        let target = Target::new("3.13", Architecture::X86_64).unwrap();
        let environment = marker_environment(target, "3.13.5").unwrap();
        let members = lock.members();
        assert_eq!(members.len(), 1);
        let reached = lock.reach(members[0], Wish::default(), &environment);
        let names: Vec<String> = reached
            .iter()
            .map(|package| format!("{} {}", package.name, package.version.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(names, ["job 0", "split 2", "web -", "turbo -"]);
    }

    #[test]
    fn a_wheel_is_named_by_its_file() {
        let lock = lock();
        let names: Vec<_> =
            lock.packages().iter().flat_map(|package| &package.wheels).map(Artifact::filename).collect();
        assert_eq!(names, [Some("windows_only-1-py3-none-any.whl"), Some("split-2.0-py3-none-any.whl")]);
    }
}
