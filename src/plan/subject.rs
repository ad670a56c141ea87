//! The package that is bundled, and the runtime that it is bundled for.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::PlanError;
use crate::request::layers::LayerContents;
use crate::request::{Request, is_full_version};
use crate::support::wording;
use crate::target::{BundleKind, PythonVersion, Target};
use crate::workspace::lockfile::{LockedPackage, Lockfile};
use crate::workspace::{Workspace, WorkspaceError, normalize_name, python_versions};

/// The member that a request is about, and the target.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The normalised name of the member. For a layer of several members, one of them.
    pub member: String,
    /// The folder of the member.
    pub folder: PathBuf,
    /// The runtime and CPU.
    pub target: Target,
    /// The full Python version in the nearest `.python-version`, if there is one. A file that names only a minor version
    /// adds nothing to the runtime.
    pub pinned_python: Option<String>,
    /// Whether the bundle is a function or a layer.
    pub kind: BundleKind,
    /// The members whose packages a layer holds, by normalised names; empty for a function.
    pub layer_members: Vec<String>,
}

impl Subject {
    /// Finds the member of a request in the workspace, and checks that the project allows the runtime.
    pub fn of(request: &Request, workspace: &Workspace) -> Result<Self, PlanError> {
        let member = member(workspace, &request.path, request.package.as_deref(), request.layer.is_some())?;
        let python = match request.runtime {
            Some(python) => python,
            None => default_runtime_of(workspace, &member)?,
        };
        check_runtime(&workspace.lock, python)?;
        let target = Target::of(python, request.architecture);
        let folder = workspace.folder_of_member(&member);
        let layer_members = match &request.layer {
            Some(layer) => members_of_layer(workspace, layer, request.package.as_deref())?,
            None => Vec::new(),
        };
        let pinned_python = pinned_python(&folder, &workspace.root);
        let kind = if request.layer.is_some() { BundleKind::Layer } else { BundleKind::Function };
        Ok(Self { member, folder, target, pinned_python, kind, layer_members })
    }
}

impl Subject {
    /// A digest of the request, as SHA-256 in hex: equal for two requests exactly when they ask for the same bundle. It is free of
    /// machine paths, so that it is the same on every machine.
    pub fn digest_of(&self, request: &Request, workspace: &Workspace) -> String {
        let asked = [request.digest(&workspace.root), self.target.to_string()];
        wording::hex(&Sha256::digest(asked.join("\n")))
    }

    /// The file name of the zip.
    pub fn zip_name(&self) -> String {
        match self.kind {
            BundleKind::Function => format!("{}.zip", self.member),
            BundleKind::Layer => "layer.zip".to_owned(),
        }
    }
}

/// The full version in the nearest `.python-version` between `folder` and the workspace's root.
pub fn pinned_python(folder: &Path, root: &Path) -> Option<String> {
    python_versions::version_file(folder, root).filter(|version| is_full_version(version))
}

/// The runtime of a package for which no runtime is chosen: its `.python-version` names it. `path` is the workspace or any
/// folder in it, absolute and with links resolved.
pub fn default_runtime(
    path: &Path,
    package: Option<&str>,
    is_layer: bool,
) -> Result<PythonVersion, PlanError> {
    let workspace = Workspace::glance(path)?;
    let member = member(&workspace, path, package, is_layer)?;
    default_runtime_of(&workspace, &member)
}

/// The runtime that the `.python-version` of a member names. There is no other default, such as the newest runtime: an upgrade of
/// this program would then move functions in production to another Python.
fn default_runtime_of(workspace: &Workspace, member: &str) -> Result<PythonVersion, PlanError> {
    let version = python_versions::version_file(&workspace.folder_of_member(member), &workspace.root);
    if let Some(runtime) = version.as_deref().and_then(python_versions::runtime_of) {
        return Ok(runtime);
    }
    let requires = workspace.lock.requires_python.as_deref();
    let allowed = python_versions::allowed(requires);
    let Some(newest) = allowed.last() else {
        return Err(PlanError::NoRuntimeAllowed {
            requires: requires.unwrap_or_default().to_owned(),
            released: wording::list(&Target::released().collect::<Vec<_>>()),
        });
    };
    let names = runtime_names(&allowed);
    Err(PlanError::RuntimeRequired {
        because: match version {
            Some(version) => format!("`.python-version` says `{version}`, which is no runtime of Lambda"),
            None => "there is no `.python-version`".to_owned(),
        },
        allowed: match requires {
            Some(requires) => format!("`requires-python` (`{requires}`) allows {}", wording::list(&names)),
            None => format!("Lambda has {}", wording::list(&names)),
        },
        root: workspace.root.clone(),
        example: *newest,
    })
}

/// The member of a name, or else the one that `path` lies in. For a layer without a name, the first one.
fn member(
    workspace: &Workspace,
    path: &Path,
    name: Option<&str>,
    is_layer: bool,
) -> Result<String, PlanError> {
    match name {
        Some(name) => named_member(workspace, name),
        None => implied_member(workspace, path).or_else(|error| match workspace.lock.members().first() {
            Some(member) if is_layer => Ok(member.name.clone()),
            _ => Err(error),
        }),
    }
}

fn member_names(lock: &Lockfile) -> Vec<&str> {
    lock.members().iter().map(|member| member.name.as_str()).collect()
}

