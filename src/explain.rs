//! Explain: why each file is in a bundle, and why others are left out. Runs the stages of a bundle up to the
//! zip.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bundle::{expected_keys, gather, shared_entries};
use crate::bytecode;
use crate::error::Error;
use crate::pack::bundle_files::BundleFiles;
use crate::pack::find_or_make::Packs;
use crate::plan::dependencies::{DependencyPath, Obstacle};
use crate::plan::package_files::LeftOutBecause;
use crate::plan::reasons::Absence;
use crate::plan::subject::Subject;
use crate::plan::{LocalPackage, NotApplication, Plan, Shipping};
use crate::request::Request;
use crate::select::Package;
use crate::workshop::{Conditions, Workshop};
use crate::workspace::Workspace;

/// The packages and files that are in a bundle and those that are not, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The packages in the bundle, by name.
    pub packages: Vec<ExplainedPackage>,
    /// The packages and files that are left out.
    pub left_out: Vec<Omission>,
}

/// A package in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedPackage {
    /// The normalised name; for files that no package owns, `hooks`.
    pub name: String,
    /// The version.
    pub version: String,
    /// Why it is there.
    pub reason: String,
    /// The source that it was built from on this machine, if the lock has no wheel of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub built_from: Option<String>,
    /// The packages that it was built with, as `setuptools==80.9.0`. The lock does not have them: another machine may have others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub built_with: Option<Vec<String>>,
    /// Size of its unpacked files in bytes, bytecode included.
    pub bytes: u64,
    /// Its files, by path.
    pub files: Vec<ExplainedFile>,
}

/// A file in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedFile {
    /// Its path in the zip.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Why it is there.
    pub kind: FileKind,
}

/// Why a file of a package is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FileKind {
    /// The package brings it.
    Content,
    /// It describes the package.
    Metadata,
    /// It was compiled from a source file.
    Bytecode,
}

/// A package or file that is left out of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Omission {
    /// Whether it is a package or a file.
    pub kind: OmissionKind,
    /// The name of the package, or the path of the file in the folder of its package.
    pub name: String,
    /// The package of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Why it is not there.
    pub reason: String,
}

/// The kind of an omission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum OmissionKind {
    /// A package.
    Package,
    /// A file of a local package.
    File,
}

/// Explains the bundle that `request` asks for.
pub fn explain(request: &Request) -> Result<Explanation, Error> {
    let workspace = Workspace::open(&request.path)?;
    let subject = Subject::of(request, &workspace)?;
    let workshop = Workshop::open(request, &workspace, &subject, &Conditions::default())?;
    let plan = Plan::new(request, &workspace, &subject, &workshop.interpreter.version)?;
    let expected = expected_keys(&plan, &workshop)?;
    workshop.fetch(&shared_entries(&plan, &expected));
    let (packs, keys) = gather(&plan, &workshop, &expected)?;

    let reasons = plan.reasons();
    let present: BTreeMap<&str, String> =
        reasons.present.iter().map(|path| (path.package.name.as_str(), reason(path))).collect();
    let mut left_out: Vec<Omission> = reasons
        .absent
        .iter()
        .map(|(path, absence)| Omission {
            kind: OmissionKind::Package,
            name: path.package.name.clone(),
            package: None,
            reason: reason_of_absence(path, absence),
        })
        .collect();
    for package in &plan.local {
        left_out.extend(omitted_files(package, &packs));
    }
    left_out.sort_by(|left, right| (left.kind, &left.name).cmp(&(right.kind, &right.name)));
    let mut packages = packages(&packs, &present, &plan);
    for package in &mut packages {
        if let Some(source) = plan.source_of(&package.name) {
            package.built_from = Some(source.label.clone());
            package.built_with = keys.backends.get(&package.name).cloned();
        }
    }
    Ok(Explanation { packages, left_out })
}

