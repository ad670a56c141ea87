//! Project: which workspace, which member, which local packages does it reach, which files are
//! theirs?

mod application;
mod handler;
pub mod history;
mod lock;
mod patterns;
mod python;
mod sources;
mod why;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use application::Aside;
pub use lock::{Artifact, Lock, LockedPackage, Source, Wish, marker_environment};
pub use lock::{Obstacle, Way};
pub use patterns::problem_of_pattern;
use pep508_rs::MarkerEnvironment;
pub use python::version_file;
use sources::computes_metadata;
pub use sources::{LeftOut, SourceFile, Sources, Staged, source_files, stage};
pub use why::{Absence, Why};

use crate::request::layer::{self, Held, Layer, LayerWish};
use crate::request::{Choice, Request};
use crate::support::wording;
use crate::target::{PythonVersion, Target};

/// The lockfile's name.
const LOCKFILE: &str = "uv.lock";

/// A workspace with its lock, and the member to bundle.
#[derive(Debug)]
pub struct Project {
    /// The folder of `uv.lock`, absolute and with its links resolved.
    pub root: PathBuf,
    /// What is locked.
    pub lock: Arc<Lock>,
    /// Every folder of the lock that holds the sources of a package.
    local_folders: Vec<PathBuf>,
    /// The normalised name of the member to bundle.
    pub member: String,
    /// The file name of the script, where the project is one: a single file with inline metadata (PEP 723), beside its
    /// lock. It is bundled as a project without a build system that has this one file.
    pub script: Option<String>,
    /// Which packages and files the caller chose.
    pub choice: Choice,
    /// Whether commands of the caller's run in the copy before it is built.
    has_commands: bool,
    /// The handler, which says something about which files are the application.
    handler: Option<String>,
    /// What a layer is to hold, where the bundle is one.
    pub layer: Option<LayerWish>,
    /// The layers of the function.
    layers: Vec<Layer>,
}

/// A package whose sources lie on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPackage {
    /// The normalised name.
    pub name: String,
    /// The version; empty where the project computes it.
    pub version: String,
    /// The folder of its `pyproject.toml`, absolute.
    pub folder: PathBuf,
    /// How its files come into the bundle.
    pub shipping: Shipping,
}

/// How the files of a local package come into the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shipping {
    /// It has a build system: it ships as the wheel that is built of it.
    Wheel,
    /// It has none (`uv init --app`): its files are copied as they lie.
    Copy,
}

