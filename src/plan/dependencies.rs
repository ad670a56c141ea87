//! Dependencies: the packages of the lock that a member needs, the path to each, and why it does not need the others.

use std::collections::{BTreeSet, HashSet, VecDeque};

use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder};

use crate::target::Target;
use crate::workspace::lockfile::{Activated, LockedPackage, Lockfile, Marker, Section};

/// The extras and groups of a member that are activated, and the packages that are excluded, by normalised names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Activation<'a> {
    /// Its extras.
    pub extras: &'a [String],
    /// Its dependency groups.
    pub groups: &'a [String],
    /// The packages that are excluded, with all that only they need.
    pub excluded: &'a [String],
}

/// A visit of the walk to a section of a package.
#[derive(Debug, Clone, Copy)]
struct Visit<'a> {
    package: &'a LockedPackage,
    section: Section<'a>,
    /// The number of the visit whose dependency leads here.
    from: Option<usize>,
    /// The marker of that dependency, if it does not hold.
    marker: Option<&'a Marker>,
}

/// What the walk does with markers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MarkerPolicy {
    /// Follows a dependency if its marker holds.
    Obey,
    /// Follows a dependency if its marker holds, and activates the extras that it names.
    ObeyAndActivate,
    /// Follows every dependency, and records the markers that do not hold.
    Record,
}

/// The shortest path of dependencies from a member to a package.
#[derive(Debug)]
pub struct DependencyPath<'a> {
    /// The package.
    pub package: &'a LockedPackage,
    /// The steps, the member first, the package itself last.
    pub steps: Vec<Activated>,
}

/// The reason why a member does not need a package that it could need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The package is in an extra of the member that is not activated.
    Extra(String),
    /// The package is in a dependency group of the member that is not activated.
    Group(String),
    /// A marker does not hold on the target.
    Marker(String),
}

