//! Plan: the packages of a bundle and the reason for each, the files of the local packages, and the cache keys. It starts no
//! process and writes nothing.

mod application_files;
pub mod cache_keys;
pub mod default_handler;
pub mod dependencies;
mod error;
pub mod package_files;
pub mod reasons;
pub mod source_packages;
pub mod subject;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pep508_rs::MarkerEnvironment;

pub use self::application_files::NotApplication;
use self::dependencies::{Activation, marker_environment};
pub use self::error::PlanError;
use self::package_files::{FileChoice, PackageFiles};
use self::source_packages::{SourcePackage, source_packages};
use self::subject::Subject;
use crate::request::layers::{self, LayeredPackage};
use crate::request::{Choice, Request};
use crate::support::wording;
use crate::workspace::Workspace;
use crate::workspace::git_history::repository_of;
use crate::workspace::lockfile::{LockedPackage, Source};
use crate::workspace::manifest::Manifest;
use crate::workspace::python_versions::version_files;
use crate::workspace::source_files::{SourceFile, source_files};

/// The packages that ship, and their sources.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The request.
    pub request: &'a Request,
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The package that is bundled, and the target.
    pub subject: &'a Subject,
    /// The values of markers on the target.
    pub environment: MarkerEnvironment,
    /// Every package that ships, the member first.
    pub packages: Vec<&'a LockedPackage>,
    /// The local ones among them, the member first.
    pub local: Vec<LocalPackage>,
    /// Those that are there only as source, and are built on this machine.
    pub source_packages: Vec<SourcePackage<'a>>,
    /// The names of the packages that would ship if none were excluded and no layer held any.
    pub excluded: Vec<&'a str>,
    /// The members whose packages uv installs.
    pub members: Vec<&'a str>,
    /// The sources of local packages that do not ship, but whose metadata a build backend computes: uv runs it to check the
    /// lock.
    pub metadata_sources: Vec<SourceFile>,
    /// The paths that decide which files these are.
    metadata_observed: BTreeSet<PathBuf>,
}

/// A package whose sources lie on this machine.
#[derive(Debug)]
pub struct LocalPackage {
    /// The normalised name.
    pub name: String,
    /// The version; empty if the build backend computes it.
    pub version: String,
    /// The folder of its `pyproject.toml`, absolute.
    pub folder: PathBuf,
    /// How its files come into the bundle.
    pub shipping: Shipping,
    /// The git repository from which the build backend may compute the version.
    pub repository: Option<PathBuf>,
    /// Its files.
    pub files: PackageFiles,
}

/// How the files of a local package come into the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shipping {
    /// It has a build system: it ships as the wheel that is built of it.
    Wheel,
    /// It has none (`uv init --app`): its files are copied.
    Copy,
}

/// The packages that ship, and those that are excluded.
struct Reach<'a> {
    packages: Vec<&'a LockedPackage>,
    excluded: Vec<&'a str>,
    members: Vec<&'a str>,
}

impl<'a> Plan<'a> {
    /// Plans a request. `python` is the full version of the interpreter that compiles, such as `3.13.5`.
    pub fn new(
        request: &'a Request,
        workspace: &'a Workspace,
        subject: &'a Subject,
        python: &str,
    ) -> Result<Self, PlanError> {
        let environment = environment(subject, python)?;
        let Reach { packages, excluded, members } = reach(request, workspace, subject, &environment)?;
        let choice = FileChoice { request, workspace, member: &subject.member };
        let mut local = Vec::new();
        for package in &packages {
            let Some(folder) = workspace.folder_of(package) else { continue };
            let folder = folder?;
            let shipping = match package.source {
                Source::Virtual(_) => Shipping::Copy,
                _ => Shipping::Wheel,
            };
            local.push(LocalPackage {
                name: package.name.clone(),
                version: package.version.clone().unwrap_or_default(),
                repository: repository_of_version(workspace, &folder, shipping),
                files: choice.files(&package.name, &folder, shipping)?,
                folder,
                shipping,
            });
        }
        let (mut metadata_sources, mut metadata_observed) = (Vec::new(), BTreeSet::new());
        for folder in workspace.local_folders() {
            if workspace.computes_metadata(folder) && !local.iter().any(|package| package.folder == folder) {
                let sources = source_files(folder, &workspace.folders_inside(folder))?;
                metadata_sources.extend(sources.files);
                metadata_observed.extend(sources.observed);
            }
        }
        Ok(Self {
            request,
            workspace,
            subject,
            environment,
            source_packages: source_packages(request, workspace, &packages),
            packages,
            local,
            excluded,
            members,
            metadata_sources,
            metadata_observed,
        })
    }