/// Why a project cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// No lock anywhere above the folder.
    #[error("no `uv.lock` in `{}` or any folder above it: run `uv lock` in the project, or point `path` at it", .path.display())]
    NoLockfile {
        /// Where the search began.
        path: PathBuf,
    },
    /// No lock beside a script.
    #[error("no `{name}.lock` beside the script `{}`: run `uv lock --script {name}` there, or point `path` at a folder", .script.display())]
    NoScriptLockfile {
        /// The script.
        script: PathBuf,
        /// Its file name.
        name: String,
    },
    /// A file of the project cannot be read.
    #[error("failed to read the project: {source}")]
    Read {
        /// The cause, which names the file.
        #[from]
        source: io::Error,
    },
    /// The lock is no TOML, or lacks what every lock has.
    #[error("failed to parse `{}`: {source}; run `uv lock` to write it anew", .path.display())]
    BadLockfile {
        /// The lock.
        path: PathBuf,
        /// The cause.
        source: Box<toml::de::Error>,
    },
    /// The lock was written by a future uv.
    #[error("`{}` has format {found}, and this version reads format {}: update `uv-lambda-cdk`", .path.display(), lock::FORMAT)]
    NewLockfile {
        /// The lock.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// No member has the name.
    #[error("the workspace `{}` has no member `{name}`{hint}; its members are {members}", .root.display())]
    UnknownPackage {
        /// The workspace.
        root: PathBuf,
        /// The name as given.
        name: String,
        /// The nearest member, as the end of the sentence.
        hint: String,
        /// Every member.
        members: String,
    },
    /// The member is not clear.
    #[error("the workspace `{}` has several members: name one in the option `packageName` ({members})", .root.display())]
    PackageRequired {
        /// The workspace.
        root: PathBuf,
        /// Every member.
        members: String,
    },
    /// The lock has no member at all.
    #[error("`{}` locks no project: run `uv lock` beside a `pyproject.toml` with a `[project]` table", .path.display())]
    NoMembers {
        /// The lock.
        path: PathBuf,
    },
    /// The project does not allow the runtime.
    #[error(
        "the project's `requires-python` is `{requires}`, which leaves out the runtime python{runtime}: choose {allowed}, or change `requires-python` and run `uv lock`"
    )]
    RuntimeNotAllowed {
        /// What the lock requires.
        requires: String,
        /// The runtime's Python.
        runtime: PythonVersion,
        /// The Pythons that would do.
        allowed: String,
    },
    /// The project allows no runtime that could be a default.
    #[error(
        "the project's `requires-python` is `{requires}`, which leaves out every Python that Lambda has released ({released}): change it and run `uv lock`"
    )]
    NoRuntimeAllowed {
        /// What the lock requires.
        requires: String,
        /// The Pythons that Lambda has.
        released: String,
    },
    /// The member has no such extra.
    #[error("`{member}` has no extra `{name}` (option `extras`){known}")]
    UnknownExtra {
        /// The member.
        member: String,
        /// The name as given.
        name: String,
        /// The nearest name, and every name there is, as the end of the sentence.
        known: String,
    },
    /// The member has no such dependency group.
    #[error("`{member}` has no dependency group `{name}` (option `groups`){known}")]
    UnknownGroup {
        /// The member.
        member: String,
        /// The name as given.
        name: String,
        /// The nearest name, and every name there is, as the end of the sentence.
        known: String,
    },
    /// Extras and groups that the project declares to exclude each other.
    #[error("{together} do not go together: the project declares them as `conflicts`, so choose one of them")]
    Conflict {
        /// What does not go together.
        together: String,
    },
    /// The member cannot do without itself.
    #[error(
        "the option `excludePackages` names `{member}`, the package that is bundled: remove it from the list"
    )]
    ExcludesMember {
        /// The member.
        member: String,
    },
    /// A package that is excluded would not be there anyway.
    #[error(
        "`{member}` does not need `{name}` (option `excludePackages`) on this runtime{hint}; what it needs is {needed}"
    )]
    ExcludesNothing {
        /// The member.
        member: String,
        /// The name as given.
        name: String,
        /// The nearest name, as the end of the sentence.
        hint: String,
        /// Every package that the member needs.
        needed: String,
    },
    /// A pattern matches no file.
    #[error(
        "the pattern `{pattern}` (option `{option}`) matches no file of `{member}`: write it as in a `.gitignore` in `{}`, or remove it{because}", .folder.display()
    )]
    NothingMatches {
        /// The option: `include` or `exclude`.
        option: &'static str,
        /// The pattern.
        pattern: String,
        /// The member.
        member: String,
        /// The folder that the pattern is relative to.
        folder: PathBuf,
        /// What else there is to say, as the end of the sentence.
        because: &'static str,
    },
    /// A pattern takes the handler's module.
    #[error(
        "the handler `{handler}` needs `{file}`, which the pattern `{pattern}` (option `exclude`) leaves out: change the pattern, or add `!{file}` after it"
    )]
    ExcludesHandler {
        /// The handler.
        handler: String,
        /// The file of its module, relative to the member's folder.
        file: String,
        /// The pattern.
        pattern: String,
    },
    /// A layer is asked to hold what nobody needs.
    #[error("the layer cannot hold `{name}`{hint}, which no member needs; they need {needed}")]
    LayerOfNothing {
        /// The package.
        name: String,
        /// The nearest one, as the end of the sentence.
        hint: String,
        /// What is needed.
        needed: String,
    },
    /// A layer holds another version than the function needs.
    #[error(
        "the layer `{layer}` holds `{package}` {held}, and the function needs {locked}: make the layer from the same `uv.lock`, or leave it out"
    )]
    LayerVersion {
        /// The layer.
        layer: String,
        /// The package.
        package: String,
        /// The version in the layer.
        held: String,
        /// The version in the lock.
        locked: String,
    },
    /// A local package is gone.
    #[error("the folder `{}` of the local package `{name}` does not exist, though `uv.lock` names it: run `uv lock`", .folder.display())]
    MissingLocalPackage {
        /// The package.
        name: String,
        /// Its folder.
        folder: PathBuf,
    },
}

