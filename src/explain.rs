//! Explain: why each file is in a bundle, and why what was left out is not. The same walk as a bundle's, which ends before
//! the zip.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bundle::Means;
use crate::bytecode;
use crate::conditions::Conditions;
use crate::error::Error;
use crate::gather::{Gathered, merge};
use crate::identity::Surroundings;
use crate::pack::folder_in_zip;
use crate::project::{Absence, Aside, LeftOut, LocalPackage, Obstacle, Reach, Shipping, Way};
use crate::request::Request;
use crate::select::Package;
use crate::support::working_folder::WorkFolder;

/// What a bundle holds and what it does not, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The packages in the bundle, by name.
    pub packages: Vec<ExplainedPackage>,
    /// What is not in it.
    pub left_out: Vec<Omission>,
}

/// A package in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedPackage {
    /// The normalised name; for files that no package owns, `commandHooks`.
    pub name: String,
    /// The version.
    pub version: String,
    /// Why it is there.
    pub reason: String,
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
    /// It says what the package is.
    Metadata,
    /// It was compiled of a source beside it.
    Bytecode,
}

/// What is not in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Omission {
    /// Whether it is a package or a file.
    pub kind: OmissionKind,
    /// The name of the package, or the path of the file in the folder of its package.
    pub name: String,
    /// The package that the file is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Why it is not there.
    pub reason: String,
}

/// What sort of thing is left out.
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
    let conditions = Conditions::default();
    let means = Means::find(request, &conditions)?;
    let reach = means.project.reach(&means.environment)?;
    let surroundings = Surroundings::new(request, &means.project, &means.uv, &means.interpreter);
    let identity = surroundings.identity(&reach)?;
    let work = WorkFolder::new(&conditions.work).map_err(Error::WorkFolder)?;
    let gathered = means.gather(&reach, &identity, &surroundings.lock()?, work.path())?;

    let why = means.project.why(&reach, &means.environment);
    let reasons: BTreeMap<&str, String> =
        why.ways.iter().map(|way| (way.package.name.as_str(), reason(way))).collect();
    let mut left_out: Vec<Omission> = why
        .absent
        .iter()
        .map(|(way, absence)| Omission {
            kind: OmissionKind::Package,
            name: way.package.name.clone(),
            package: None,
            reason: reason_of_absence(way, absence, &reach),
        })
        .collect();
    for package in &reach.local {
        left_out.extend(omitted_files(&means, package, &gathered)?);
    }
    left_out.sort_by(|left, right| (left.kind, &left.name).cmp(&(right.kind, &right.name)));
    Ok(Explanation { packages: packages(&gathered, &reasons, request), left_out })
}

/// The packages with their files; a file that commands of the caller's made is theirs.
fn packages(
    gathered: &Gathered,
    reasons: &BTreeMap<&str, String>,
    request: &Request,
) -> Vec<ExplainedPackage> {
    const COMMANDS: &str = "commandHooks";
    let folder = folder_in_zip(request.layer.is_some());
    let mut owners: BTreeMap<&str, &Package> = BTreeMap::new();
    for pack in &gathered.packs {
        for file in &pack.files {
            if let Some(package) = pack.packages.first() {
                owners.entry(file.path.as_str()).or_insert(package);
            }
        }
    }
    let shipped = gathered.after_commands.as_ref().map_or(gathered.packs.as_slice(), std::slice::from_ref);
    let mut packages: BTreeMap<String, ExplainedPackage> = BTreeMap::new();
    for (path, file) in merge(shipped) {
        let owner = owners.get(path);
        let name = owner.map_or(COMMANDS, |package| &package.name);
        let package = packages.entry(name.to_owned()).or_insert_with(|| ExplainedPackage {
            name: name.to_owned(),
            version: owner.map_or_else(String::new, |package| package.version.clone()),
            reason: match owner {
                None => "made by your commands".to_owned(),
                Some(_) => reasons.get(name).cloned().unwrap_or_else(|| "needed by a member".to_owned()),
            },
            bytes: 0,
            files: Vec::new(),
        });
        let kind = if path.contains(".dist-info/") { FileKind::Metadata } else { FileKind::Content };
        let bytes = file.contents.shape.size;
        package.bytes += bytes;
        package.files.push(ExplainedFile { path: format!("{folder}{path}"), bytes, kind });
        if let Some(bytecode) = &file.bytecode {
            let path = format!("{folder}{}", bytecode::pyc_path(path, request.target.python));
            let bytes = bytecode.shape.size;
            package.bytes += bytes;
            package.files.push(ExplainedFile { path, bytes, kind: FileKind::Bytecode });
        }
    }
    packages.into_values().collect()
}

/// Why a package ships: the shortest way to it.
fn reason(way: &Way<'_>) -> String {
    let steps: Vec<String> = way.steps.iter().map(ToString::to_string).collect();
    match steps.as_slice() {
        [_] => "the package that is bundled".to_owned(),
        steps => steps.join(" -> "),
    }
}

fn reason_of_absence(way: &Way<'_>, absence: &Absence, reach: &Reach<'_>) -> String {
    let way = reason(way);
    match absence {
        Absence::Excluded => format!("`excludePackages` or a layer has it ({way})"),
        Absence::NeededByExcluded if reach.left_out.len() > 1 => {
            format!("only what is left out needs it, or a layer has it ({way})")
        }
        Absence::NeededByExcluded => format!("a layer has it ({way})"),
        Absence::Obstacle(Obstacle::Extra(extra)) => format!("it is in the extra `{extra}` ({way})"),
        Absence::Obstacle(Obstacle::Group(group)) => {
            format!("it is in the dependency group `{group}` ({way})")
        }
        Absence::Obstacle(Obstacle::Marker(marker)) => format!("`{marker}` does not hold in Lambda ({way})"),
    }
}

/// The files of a local package that do not ship, of those that git would track.
fn omitted_files(
    means: &Means<'_>,
    package: &LocalPackage,
    gathered: &Gathered,
) -> Result<Vec<Omission>, Error> {
    let sources = means.project.sources(package)?;
    let omission = |name: &str, reason: String| Omission {
        kind: OmissionKind::File,
        name: name.to_owned(),
        package: Some(package.name.clone()),
        reason,
    };
    let mut omissions: Vec<Omission> = sources
        .left_out
        .iter()
        .map(|(file, why)| {
            let reason = match why {
                LeftOut::Aside(Aside::Test) => "a test".to_owned(),
                LeftOut::Aside(Aside::AboutTheProject) => "about the project".to_owned(),
                LeftOut::Aside(Aside::Infrastructure) => "of a CDK app".to_owned(),
                LeftOut::Excluded { pattern } => format!("the pattern `{pattern}` of `exclude`"),
            };
            omission(&file.relative, reason)
        })
        .collect();
    if package.shipping == Shipping::Wheel {
        // A wheel has its files under other names than the sources: `src/app/main.py` is `app/main.py` there.
        let shipped: Vec<&str> = gathered
            .packs
            .iter()
            .filter(|pack| pack.packages.iter().any(|owner| owner.name == package.name))
            .flat_map(|pack| pack.files.iter().map(|file| file.path.as_str()))
            .collect();
        let ships = |source: &str| {
            shipped.iter().any(|path| source == *path || source.ends_with(&format!("/{path}")))
        };
        let missing = sources.files.iter().filter(|file| !ships(&file.relative));
        omissions.extend(missing.map(|file| {
            omission(&file.relative, "the build backend does not put it into the wheel".to_owned())
        }));
    }
    Ok(omissions)
}