    /// The source of a package, if it is built on this machine.
    pub fn source_of(&self, package: &str) -> Option<&SourcePackage<'a>> {
        self.source_packages.iter().find(|source| source.package.name == package)
    }

    /// Every path on which the plan and its keys depend: while none of them changes, the request has the same bundle. `None` if only
    /// git can tell.
    pub fn observed(&self) -> Option<BTreeSet<PathBuf>> {
        if !self.repositories().is_empty() {
            return None;
        }
        let mut observed = self.sources();
        observed.extend(self.metadata_observed.iter().cloned());
        for package in &self.local {
            observed.extend(package.files.observed.iter().cloned());
            observed.extend(package.files.left_out.iter().map(|(file, _)| file.path.clone()));
        }
        let root = &self.workspace.root;
        for package in &self.packages {
            let wheels = package.wheels.iter().chain(&package.archive);
            observed.extend(wheels.filter_map(|wheel| wheel.undigested_file(root, &package.source)));
        }
        observed.extend(self.workspace.archives().iter().cloned());
        observed.extend(self.workspace.places_of_lockfile(&self.request.path));
        observed.extend(version_files(&self.subject.folder, &self.workspace.root));
        Some(observed)
    }
}

/// The git repository from which the build backend may compute the version of a package; `None` if it computes none.
fn repository_of_version(workspace: &Workspace, folder: &Path, shipping: Shipping) -> Option<PathBuf> {
    let computes = workspace.manifest(folder).is_none_or(Manifest::computes_version);
    let repository = repository_of(folder).filter(|_| shipping == Shipping::Wheel && computes)?;
    Some(repository.to_path_buf())
}

/// The packages of the layer of this request, by the lock. Packages without a version are not among them.
pub fn packages_of_layer(
    request: &Request,
    workspace: &Workspace,
    subject: &Subject,
) -> Result<Vec<LayeredPackage>, PlanError> {
    // No interpreter is known yet. Its patch version matters to almost no package.
    let environment = environment(subject, &format!("{}.0", subject.target.python))?;
    let reach = reach(request, workspace, subject, &environment)?;
    let versioned = reach.packages.iter().filter_map(|package| {
        Some(LayeredPackage { name: package.name.clone(), version: package.version.clone()? })
    });
    Ok(versioned.collect())
}

fn environment(subject: &Subject, python: &str) -> Result<MarkerEnvironment, PlanError> {
    marker_environment(subject.target, python)
        .ok_or_else(|| std::io::Error::other(format!("`{python}` is not a Python version")).into())
}

fn reach<'a>(
    request: &'a Request,
    workspace: &'a Workspace,
    subject: &'a Subject,
    environment: &MarkerEnvironment,
) -> Result<Reach<'a>, PlanError> {
    if request.layer.is_some() {
        reach_of_layer(request, workspace, subject, environment)
    } else {
        reach_of_function(request, workspace, subject, environment)
    }
}

/// The packages that a function ships.
fn reach_of_function<'a>(
    request: &'a Request,
    workspace: &'a Workspace,
    subject: &'a Subject,
    environment: &MarkerEnvironment,
) -> Result<Reach<'a>, PlanError> {
    let members = vec![subject.member.as_str()];
    let lock = &workspace.lock;
    let Some(member) = lock.package(&subject.member) else {
        return Ok(Reach { packages: Vec::new(), excluded: Vec::new(), members });
    };
    let Choice { extras, groups, exclude_packages, .. } = &request.choice;
    check_choice(member, &request.choice)?;
    check_layers(request, subject)?;
    let everything = Activation { extras, groups, excluded: &[] };
    if let Some(together) = lock.conflict(member, everything, environment) {
        return Err(PlanError::Conflict { together: wording::list(&together) });
    }
    let all = lock.reach(member, everything, environment);
    check_versions_in_layers(request, &all)?;
    if exclude_packages.is_empty() && request.layers.is_empty() {
        return Ok(Reach { packages: all, excluded: Vec::new(), members });
    }
    if exclude_packages.contains(&subject.member) {
        return Err(PlanError::ExcludesMember { member: subject.member.clone() });
    }
    let mut needed: Vec<&str> = all.iter().skip(1).map(|package| package.name.as_str()).collect();
    needed.sort_unstable();
    needed.dedup();
    if let Some(name) = exclude_packages.iter().find(|name| !needed.contains(&name.as_str())) {
        return Err(PlanError::ExcludesNothing {
            member: subject.member.clone(),
            name: name.clone(),
            hint: wording::did_you_mean(name, needed.iter().copied()),
            needed: wording::list(&needed),
        });
    }
    let mut packages =
        lock.reach(member, Activation { excluded: exclude_packages, ..everything }, environment);
    // The layer may lack a dependency of a package that it holds, such as one of an extra: that ships with the function.
    packages.retain(|package| {
        !layers::packages_in(&request.layers).any(|(layered, _)| layered.name == package.name)
    });
    needed.retain(|name| !packages.iter().any(|package| package.name == **name));
    Ok(Reach { packages, excluded: needed, members })
}