impl ProjectError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoLockfile { .. } | Self::NoScriptLockfile { .. } => "NO_LOCKFILE",
            Self::Read { .. } => "PROJECT_NOT_READABLE",
            Self::BadLockfile { .. } | Self::NewLockfile { .. } | Self::NoMembers { .. } => "BAD_LOCKFILE",
            Self::UnknownPackage { .. } => "UNKNOWN_PACKAGE",
            Self::PackageRequired { .. } => "PACKAGE_REQUIRED",
            Self::MissingLocalPackage { .. } => "LOCKFILE_OUTDATED",
            Self::RuntimeNotAllowed { .. } | Self::NoRuntimeAllowed { .. } => "REQUIRES_PYTHON",
            Self::UnknownExtra { .. } => "UNKNOWN_EXTRA",
            Self::UnknownGroup { .. } => "UNKNOWN_GROUP",
            Self::Conflict { .. } => "CONFLICTING_EXTRAS",
            Self::ExcludesMember { .. } => "INVALID_OPTIONS",
            Self::ExcludesNothing { .. } | Self::NothingMatches { .. } | Self::LayerOfNothing { .. } => {
                "NOTHING_MATCHES"
            }
            Self::ExcludesHandler { .. } => "HANDLER_NOT_FOUND",
            Self::LayerVersion { .. } => "LAYER_VERSION_MISMATCH",
        }
    }
}

/// The nearest folder with a `uv.lock`, at or above `path`; the folder of a script. Its links are resolved.
pub fn find_root(path: &Path) -> Result<PathBuf, ProjectError> {
    let start = dunce::canonicalize(path)?;
    if let (Some(_), Some(folder)) = (script_name(&start)?, start.parent()) {
        return Ok(folder.to_path_buf());
    }
    start
        .ancestors()
        .find(|folder| folder.join(LOCKFILE).is_file())
        .map(Path::to_path_buf)
        .ok_or_else(|| ProjectError::NoLockfile { path: start.clone() })
}