impl Lockfile {
    /// The packages that `member` needs in an environment, itself first.
    pub fn reach<'a>(
        &'a self,
        member: &'a LockedPackage,
        activation: Activation<'a>,
        environment: &MarkerEnvironment,
    ) -> Vec<&'a LockedPackage> {
        let mut activated = self.activated(member, activation, environment);
        distinct(&self.walk(member, activation, environment, &mut activated, MarkerPolicy::Obey))
            .map(|(_, package)| package)
            .collect()
    }

    /// The packages, extras and groups that markers see as activated.
    fn activated(
        &self,
        member: &LockedPackage,
        activation: Activation<'_>,
        environment: &MarkerEnvironment,
    ) -> Vec<Activated> {
        let mut activated = activation.activated(member);
        // As uv does: if extras conflict, a marker may ask for an extra that the walk meets later, so a first walk collects
        // them. It follows excluded packages too, because uv evaluates markers before it excludes.
        if !self.conflicts.is_empty() {
            let everything = Activation { excluded: &[], ..activation };
            self.walk(member, everything, environment, &mut activated, MarkerPolicy::ObeyAndActivate);
        }
        activated
    }

    /// The shortest path to each of the packages of [`reach`](Self::reach), in the same order.
    pub fn dependency_paths<'a>(
        &'a self,
        member: &'a LockedPackage,
        activation: Activation<'a>,
        environment: &MarkerEnvironment,
    ) -> Vec<DependencyPath<'a>> {
        let mut activated = self.activated(member, activation, environment);
        let visits = self.walk(member, activation, environment, &mut activated, MarkerPolicy::Obey);
        distinct(&visits)
            .map(|(number, package)| DependencyPath { package, steps: path_to(&visits, number) })
            .collect()
    }

    /// The packages that the member could need, but does not need with this activation in this environment. Each has its
    /// shortest path and the reason. Excluded packages are not among them.
    pub fn unreached<'a>(
        &'a self,
        member: &'a LockedPackage,
        activation: Activation<'a>,
        environment: &MarkerEnvironment,
    ) -> Vec<(DependencyPath<'a>, Obstacle)> {
        let mut activated = self.activated(member, activation, environment);
        let others = |all: BTreeSet<&str>, asked: &[String]| -> Vec<String> {
            let others = all.into_iter().map(str::to_owned).filter(|name| !asked.contains(name));
            asked.iter().cloned().chain(others).collect()
        };
        let (extras, groups) =
            (others(member.extras(), activation.extras), others(member.groups(), activation.groups));
        let everything = Activation { extras: &extras, groups: &groups, excluded: &[] };
        let visits = self.walk(member, everything, environment, &mut activated, MarkerPolicy::Record);
        let obstacle = |number: usize| {
            back_from(&visits, number).fold(None, |later, visit| match visit {
                Visit { section: Section::Extra(extra), from: None, .. }
                    if !activation.extras.iter().any(|asked| asked == extra) =>
                {
                    Some(Obstacle::Extra((*extra).to_owned()))
                }
                Visit { section: Section::Group(group), .. }
                    if !activation.groups.iter().any(|asked| asked == group) =>
                {
                    Some(Obstacle::Group((*group).to_owned()))
                }
                Visit { marker: Some(marker), .. } => Some(Obstacle::Marker(marker.text.clone())),
                _ => later,
            })
        };
        let reached: BTreeSet<&str> = self
            .reach(member, Activation { excluded: &[], ..activation }, environment)
            .iter()
            .map(|package| package.name.as_str())
            .collect();
        distinct(&visits)
            .filter(|(_, package)| !reached.contains(package.name.as_str()))
            .filter_map(|(number, package)| {
                // Looked up again, because the visits borrow from `everything`, which ends here.
                let package = self.named(&package.name).find(|other| std::ptr::eq(*other, package))?;
                Some((DependencyPath { package, steps: path_to(&visits, number) }, obstacle(number)?))
            })
            .collect()
    }

    /// The first set of the lock's `conflicts` of which two or more are activated, as `app[one]` and `app:group`.
    pub fn conflict(
        &self,
        member: &LockedPackage,
        activation: Activation<'_>,
        environment: &MarkerEnvironment,
    ) -> Option<Vec<String>> {
        if self.conflicts.is_empty() {
            return None;
        }
        let mut activated = activation.activated(member);
        self.walk(member, activation, environment, &mut activated, MarkerPolicy::ObeyAndActivate);
        self.conflicts
            .iter()
            .map(|set| set.iter().filter(|one| activated.contains(one)).map(ToString::to_string).collect())
            .find(|together: &Vec<String>| together.len() > 1)
    }

    /// Walks over the dependencies, breadth first: the first visit to a package ends a shortest path to it.
    fn walk<'a>(
        &'a self,
        member: &'a LockedPackage,
        activation: Activation<'a>,
        environment: &MarkerEnvironment,
        activated: &mut Vec<Activated>,
        markers: MarkerPolicy,
    ) -> Vec<Visit<'a>> {
        let mut seen: HashSet<(*const LockedPackage, Section<'_>)> = HashSet::new();
        let mut visits: Vec<Visit<'_>> = Vec::new();
        let first = |section| Visit { package: member, section, from: None, marker: None };
        let mut queue: VecDeque<Visit<'_>> = VecDeque::from([first(Section::Itself)]);
        queue.extend(activation.extras.iter().map(|extra| first(Section::Extra(extra))));
        queue.extend(activation.groups.iter().map(|group| first(Section::Group(group))));
        while let Some(visit) = queue.pop_front() {
            if !seen.insert((std::ptr::from_ref(visit.package), visit.section)) {
                continue;
            }
            let from = Some(visits.len());
            visits.push(visit);
            for dependency in visit.package.dependencies_of(visit.section) {
                if activation.excluded.contains(&dependency.name) {
                    continue;
                }
                let extras = dependency.extra.iter().map(|extra| Activated {
                    package: dependency.name.clone(),
                    extra: Some(extra.clone()),
                    group: None,
                });
                let gathers = markers == MarkerPolicy::ObeyAndActivate;
                let new: Vec<Activated> =
                    extras.filter(|extra| gathers && !activated.contains(extra)).collect();
                let known = activated.len();
                activated.extend(new);
                let mut marker = None;
                if !dependency.applies(environment, activated) {
                    activated.truncate(known);
                    if markers != MarkerPolicy::Record {
                        continue;
                    }
                    marker = dependency.marker.as_ref();
                }
                let mut named: Vec<&LockedPackage> =
                    self.named(&dependency.name).filter(|package| dependency.names(package)).collect();
                // A dependency names the version if there are several, except for the requirements of a script.
                if named.len() > 1 {
                    named.retain(|package| package.is_for(environment));
                }
                for package in named {
                    let visit = |section| Visit { package, section, from, marker };
                    queue.push_back(visit(Section::Itself));
                    queue.extend(dependency.extra.iter().map(|extra| visit(Section::Extra(extra))));
                }
            }
        }
        visits
    }
}

/// Each visited package once, with the number of the first visit to it.
fn distinct<'visits, 'a>(
    visits: &'visits [Visit<'a>],
) -> impl Iterator<Item = (usize, &'a LockedPackage)> + use<'visits, 'a> {
    let mut seen: HashSet<*const LockedPackage> = HashSet::new();
    let visits = visits.iter().enumerate();
    visits
        .filter(move |(_, visit)| seen.insert(std::ptr::from_ref(visit.package)))
        .map(|(number, visit)| (number, visit.package))
}

/// A visit and the visits that led to it, backwards.
fn back_from<'visits, 'a>(
    visits: &'visits [Visit<'a>],
    number: usize,
) -> impl Iterator<Item = &'visits Visit<'a>> + use<'visits, 'a> {
    std::iter::successors(visits.get(number), |visit| visits.get(visit.from?))
}

/// The path to a visit, the member first.
fn path_to(visits: &[Visit<'_>], number: usize) -> Vec<Activated> {
    let mut path: Vec<Activated> = back_from(visits, number).map(Visit::activated).collect();
    path.reverse();
    path
}

impl Visit<'_> {
    fn activated(&self) -> Activated {
        let (extra, group) = match self.section {
            Section::Itself => (None, None),
            Section::Extra(extra) => (Some(extra.to_owned()), None),
            Section::Group(group) => (None, Some(group.to_owned())),
        };
        Activated { package: self.package.name.clone(), extra, group }
    }
}

