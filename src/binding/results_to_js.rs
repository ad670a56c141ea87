//! The values that go out to JavaScript: bundles, verifications, comparisons, plans.

use std::collections::HashMap;

use napi_derive::napi;

use crate::compare::{self, Difference, FileChange, PackageChange};
use crate::container;
use crate::request::layers::LayeredPackage;

/// A bundle that was written.
#[napi(object)]
pub struct Bundle {
    /// The zip.
    pub zip_path: String,
    /// SHA-256 of the zip, in hex.
    pub sha256: String,
    /// Size of the zip in bytes.
    pub zip_bytes: f64,
    /// Size of the unpacked files in bytes.
    pub unzipped_bytes: f64,
    /// Number of files in the zip.
    pub files: u32,
    /// The packages in it.
    pub packages: Vec<Package>,
    /// Full version of the CPython that compiled.
    pub python: String,
    /// Number of `.py` files that ship without bytecode.
    pub not_compiled: u32,
    /// Warnings about problems that may occur on the target.
    #[napi(ts_type = "Array<import('./index').BundleWarning>")]
    pub warnings: Vec<Reason>,
    /// Whether the zip was cached.
    pub reused: bool,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// A package in a bundle.
#[napi(object)]
pub struct Package {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
    /// Size of its unpacked files in bytes.
    pub bytes: f64,
}

/// A package in a layer.
#[napi(object)]
pub struct LayerPackage {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
}

impl From<LayeredPackage> for LayerPackage {
    fn from(package: LayeredPackage) -> Self {
        Self { name: package.name, version: package.version }
    }
}

/// A bundle, or why only a container could make it.
#[napi(object)]
pub struct Attempt {
    /// The bundle.
    pub bundle: Option<Bundle>,
    /// Why this machine cannot make it.
    pub unavailable: Option<Reason>,
}

/// A reason with its stable code.
#[napi(object)]
pub struct Reason {
    /// The code.
    pub code: String,
    /// The message.
    pub message: String,
}

/// The container that CDK's Docker fallback runs.
#[napi(object)]
pub struct ContainerPlan {
    /// The image to add uv to.
    pub base_image: String,
    /// The uv to add.
    pub uv_version: String,
    /// Docker's name of the platform.
    pub platform: String,
    /// File name of the executable that builds.
    pub executable: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Environment variables that it needs.
    pub environment: HashMap<String, String>,
    /// Folders to mount beside the workspace.
    pub volumes: Vec<Volume>,
    /// The cache of this machine's uv.
    pub cache: Option<Volume>,
}

/// A folder of this machine that a container sees.
#[napi(object)]
pub struct Volume {
    /// The folder on this machine.
    pub host_path: String,
    /// The folder in the container.
    pub container_path: String,
}

impl From<container::Volume> for Volume {
    fn from(volume: container::Volume) -> Self {
        Self {
            host_path: volume.host_path.to_string_lossy().into_owned(),
            container_path: volume.container_path.to_owned(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "JavaScript numbers are exact up to 8 PiB")]
impl From<crate::Bundle> for Bundle {
    fn from(bundle: crate::Bundle) -> Self {
        Self {
            zip_path: bundle.zip_path.to_string_lossy().into_owned(),
            sha256: bundle.sha256,
            zip_bytes: bundle.zip_bytes as f64,
            unzipped_bytes: bundle.unzipped_bytes as f64,
            files: u32::try_from(bundle.files).unwrap_or(u32::MAX),
            packages: bundle
                .packages
                .into_iter()
                .map(|package| Package {
                    name: package.name,
                    version: package.version,
                    bytes: package.bytes as f64,
                })
                .collect(),
            python: bundle.python,
            not_compiled: u32::try_from(bundle.not_compiled).unwrap_or(u32::MAX),
            warnings: bundle
                .warnings
                .into_iter()
                .map(|warning| Reason { code: warning.code.to_string(), message: warning.message })
                .collect(),
            reused: bundle.reused,
            seconds: bundle.elapsed.as_secs_f64(),
        }
    }
}

/// The result of two builds of one bundle.
#[napi(object)]
pub struct Verification {
    /// Whether the bytes are the same.
    pub same: bool,
    /// SHA-256 of the first zip, in hex.
    pub sha256: String,
    /// SHA-256 of the second zip, in hex.
    pub second_sha256: String,
    /// Size of the first zip in bytes.
    pub zip_bytes: f64,
    /// Number of files in the first zip.
    pub files: u32,
    /// Full version of the CPython that compiled.
    pub python: String,
    /// Whether the second build began with an empty uv cache.
    pub cold_cache: bool,
    /// Why it began with another one.
    pub cold_cache_reason: Option<String>,
    /// The first difference.
    pub difference: Option<FirstDifference>,
    /// Every file that differs.
    pub differing_files: Vec<String>,
    /// How many entries the first build took from the remote cache.
    pub remote_entries: Option<f64>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// The first thing in which two zips differ.
#[napi(object)]
pub struct FirstDifference {
    /// The kind of the difference.
    #[napi(ts_type = "'contents' | 'onlyInFirst' | 'onlyInSecond' | 'container'")]
    pub kind: String,
    /// The file.
    pub entry: Option<String>,
    /// The offset in its contents, in bytes.
    pub offset: Option<f64>,
    /// The byte there in the first zip.
    pub first: Option<u32>,
    /// The byte there in the second zip.
    pub second: Option<u32>,
    /// The message.
    pub message: String,
}

/// The changes from one zip to another.
#[napi(object)]
pub struct Diff {
    /// Whether they are the same to the last byte.
    pub identical: bool,
    /// The first zip.
    pub before: DiffSide,
    /// The second zip.
    pub after: DiffSide,
    /// The packages that were added, removed or changed their version.
    pub packages: Vec<DiffPackage>,
    /// The files that were added, removed or changed.
    pub files: Vec<DiffFile>,
    /// How the zips differ although their files are the same.
    pub container: Option<String>,
}

/// One of two zips.
#[napi(object)]
pub struct DiffSide {
    /// SHA-256 of the zip, in hex.
    pub sha256: String,
    /// Size of the zip in bytes.
    pub zip_bytes: f64,
    /// Size of the unpacked files in bytes.
    pub unzipped_bytes: f64,
    /// Number of files in the zip.
    pub files: u32,
}

/// A package that was added, removed or changed its version.
#[napi(object)]
pub struct DiffPackage {
    /// The name.
    pub name: String,
    /// The version before.
    pub before: Option<String>,
    /// The version after.
    pub after: Option<String>,
}

/// A file that was added, removed or changed.
#[napi(object)]
pub struct DiffFile {
    /// The path in the zip.
    pub path: String,
    /// The size in bytes before.
    pub before: Option<f64>,
    /// The size in bytes after.
    pub after: Option<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "JavaScript numbers are exact up to 8 PiB")]
impl From<crate::verify::Verification> for Verification {
    fn from(verification: crate::verify::Verification) -> Self {
        let reason = verification.second_cache.reason_not_cold();
        Self {
            same: verification.difference.is_none(),
            sha256: verification.first.sha256,
            second_sha256: verification.second_sha256,
            zip_bytes: verification.first.zip_bytes as f64,
            files: u32::try_from(verification.first.files).unwrap_or(u32::MAX),
            python: verification.first.python,
            cold_cache: reason.is_none(),
            cold_cache_reason: reason.map(str::to_owned),
            difference: verification.difference.map(FirstDifference::from),
            differing_files: verification.differing_files,
            remote_entries: verification.remote_entries.map(|entries| entries as f64),
            seconds: verification.elapsed.as_secs_f64(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "JavaScript numbers are exact up to 8 PiB")]
impl From<Difference> for FirstDifference {
    fn from(difference: Difference) -> Self {
        let message = difference.to_string();
        let (kind, entry, place) = match difference {
            Difference::Contents { entry, offset, first, second } => {
                ("contents", Some(entry), Some((offset, first, second)))
            }
            Difference::OnlyInFirst { entry } => ("onlyInFirst", Some(entry), None),
            Difference::OnlyInSecond { entry } => ("onlyInSecond", Some(entry), None),
            Difference::Container { entry, .. } => ("container", entry, None),
        };
        Self {
            kind: kind.to_owned(),
            entry,
            offset: place.map(|(offset, ..)| offset as f64),
            first: place.and_then(|(_, first, _)| first).map(u32::from),
            second: place.and_then(|(.., second)| second).map(u32::from),
            message,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "JavaScript numbers are exact up to 8 PiB")]
impl From<compare::Diff> for Diff {
    fn from(diff: compare::Diff) -> Self {
        let side = |side: &compare::Side| DiffSide {
            sha256: side.sha256.clone(),
            zip_bytes: side.zip_bytes as f64,
            unzipped_bytes: side.unzipped_bytes as f64,
            files: u32::try_from(side.files).unwrap_or(u32::MAX),
        };
        let package = |PackageChange { name, before, after }| DiffPackage { name, before, after };
        let file = |FileChange { path, before, after }| DiffFile {
            path,
            before: before.map(|size| size as f64),
            after: after.map(|size| size as f64),
        };
        Self {
            identical: diff.is_identical(),
            before: side(&diff.before),
            after: side(&diff.after),
            container: diff.container(),
            packages: diff.packages.into_iter().map(package).collect(),
            files: diff.files.into_iter().map(file).collect(),
        }
    }
}