/// The file name of the script at `path`, where there is one; it has to have a lock beside it.
fn script_name(path: &Path) -> Result<Option<String>, ProjectError> {
    if !path.is_file() {
        return Ok(None);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if path.with_file_name(lock_of_script(&name)).is_file() {
        Ok(Some(name))
    } else {
        Err(ProjectError::NoScriptLockfile { script: path.to_path_buf(), name })
    }
}

/// Where `uv lock --script` puts the lock of a script.
fn lock_of_script(name: &str) -> String {
    format!("{name}.lock")
}

impl Project {
    /// Finds and reads the workspace that the request is about.
    pub fn open(request: &Request) -> Result<Self, ProjectError> {
        let Place { root, lock, member, script } =
            Place::find(&request.path, request.package.as_deref(), request.layer.is_some())?;
        let runtime = request.target.python;
        if let Some(requires) = &lock.requires_python
            && !python::allows(requires, runtime)
        {
            let allowed = Target::released().filter(|python| python::allows(requires, *python));
            let allowed: Vec<String> = allowed.map(|python| format!("python{python}")).collect();
            return Err(ProjectError::RuntimeNotAllowed {
                requires: requires.clone(),
                runtime,
                allowed: if allowed.is_empty() {
                    "another one".to_owned()
                } else {
                    wording::alternatives(&allowed)
                },
            });
        }
        let project = Self {
            local_folders: local_folders(&root, &lock),
            root,
            lock,
            member,
            script,
            choice: request.choice.clone(),
            has_commands: !request.hooks.before_bundling.is_empty(),
            handler: request.handler.clone(),
            layer: request.layer.clone().map(|layer| match &request.package {
                Some(name) if layer.package_names.is_empty() => {
                    LayerWish { package_names: vec![normalize_name(name)], ..layer }
                }
                _ => layer,
            }),
            layers: request.layers.clone(),
        };
        project.check_choice()?;
        Ok(project)
    }

    /// Refuses extras and groups that the member does not have.
    fn check_choice(&self) -> Result<(), ProjectError> {
        let Some(member) = self.lock.package(&self.member) else { return Ok(()) };
        let (extras, groups) = (member.extras(), member.groups());
        let member = || self.member.clone();
        if let Some((name, known)) = unknown(&self.choice.extras, &extras) {
            return Err(ProjectError::UnknownExtra { member: member(), name, known });
        }
        if let Some((name, known)) = unknown(&self.choice.groups, &groups) {
            return Err(ProjectError::UnknownGroup { member: member(), name, known });
        }
        Ok(())
    }

    /// Every folder of the lock that holds the sources of a package, once.
    pub fn local_folders(&self) -> &[PathBuf] {
        &self.local_folders
    }

    /// Whether uv must run a build backend to learn the version or the dependencies of a local package.
    pub fn computes_metadata(&self) -> bool {
        self.local_folders().iter().any(|folder| self.manifest_computes_metadata(folder))
    }

    /// Whether it must for the package in `folder`.
    pub fn manifest_computes_metadata(&self, folder: &Path) -> bool {
        // A script has its metadata in itself.
        let is_script = self.script.is_some() && folder == self.root;
        !is_script && computes_metadata(&folder.join("pyproject.toml"))
    }

    /// The file name of the lock.
    pub fn lockfile(&self) -> String {
        self.script.as_deref().map_or_else(|| LOCKFILE.to_owned(), lock_of_script)
    }

    /// The folder of the member to bundle.
    pub fn member_folder(&self) -> PathBuf {
        folder_of(&self.root, &self.lock, &self.member)
    }

    /// The folder that holds the workspace and everything that the lock finds by path.
    pub fn folder_of_everything(&self) -> PathBuf {
        sources::common_ancestor(
            &self.root,
            self.local_folders().iter().chain(&sources::path_references(self)).map(PathBuf::as_path),
        )
    }

    /// The folders of other packages that lie inside `folder`.
    pub fn folders_inside(&self, folder: &Path) -> Vec<PathBuf> {
        self.local_folders()
            .iter()
            .filter(|other| *other != folder && other.starts_with(folder))
            .cloned()
            .collect()
    }

    /// The packages that ship with the member on the target, itself first: the local ones as
    /// folders, and all of them as the lock has them.
    pub fn reach(&self, environment: &MarkerEnvironment) -> Result<Reach<'_>, ProjectError> {
        if let Some(wish) = &self.layer {
            return self.reach_of_layer(wish, environment);
        }
        let (packages, left_out) = self.walk(environment)?;
        let mut local = Vec::new();
        for package in &packages {
            let Some(folder) = package.local_folder() else { continue };
            let folder = self.root.join(folder);
            let folder = dunce::canonicalize(&folder)
                .map_err(|_| ProjectError::MissingLocalPackage { name: package.name.clone(), folder })?;
            let shipping = match package.source {
                Source::Virtual(_) => Shipping::Copy,
                _ => Shipping::Wheel,
            };
            let version = package.version.clone().unwrap_or_default();
            local.push(LocalPackage { name: package.name.clone(), version, folder, shipping });
        }
        Ok(Reach { packages, local, left_out, members: vec![self.member.as_str()] })
    }

    /// What a layer holds, as far as the lock says so.
    pub fn held(&self, environment: &MarkerEnvironment) -> Result<Vec<Held>, ProjectError> {
        let reach = self.reach(environment)?;
        let versioned = reach.packages.iter().filter_map(|package| {
            Some(Held { name: package.name.clone(), version: package.version.clone()? })
        });
        Ok(versioned.collect())
    }

    /// The members whose packages a layer holds.
    pub fn members_of_layer(&self, wish: &LayerWish) -> Vec<String> {
        match wish.package_names.as_slice() {
            [] => member_names(&self.lock).into_iter().map(str::to_owned).collect(),
            names => names.to_vec(),
        }
    }

    /// The packages that a layer holds, none of which is local.
    fn reach_of_layer(
        &self,
        wish: &LayerWish,
        environment: &MarkerEnvironment,
    ) -> Result<Reach<'_>, ProjectError> {
        let names = self.members_of_layer(wish);
        let names = names.iter().map(|name| named_member(&self.root, &self.lock, name));
        let names = names.collect::<Result<Vec<String>, _>>()?;
        let members: Vec<&LockedPackage> = names.iter().filter_map(|name| self.lock.package(name)).collect();
        let nothing = Wish { extras: &[], groups: &[], without: &[] };
        let needs = |package| self.lock.reach(package, nothing, environment);
        let mut packages: BTreeMap<&str, &LockedPackage> = BTreeMap::new();
        for package in members.iter().flat_map(|member| needs(member)) {
            packages.insert(&package.name, package);
        }
        packages.retain(|_, package| package.local_folder().is_none());
        if !wish.packages.is_empty() {
            if let Some(name) = wish.packages.iter().find(|name| !packages.contains_key(name.as_str())) {
                return Err(ProjectError::LayerOfNothing {
                    name: name.clone(),
                    hint: wording::did_you_mean(name, packages.keys().copied()),
                    needed: wording::list(&packages.keys().collect::<Vec<_>>()),
                });
            }
            let chosen = wish.packages.iter().filter_map(|name| packages.get(name.as_str()).copied());
            let chosen: BTreeSet<&str> =
                chosen.flat_map(needs).map(|package| package.name.as_str()).collect();
            packages.retain(|name, _| chosen.contains(name));
        }
        let all: BTreeSet<&str> = self.lock.packages().iter().map(|package| package.name.as_str()).collect();
        Ok(Reach {
            left_out: all.into_iter().filter(|name| !packages.contains_key(name)).collect(),
            packages: packages.into_values().collect(),
            local: Vec::new(),
            members: members.into_iter().map(|member| member.name.as_str()).collect(),
        })
    }

    /// Refuses layers that hold another version than the function needs. A package that it does not need is no mistake: a
    /// layer is for many functions.
    fn check_versions_in_layers(&self, reached: &[&LockedPackage]) -> Result<(), ProjectError> {
        for (held, layer) in layer::held(&self.layers) {
            let Some(package) = reached.iter().find(|package| package.name == held.name) else { continue };
            let locked = package.version.clone().unwrap_or_default();
            if locked != held.version {
                return Err(ProjectError::LayerVersion {
                    layer: layer.name.clone(),
                    package: held.name.clone(),
                    held: held.version.clone(),
                    locked,
                });
            }
        }
        Ok(())
    }

    /// The packages that the member reaches, and the names of those that it would reach if none were excluded.
    fn walk(
        &self,
        environment: &MarkerEnvironment,
    ) -> Result<(Vec<&LockedPackage>, Vec<&str>), ProjectError> {
        let Some(member) = self.lock.package(&self.member) else { return Ok((Vec::new(), Vec::new())) };
        let Choice { extras, groups, exclude_packages, .. } = &self.choice;
        let everything = Wish { extras, groups, without: &[] };
        if let Some(together) = self.lock.conflict(member, everything, environment) {
            return Err(ProjectError::Conflict { together: wording::list(&together) });
        }
        let all = self.lock.reach(member, everything, environment);
        self.check_versions_in_layers(&all)?;
        if exclude_packages.is_empty() && self.layers.is_empty() {
            return Ok((all, Vec::new()));
        }
        if exclude_packages.contains(&self.member) {
            return Err(ProjectError::ExcludesMember { member: self.member.clone() });
        }
        let mut needed: Vec<&str> = all.iter().skip(1).map(|package| package.name.as_str()).collect();
        needed.sort_unstable();
        needed.dedup();
        if let Some(name) = exclude_packages.iter().find(|name| !needed.contains(&name.as_str())) {
            return Err(ProjectError::ExcludesNothing {
                member: self.member.clone(),
                name: name.clone(),
                hint: wording::did_you_mean(name, needed.iter().copied()),
                needed: wording::list(&needed),
            });
        }
        let mut packages =
            self.lock.reach(member, Wish { without: exclude_packages, ..everything }, environment);
        // What a package in a layer needs may not be there, such as what it needs for an extra.
        packages.retain(|package| !layer::held(&self.layers).any(|(held, _)| held.name == package.name));
        needed.retain(|name| !packages.iter().any(|package| package.name == **name));
        Ok((packages, needed))
    }
}