impl Activation<'_> {
    /// The member with its extras and groups.
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

/// The values of environment markers in Lambda: those of the target, not of this machine. Values that depend on Lambda's
/// kernel (`platform_release`, `platform_version`) are empty, as in uv when it installs for another platform. `None` if
/// `python_full_version` is not a version.
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
    use crate::workspace::lockfile::tests::lock as parse;

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

    fn lock() -> Lockfile {
        parse(LOCK)
    }

    #[test]
    fn the_walk_follows_extras_and_markers_and_circles_but_no_groups() {
        let lock = lock();
        let target = Target::new("python3.13", Architecture::X86_64).unwrap();
        let environment = marker_environment(target, "3.13.5").unwrap();
        let reached: Vec<String> = lock
            .reach(lock.package("app").unwrap(), Activation::default(), &environment)
            .iter()
            .map(|package| format!("{} {}", package.name, package.version.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(reached, ["app 1.0", "library -", "split 2.0", "accelerator 3"]);
    }

    /// A lock as uv 0.13.9 writes it, without the fields that are not read.
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

    /// The packages that the app of `CHOICES` needs, and the extras and groups that conflict.
    fn chosen(extras: &[&str], groups: &[&str], excluded: &[&str]) -> (String, Option<Vec<String>>) {
        let lock = parse(CHOICES);
        let target = Target::new("python3.13", Architecture::X86_64).unwrap();
        let environment = marker_environment(target, "3.13.5").unwrap();
        let (extras, groups, excluded) = (names(extras), names(groups), names(excluded));
        let activation = Activation { extras: &extras, groups: &groups, excluded: &excluded };
        let member = lock.package("app").unwrap();
        let reached: Vec<String> = lock
            .reach(member, activation, &environment)
            .iter()
            .map(|package| match &package.version {
                Some(version) => format!("{}{version}", package.name),
                None => package.name.clone(),
            })
            .collect();
        (reached.join(" "), lock.conflict(member, activation, &environment))
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

    /// The shortest paths of the app of `CHOICES`, and the packages that it does not need.
    fn dependency_paths(extras: &[&str], groups: &[&str], excluded: &[&str]) -> (Vec<String>, Vec<String>) {
        let lock = parse(CHOICES);
        let target = Target::new("python3.13", Architecture::X86_64).unwrap();
        let environment = marker_environment(target, "3.13.5").unwrap();
        let (extras, groups, excluded) = (names(extras), names(groups), names(excluded));
        let activation = Activation { extras: &extras, groups: &groups, excluded: &excluded };
        let member = lock.package("app").unwrap();
        let text = |way: &DependencyPath<'_>| {
            way.steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(" -> ")
        };
        (
            lock.dependency_paths(member, activation, &environment).iter().map(text).collect(),
            lock.unreached(member, activation, &environment)
                .iter()
                .map(|(way, obstacle)| format!("{} {obstacle:?}", text(way)))
                .collect(),
        )
    }

    #[test]
    fn the_shortest_way_names_extras_and_groups() {
        assert_eq!(
            dependency_paths(&[], &[], &[]).0,
            ["app", "app -> sdk", "app -> sdk -> core", "app -> sdk -> common"]
        );
        assert_eq!(
            dependency_paths(&["web"], &["base"], &["sdk"]).0,
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
    fn what_is_unreached_has_an_obstacle_in_its_way() {
        let unreached_without_options = dependency_paths(&[], &[], &[]).1;
        assert_eq!(
            unreached_without_options,
            [
                r#"app[one] -> turbo Extra("one")"#,
                r#"app[two] -> turbo Extra("two")"#,
                r#"app[web] -> web Extra("web")"#,
                r#"app:base -> pytest Group("base")"#
            ]
        );
        // An excluded package is not out of reach: it is excluded.
        assert_eq!(dependency_paths(&[], &[], &["sdk"]).1, unreached_without_options);
        assert_eq!(dependency_paths(&["web", "one"], &["base"], &[]).1, [""; 0]);
        let lock = lock();
        let target = Target::new("python3.13", Architecture::X86_64).unwrap();
        let environment = marker_environment(target, "3.13.5").unwrap();
        let unreached = lock.unreached(lock.package("app").unwrap(), Activation::default(), &environment);
        let [(way, obstacle)] = unreached.as_slice() else { panic!("{unreached:?}") };
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
    fn a_script_is_a_member_that_needs_what_it_asks_for() {
        let lock = parse(
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
        );
        let lock = lock.with_script("job");
        let target = Target::new("python3.13", Architecture::X86_64).unwrap();
        let environment = marker_environment(target, "3.13.5").unwrap();
        let members = lock.members();
        assert_eq!(members.len(), 1);
        let reached = lock.reach(members[0], Activation::default(), &environment);
        let names: Vec<String> = reached
            .iter()
            .map(|package| format!("{} {}", package.name, package.version.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(names, ["job 0", "split 2", "web -", "turbo -"]);
    }
}