/// The packages with their files. Files that the user's commands made are listed under `hooks`.
fn packages(packs: &Packs, reasons: &BTreeMap<&str, String>, plan: &Plan<'_>) -> Vec<ExplainedPackage> {
    const COMMANDS: &str = "hooks";
    let folder = plan.subject.kind.folder_in_zip();
    let mut owners: BTreeMap<&str, &Package> = BTreeMap::new();
    for pack in &packs.packs {
        for file in &pack.files {
            if let Some(package) = pack.packages.first() {
                owners.entry(file.path.as_str()).or_insert(package);
            }
        }
    }
    let mut packages: BTreeMap<String, ExplainedPackage> = BTreeMap::new();
    for (path, file) in BundleFiles::of(packs.shipping()).files {
        let owner = owners.get(path);
        let name = owner.map_or(COMMANDS, |package| &package.name);
        let package = packages.entry(name.to_owned()).or_insert_with(|| ExplainedPackage {
            name: name.to_owned(),
            version: owner.map_or_else(String::new, |package| package.version.clone()),
            reason: match owner {
                None => "made by your commands".to_owned(),
                Some(_) => reasons.get(name).cloned().unwrap_or_else(|| "needed by a member".to_owned()),
            },
            built_from: None,
            built_with: None,
            bytes: 0,
            files: Vec::new(),
        });
        let kind = if path.contains(".dist-info/") { FileKind::Metadata } else { FileKind::Content };
        let bytes = file.contents.shape.size;
        package.bytes += bytes;
        package.files.push(ExplainedFile { path: format!("{folder}{path}"), bytes, kind });
        if let Some(bytecode) = &file.bytecode {
            let path = format!("{folder}{}", bytecode::pyc_path(path, plan.subject.target.python));
            let bytes = bytecode.shape.size;
            package.bytes += bytes;
            package.files.push(ExplainedFile { path, bytes, kind: FileKind::Bytecode });
        }
    }
    packages.into_values().collect()
}

/// Why a package ships: the shortest path of dependencies to it.
fn reason(path: &DependencyPath<'_>) -> String {
    let steps: Vec<String> = path.steps.iter().map(ToString::to_string).collect();
    match steps.as_slice() {
        [_] => "the package that is bundled".to_owned(),
        steps => steps.join(" -> "),
    }
}

fn reason_of_absence(path: &DependencyPath<'_>, absence: &Absence) -> String {
    let path = reason(path);
    match absence {
        Absence::Excluded => format!("`excludePackages` names it ({path})"),
        Absence::InLayer => format!("a layer has it ({path})"),
        Absence::NeededByExcluded => format!("only packages that are left out need it ({path})"),
        Absence::Obstacle(Obstacle::Extra(extra)) => format!("it is in the extra `{extra}` ({path})"),
        Absence::Obstacle(Obstacle::Group(group)) => {
            format!("it is in the dependency group `{group}` ({path})")
        }
        Absence::Obstacle(Obstacle::Marker(marker)) => format!("`{marker}` does not hold in Lambda ({path})"),
    }
}

/// The files of a local package that git would track and that do not ship.
fn omitted_files(package: &LocalPackage, packs: &Packs) -> Vec<Omission> {
    let files = &package.files;
    let omission = |name: &str, reason: String| Omission {
        kind: OmissionKind::File,
        name: name.to_owned(),
        package: Some(package.name.clone()),
        reason,
    };
    let mut omissions: Vec<Omission> = files
        .left_out
        .iter()
        .map(|(file, why)| {
            let reason = match why {
                LeftOutBecause::NotApplication(NotApplication::Test) => "a test".to_owned(),
                LeftOutBecause::NotApplication(NotApplication::AboutTheProject) => {
                    "about the project".to_owned()
                }
                LeftOutBecause::NotApplication(NotApplication::Infrastructure) => "of a CDK app".to_owned(),
                LeftOutBecause::Excluded { pattern } => format!("the pattern `{pattern}` of `exclude`"),
            };
            omission(&file.relative, reason)
        })
        .collect();
    if package.shipping == Shipping::Wheel {
        // A wheel has its files under other names than the sources: `src/app/main.py` is `app/main.py` there.
        let shipped: Vec<&str> = packs
            .packs
            .iter()
            .filter(|pack| pack.packages.iter().any(|owner| owner.name == package.name))
            .flat_map(|pack| pack.files.iter().map(|file| file.path.as_str()))
            .collect();
        let ships = |source: &str| {
            shipped.iter().any(|path| source == *path || source.ends_with(&format!("/{path}")))
        };
        let missing = files.inside.iter().filter(|file| !ships(&file.relative));
        omissions.extend(missing.map(|file| {
            omission(&file.relative, "the build backend does not put it into the wheel".to_owned())
        }));
    }
    omissions
}