/// The lock at `path`, which may be that of a script. An app has one lock for all its functions, so the last one is
/// remembered.
fn parsed(path: &Path, script: Option<&str>) -> Result<Arc<Lock>, ProjectError> {
    /// A lock, by what it was read from.
    type Known = ((String, Option<String>), Arc<Lock>);
    static LAST: Mutex<Option<Known>> = Mutex::new(None);

    let source = (fs_err::read_to_string(path)?, script.map(str::to_owned));
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, lock)) = last.as_ref()
        && *known == source
    {
        return Ok(Arc::clone(lock));
    }
    let lock: Lock = toml::from_str(&source.0)
        .map_err(|error| ProjectError::BadLockfile { path: path.to_path_buf(), source: Box::new(error) })?;
    if lock.version != lock::FORMAT {
        return Err(ProjectError::NewLockfile { path: path.to_path_buf(), found: lock.version });
    }
    let lock = Arc::new(match script {
        Some(name) => lock.with_script(&normalize_name(name.strip_suffix(".py").unwrap_or(name))),
        None => lock,
    });
    *last = Some((source, Arc::clone(&lock)));
    Ok(lock)
}

/// What ships with a member.
#[derive(Debug)]
pub struct Reach<'a> {
    /// Every package, the member first.
    pub packages: Vec<&'a LockedPackage>,
    /// Those among them whose sources lie on this machine, the member first.
    pub local: Vec<LocalPackage>,
    /// The names of the packages that would be among them if none were excluded.
    pub left_out: Vec<&'a str>,
    /// The members that need them, for each of which uv installs.
    pub members: Vec<&'a str>,
}