fn named_member(workspace: &Workspace, given: &str) -> Result<String, PlanError> {
    let name = normalize_name(given);
    let members = member_names(&workspace.lock);
    if members.contains(&name.as_str()) {
        return Ok(name);
    }
    Err(PlanError::UnknownPackage {
        root: workspace.root.clone(),
        name: given.to_owned(),
        hint: wording::did_you_mean(&name, members.iter().copied()),
        members: wording::list(&members),
    })
}

/// The innermost member whose folder holds `path`, or else the only member. The root's own project holds every path, so it counts
/// only if it is the only member.
fn implied_member(workspace: &Workspace, path: &Path) -> Result<String, PlanError> {
    let members = workspace.lock.members();
    let around = |member: &&LockedPackage| -> Option<usize> {
        let folder = workspace.folder_of(member)?.ok()?;
        (folder != workspace.root && path.starts_with(&folder)).then(|| folder.components().count())
    };
    let innermost =
        members.iter().filter_map(|member| Some((around(member)?, member))).max_by_key(|(depth, _)| *depth);
    match (innermost, members.as_slice()) {
        (Some((_, member)), _) => Ok(member.name.clone()),
        (None, [only]) => Ok(only.name.clone()),
        (None, []) => {
            Err(WorkspaceError::NoMembers { path: workspace.root.join(workspace.lockfile_name()) }.into())
        }
        (None, _) => Err(PlanError::PackageRequired {
            root: workspace.root.clone(),
            members: wording::list(&member_names(&workspace.lock)),
        }),
    }
}

/// The members that a layer names; else the one that the request names; else every member.
fn members_of_layer(
    workspace: &Workspace,
    layer: &LayerContents,
    package: Option<&str>,
) -> Result<Vec<String>, PlanError> {
    match (layer.package_names.as_slice(), package) {
        ([], None) => Ok(member_names(&workspace.lock).into_iter().map(str::to_owned).collect()),
        ([], Some(name)) => Ok(vec![named_member(workspace, name)?]),
        (names, _) => names.iter().map(|name| named_member(workspace, name)).collect(),
    }
}

fn runtime_names(pythons: &[PythonVersion]) -> Vec<String> {
    pythons.iter().map(|python| python.runtime_name()).collect()
}

fn check_runtime(lock: &Lockfile, runtime: PythonVersion) -> Result<(), PlanError> {
    let Some(requires) = &lock.requires_python else { return Ok(()) };
    if python_versions::allows(requires, runtime) {
        return Ok(());
    }
    let allowed = runtime_names(&python_versions::allowed(Some(requires)));
    Err(PlanError::RuntimeNotAllowed {
        requires: requires.clone(),
        runtime,
        allowed: if allowed.is_empty() { "another one".to_owned() } else { wording::alternatives(&allowed) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::ErrorCode;

    #[test]
    fn a_full_version_in_python_version_is_a_pin_and_a_minor_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = dunce::canonicalize(folder.path()).unwrap();
        let inner = root.join("packages/app");
        fs_err::create_dir_all(&inner).unwrap();
        assert_eq!(pinned_python(&inner, &root), None);
        fs_err::write(root.join(".python-version"), "# pin\n3.13.5\n").unwrap();
        assert_eq!(pinned_python(&inner, &root).as_deref(), Some("3.13.5"));
        fs_err::write(inner.join(".python-version"), "3.13\n").unwrap();
        assert_eq!(pinned_python(&inner, &root), None);
        fs_err::write(inner.join(".python-version"), "cpython-3.13.1").unwrap();
        assert_eq!(pinned_python(&inner, &root).as_deref(), Some("3.13.1"));
    }

    #[test]
    fn python_version_names_the_runtime_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let root = dunce::canonicalize(folder.path()).unwrap();
        let lock = "version = 1\nrequires-python = '>=3.12'\n\
            [[package]]\nname = 'app'\nsource = { virtual = '.' }\n";
        fs_err::write(root.join("uv.lock"), lock).unwrap();
        let default = || default_runtime(&root, None, false);
        let ways_out = format!(
            "set the option `runtime`, or write the version of Python into `.python-version` in `{}`, such as \
             `echo 3.14 > .python-version`; `requires-python` (`>=3.12`) allows `python3.12`, `python3.13` and `python3.14`",
            root.display()
        );
        let message = |default: Result<PythonVersion, PlanError>| {
            let error = default.unwrap_err();
            assert_eq!(error.code(), ErrorCode::RuntimeRequired);
            error.to_string()
        };
        assert_eq!(
            message(default()),
            format!("no runtime is chosen, and there is no `.python-version`: {ways_out}")
        );
        fs_err::write(root.join(".python-version"), "3.8\n").unwrap();
        assert_eq!(
            message(default()),
            format!(
                "no runtime is chosen, and `.python-version` says `3.8`, which is no runtime of Lambda: {ways_out}"
            )
        );
        fs_err::write(root.join(".python-version"), "3.12.7\n").unwrap();
        assert_eq!(default().unwrap().runtime_name(), "python3.12");
        fs_err::write(root.join("uv.lock"), lock.replace(">=3.12", ">=3.15")).unwrap();
        fs_err::remove_file(root.join(".python-version")).unwrap();
        assert_eq!(default().unwrap_err().code(), ErrorCode::RequiresPython);
    }
}