/// The packages that a layer holds, none of which is local.
fn reach_of_layer<'a>(
    request: &'a Request,
    workspace: &'a Workspace,
    subject: &'a Subject,
    environment: &MarkerEnvironment,
) -> Result<Reach<'a>, PlanError> {
    let lock = &workspace.lock;
    let members: Vec<&LockedPackage> =
        subject.layer_members.iter().filter_map(|name| lock.package(name)).collect();
    let needs = |package| lock.reach(package, Activation::default(), environment);
    let mut packages: BTreeMap<&str, &LockedPackage> = BTreeMap::new();
    for package in members.iter().flat_map(|member| needs(member)) {
        packages.insert(&package.name, package);
    }
    packages.retain(|_, package| package.local_folder().is_none());
    let chosen = request.layer.iter().flat_map(|layer| &layer.packages).collect::<Vec<_>>();
    if !chosen.is_empty() {
        if let Some(name) = chosen.iter().find(|name| !packages.contains_key(name.as_str())) {
            return Err(PlanError::LayerOfNothing {
                name: (*name).clone(),
                hint: wording::did_you_mean(name, packages.keys().copied()),
                needed: wording::list(&packages.keys().collect::<Vec<_>>()),
            });
        }
        let chosen = chosen.iter().filter_map(|name| packages.get(name.as_str()).copied());
        let chosen: BTreeSet<&str> = chosen.flat_map(needs).map(|package| package.name.as_str()).collect();
        packages.retain(|name, _| chosen.contains(name));
    }
    let all: BTreeSet<&str> = lock.packages().iter().map(|package| package.name.as_str()).collect();
    Ok(Reach {
        excluded: all.into_iter().filter(|name| !packages.contains_key(name)).collect(),
        packages: packages.into_values().collect(),
        members: members.into_iter().map(|member| member.name.as_str()).collect(),
    })
}

/// Refuses extras and groups that the member does not have.
fn check_choice(member: &LockedPackage, choice: &Choice) -> Result<(), PlanError> {
    let (extras, groups) = (member.extras(), member.groups());
    let member = || member.name.clone();
    if let Some((name, known)) = unknown(&choice.extras, &extras) {
        return Err(PlanError::UnknownExtra { member: member(), name, known });
    }
    if let Some((name, known)) = unknown(&choice.groups, &groups) {
        return Err(PlanError::UnknownGroup { member: member(), name, known });
    }
    Ok(())
}

/// The first of `names` that is not known, and the end of a sentence about those that are.
fn unknown(names: &[String], known: &BTreeSet<&str>) -> Option<(String, String)> {
    let name = names.iter().find(|name| !known.contains(name.as_str()))?;
    let hint = wording::did_you_mean(name, known.iter().copied());
    Some((name.clone(), format!("{hint}; it has {}", wording::list(&Vec::from_iter(known)))))
}

/// Refuses layers of another runtime or CPU, whose packages the function could not import.
fn check_layers(request: &Request, subject: &Subject) -> Result<(), PlanError> {
    let runtime = subject.target.runtime_name();
    let architecture = subject.target.architecture.lambda_name();
    let mut layers = request.layers.iter();
    match layers.find(|layer| layer.runtime != runtime || layer.architecture != architecture) {
        None => Ok(()),
        Some(layer) => Err(PlanError::LayerMismatch {
            layer: layer.name.clone(),
            found: format!("{} on {}", layer.runtime, layer.architecture),
            wanted: subject.target.to_string(),
        }),
    }
}

/// Refuses layers that hold another version than the function needs. A package that the function does not need is not a mistake:
/// a layer is for many functions.
fn check_versions_in_layers(request: &Request, reached: &[&LockedPackage]) -> Result<(), PlanError> {
    for (layered, layer) in layers::packages_in(&request.layers) {
        let Some(package) = reached.iter().find(|package| package.name == layered.name) else { continue };
        let locked = package.version.clone().unwrap_or_default();
        if locked != layered.version {
            return Err(PlanError::LayerVersion {
                layer: layer.name.clone(),
                package: layered.name.clone(),
                layered: layered.version.clone(),
                locked,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dependency_of_a_layered_package_ships_unless_the_layer_has_it() {
        let root = tempfile::tempdir().unwrap();
        let lock = r#"
            version = 1
            [[package]]
            name = "app"
            source = { virtual = "." }
            dependencies = [{ name = "client", extra = ["proxy"] }]
            [[package]]
            name = "client"
            version = "1.0"
            source = { registry = "https://example.com" }
            [package.optional-dependencies]
            proxy = [{ name = "proxy" }]
            [[package]]
            name = "proxy"
            version = "1.0"
            source = { registry = "https://example.com" }
        "#;
        fs_err::write(root.path().join("uv.lock"), lock).unwrap();
        let layer = json!({
            "name": "Packages", "runtime": "python3.13", "architecture": "x86_64",
            "packages": [{ "name": "client", "version": "1.0" }],
        });
        let options = json!({ "path": root.path().to_str(), "runtime": "python3.13", "layers": [layer] });
        let request = Request::from_json(&options).unwrap();
        let workspace = Workspace::open(&request.path).unwrap();
        let subject = Subject::of(&request, &workspace).unwrap();
        let plan = Plan::new(&request, &workspace, &subject, "3.13.5").unwrap();
        let names: Vec<&str> = plan.packages.iter().map(|package| package.name.as_str()).collect();
        assert_eq!((names, plan.excluded), (vec!["app", "proxy"], vec!["client"]));
    }
}