/// A workspace, its lock, and one of its members.
struct Place {
    root: PathBuf,
    lock: Arc<Lock>,
    member: String,
    script: Option<String>,
}

impl Place {
    /// A layer is of no one member: where nobody names one, any will do.
    fn find(path: &Path, package: Option<&str>, is_layer: bool) -> Result<Self, ProjectError> {
        let root = find_root(path)?;
        let script = script_name(path)?;
        let lockfile = root.join(script.as_deref().map_or_else(|| LOCKFILE.to_owned(), lock_of_script));
        let lock = parsed(&lockfile, script.as_deref())?;
        let member = match package {
            Some(name) => named_member(&root, &lock, name)?,
            None => implied_member(&root, &lock, path).or_else(|error| match lock.members().first() {
                Some(member) if is_layer => Ok(member.name.clone()),
                _ => Err(error),
            })?,
        };
        Ok(Self { root, lock, member, script })
    }
}

/// The Pythons that are right for a member by default, the best one first; never none. `path` is the workspace or any
/// folder in it, absolute and with its links resolved.
pub fn default_pythons(
    path: &Path,
    package: Option<&str>,
    is_layer: bool,
) -> Result<Vec<PythonVersion>, ProjectError> {
    let Place { root, lock, member, script: _ } = Place::find(path, package, is_layer)?;
    let folder = folder_of(&root, &lock, &member);
    let requires = lock.requires_python.as_deref();
    let defaults = python::defaults(requires, &folder, &root);
    if defaults.is_empty() {
        return Err(ProjectError::NoRuntimeAllowed {
            requires: requires.unwrap_or_default().to_owned(),
            released: wording::list(&Target::released().collect::<Vec<_>>()),
        });
    }
    Ok(defaults)
}

/// Every folder of the lock that holds the sources of a package, once.
fn local_folders(root: &Path, lock: &Lock) -> Vec<PathBuf> {
    let folders = lock.packages().iter().filter_map(LockedPackage::local_folder);
    let mut folders: Vec<PathBuf> =
        folders.filter_map(|folder| dunce::canonicalize(root.join(folder)).ok()).collect();
    folders.sort();
    folders.dedup();
    folders
}

/// The folder of a member.
fn folder_of(root: &Path, lock: &Lock, member: &str) -> PathBuf {
    let folder = lock.package(member).and_then(LockedPackage::local_folder);
    let folder = folder.and_then(|folder| dunce::canonicalize(root.join(folder)).ok());
    folder.unwrap_or_else(|| root.to_path_buf())
}

/// The one spelling of a package name, by the rule of
/// <https://packaging.python.org/en/latest/specifications/name-normalization/>.
pub fn normalize_name(name: &str) -> String {
    let mut normalized = String::with_capacity(name.len());
    for character in name.chars() {
        let is_separator = matches!(character, '-' | '_' | '.');
        if !is_separator {
            normalized.extend(character.to_lowercase());
        } else if !normalized.ends_with('-') {
            normalized.push('-');
        }
    }
    normalized
}

/// The first of `names` that is not known, and what to say about those that are.
fn unknown(names: &[String], known: &BTreeSet<&str>) -> Option<(String, String)> {
    let name = names.iter().find(|name| !known.contains(name.as_str()))?;
    let hint = wording::did_you_mean(name, known.iter().copied());
    Some((name.clone(), format!("{hint}; it has {}", wording::list(&Vec::from_iter(known)))))
}

fn member_names(lock: &Lock) -> Vec<&str> {
    lock.members().iter().map(|member| member.name.as_str()).collect()
}

fn named_member(root: &Path, lock: &Lock, given: &str) -> Result<String, ProjectError> {
    let name = normalize_name(given);
    let members = member_names(lock);
    if members.contains(&name.as_str()) {
        return Ok(name);
    }
    let hint = wording::did_you_mean(&name, members.iter().copied());
    Err(ProjectError::UnknownPackage {
        root: root.to_path_buf(),
        name: given.to_owned(),
        hint,
        members: wording::list(&members),
    })
}

/// The member whose folder holds `path`, the innermost one; or the only member. The root's own
/// project counts only where it is alone: its folder holds everything.
fn implied_member(root: &Path, lock: &Lock, path: &Path) -> Result<String, ProjectError> {
    let members = lock.members();
    let around = members
        .iter()
        .filter_map(|member| {
            let folder = dunce::canonicalize(root.join(member.local_folder()?)).ok()?;
            (folder != root && path.starts_with(&folder))
                .then_some((folder.components().count(), &member.name))
        })
        .max_by_key(|(depth, _)| *depth);
    match (around, members.as_slice()) {
        (Some((_, name)), _) => Ok(name.clone()),
        (None, [only]) => Ok(only.name.clone()),
        (None, []) => Err(ProjectError::NoMembers { path: root.join(LOCKFILE) }),
        (None, _) => Err(ProjectError::PackageRequired {
            root: root.to_path_buf(),
            members: wording::list(&member_names(lock)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_package_in_a_layer_needs_ships_unless_it_is_in_the_layer() {
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
        let layer = serde_json::json!({
            "name": "Packages", "pythonVersion": "3.13", "architecture": "x86_64",
            "packages": [{ "name": "client", "version": "1.0" }],
        });
        let project = Project {
            root: root.path().to_path_buf(),
            lock: Arc::new(toml::from_str(lock).unwrap()),
            local_folders: Vec::new(),
            member: "app".to_owned(),
            script: None,
            choice: Choice::default(),
            has_commands: false,
            handler: None,
            layer: None,
            layers: vec![serde_json::from_value(layer).unwrap()],
        };
        let target = Target::new("3.13", crate::target::Architecture::X86_64).unwrap();
        let reach = project.reach(&marker_environment(target, "3.13.5").unwrap()).unwrap();
        let names: Vec<&str> = reach.packages.iter().map(|package| package.name.as_str()).collect();
        assert_eq!((names, reach.left_out), (vec!["app", "proxy"], vec!["client"]));
    }

    #[test]
    fn names_are_normalised_as_the_index_does() {
        assert_eq!(normalize_name("Demo__Lambda.-1"), "demo-lambda-1");
    }
}
