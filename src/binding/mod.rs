//! Binding: the only code that names napi. Options come in as JSON, reports and errors go out;
//! nothing about bundling is decided here.

#![expect(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use napi::bindgen_prelude::{AsyncTask, Env, FromNapiValue, Task, TypeName, ValidateNapiValue};
use napi::sys;
use napi_derive::napi;
use serde_json::Value;

use crate::compare::{self, Difference, FileChange, PackageChange};
use crate::error::caught;
use crate::request::RequestError;
use crate::verify::VerifySettings;
use crate::{Error, Request, cli, container, find_root};

/// A stable error code, which napi puts into `error.code`.
pub struct Code(String);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<napi::Status> for Code {
    fn from(status: napi::Status) -> Self {
        Self(status.as_ref().to_owned())
    }
}

type Result<T> = napi::Result<T, Code>;

fn to_js(error: &Error) -> napi::Error<Code> {
    napi::Error::new(Code(error.code().to_owned()), error.to_string())
}

/// A bundle that was written.
#[napi(object)]
pub struct Bundle {
    /// The zip.
    pub path: String,
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
    /// What may go wrong on the target.
    #[napi(ts_type = "Array<import('./index').BundleWarning>")]
    pub warnings: Vec<Reason>,
    /// Whether nothing had to be made.
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
    /// The sentence.
    pub message: String,
}

/// What CDK's Docker fallback runs.
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
    /// The folder here.
    pub host_path: String,
    /// The folder there.
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
            path: bundle.path.to_string_lossy().into_owned(),
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
                .map(|warning| Reason { code: warning.code.to_owned(), message: warning.message })
                .collect(),
            reused: bundle.reused,
            seconds: bundle.elapsed.as_secs_f64(),
        }
    }
}

/// Options as JavaScript passes them. What is no plain value (a function, a symbol, a circle) is an
/// error of the request, not of napi, so reading them never fails here.
pub struct Options(std::result::Result<Value, String>);

impl FromNapiValue for Options {
    #[expect(unsafe_code, reason = "napi reads values by raw handles; these are passed on as they came")]
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        let value = unsafe { Option::<Value>::from_napi_value(env, value) };
        Ok(Self(value.map(Option::unwrap_or_default).map_err(|error| error.reason.clone())))
    }
}

impl TypeName for Options {
    fn type_name() -> &'static str {
        "BundleOptions"
    }

    fn value_type() -> napi::ValueType {
        napi::ValueType::Unknown
    }
}

impl ValidateNapiValue for Options {}

impl Options {
    fn plain(&self) -> std::result::Result<&Value, RequestError> {
        self.0.as_ref().map_err(|problem| RequestError::NotPlain { problem: problem.clone() })
    }

    fn request(&self) -> std::result::Result<Request, Error> {
        Ok(Request::from_options(self.plain()?)?)
    }

    fn verify_settings(&self) -> std::result::Result<VerifySettings, Error> {
        Ok(VerifySettings::from_options(self.plain()?)?)
    }
}

/// The one function behind every door.
fn run(options: &Options, output: &Path) -> std::result::Result<crate::Bundle, Error> {
    caught(|| crate::bundle(&options.request()?, output))
}

/// Builds a bundle.
#[napi]
pub fn bundle_sync(#[napi(ts_arg_type = "unknown")] options: Options, output_dir: String) -> Result<Bundle> {
    run(&options, output_dir.as_ref()).map(Bundle::from).map_err(|error| to_js(&error))
}

/// Builds a bundle, and tells apart what a container could do.
#[napi]
pub fn attempt_sync(
    #[napi(ts_arg_type = "unknown")] options: Options,
    output_dir: String,
) -> Result<Attempt> {
    match run(&options, output_dir.as_ref()) {
        Ok(bundle) => Ok(Attempt { bundle: Some(bundle.into()), unavailable: None }),
        Err(error) if error.container_can_help() => Ok(Attempt {
            bundle: None,
            unavailable: Some(Reason { code: error.code().to_owned(), message: error.to_string() }),
        }),
        Err(error) => Err(to_js(&error)),
    }
}

/// A bundle in the making, on another thread.
pub struct BundleTask {
    options: Options,
    output: PathBuf,
}

impl Task for BundleTask {
    // `compute` may only fail with napi's own error, so the outcome travels as a value.
    type Output = std::result::Result<crate::Bundle, Error>;
    type JsValue = Bundle;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(run(&self.options, &self.output))
    }

    fn resolve(&mut self, env: Env, outcome: Self::Output) -> napi::Result<Bundle> {
        outcome
            .map(Bundle::from)
            .map_err(|error| napi::Error::from(napi::JsError::from(to_js(&error)).into_unknown(env)))
    }
}

/// Builds a bundle without blocking.
#[napi(ts_return_type = "Promise<Bundle>")]
pub fn bundle(
    #[napi(ts_arg_type = "unknown")] options: Options,
    output_dir: String,
) -> AsyncTask<BundleTask> {
    AsyncTask::new(BundleTask { options, output: output_dir.into() })
}

/// What two builds of one bundle gave.
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
    /// Why it did not.
    pub cold_cache_reason: Option<String>,
    /// The first difference.
    pub difference: Option<FirstDifference>,
    /// Every file that differs.
    pub differing_files: Vec<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// The first thing in which two zips differ.
#[napi(object)]
pub struct FirstDifference {
    /// What kind of thing.
    #[napi(ts_type = "'contents' | 'onlyInFirst' | 'onlyInSecond' | 'container'")]
    pub kind: String,
    /// The file.
    pub entry: Option<String>,
    /// Where in its contents.
    pub offset: Option<f64>,
    /// The byte there in the first zip.
    pub first: Option<u32>,
    /// The byte there in the second zip.
    pub second: Option<u32>,
    /// The sentence.
    pub message: String,
}

/// What changed from one zip to another.
#[napi(object)]
pub struct Diff {
    /// Whether they are the same to the last byte.
    pub identical: bool,
    /// The one.
    pub before: DiffSide,
    /// The other.
    pub after: DiffSide,
    /// The packages that came, went or changed their version.
    pub packages: Vec<DiffPackage>,
    /// The files that came, went or changed.
    pub files: Vec<DiffFile>,
    /// What is different around the files.
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

/// A package that came, went or changed its version.
#[napi(object)]
pub struct DiffPackage {
    /// The name.
    pub name: String,
    /// The version before.
    pub before: Option<String>,
    /// The version after.
    pub after: Option<String>,
}

/// A file that came, went or changed.
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

/// The one function behind both doors of `verify`.
fn run_verify(
    options: &Options,
    settings: &Options,
) -> std::result::Result<crate::verify::Verification, Error> {
    caught(|| crate::verify(&options.request()?, settings.verify_settings()?))
}

/// Builds a bundle twice, and compares the bytes.
#[napi]
pub fn verify_sync(
    #[napi(ts_arg_type = "unknown")] options: Options,
    #[napi(ts_arg_type = "unknown")] settings: Options,
) -> Result<Verification> {
    run_verify(&options, &settings).map(Verification::from).map_err(|error| to_js(&error))
}

/// A verification in the making, on another thread.
pub struct VerifyTask {
    options: Options,
    settings: Options,
}

impl Task for VerifyTask {
    type Output = std::result::Result<crate::verify::Verification, Error>;
    type JsValue = Verification;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(run_verify(&self.options, &self.settings))
    }

    fn resolve(&mut self, env: Env, outcome: Self::Output) -> napi::Result<Verification> {
        outcome
            .map(Verification::from)
            .map_err(|error| napi::Error::from(napi::JsError::from(to_js(&error)).into_unknown(env)))
    }
}

/// Builds a bundle twice without blocking, and compares the bytes.
#[napi(ts_return_type = "Promise<Verification>")]
pub fn verify(
    #[napi(ts_arg_type = "unknown")] options: Options,
    #[napi(ts_arg_type = "unknown")] settings: Options,
) -> AsyncTask<VerifyTask> {
    AsyncTask::new(VerifyTask { options, settings })
}

/// Says what changed from one zip to another.
#[napi]
pub fn diff_sync(before: String, after: String) -> Result<Diff> {
    caught(|| Ok(crate::diff(before.as_ref(), after.as_ref())?))
        .map(Diff::from)
        .map_err(|error| to_js(&error))
}

/// Runs the command line with these arguments, and returns the exit code.
#[napi(catch_unwind)]
pub fn run_cli(arguments: Vec<String>) -> u8 {
    let name = OsString::from(env!("CARGO_PKG_NAME"));
    cli::run(std::iter::once(name).chain(arguments.into_iter().map(OsString::from)))
}

/// A digest of the options, stable and free of machine paths.
#[napi(catch_unwind)]
pub fn options_digest(#[napi(ts_arg_type = "unknown")] options: Options) -> Result<String> {
    digest(&options).map_err(|error| to_js(&error))
}

fn digest(options: &Options) -> std::result::Result<String, Error> {
    let request = options.request()?;
    let root = find_root(&request.path)?;
    Ok(request.digest(&root))
}

/// The nearest folder with a `uv.lock`, at or above `from`.
#[napi(catch_unwind)]
pub fn find_workspace_root(from: String) -> Result<String> {
    find_root(from.as_ref())
        .map(|root| root.to_string_lossy().into_owned())
        .map_err(|error| to_js(&error.into()))
}

/// What CDK's Docker fallback runs for these options.
#[napi(catch_unwind)]
pub fn container_plan(#[napi(ts_arg_type = "unknown")] options: Options) -> Result<ContainerPlan> {
    let plan = options.request().and_then(|request| container::plan(&request));
    plan.map(|plan| ContainerPlan {
        base_image: plan.base_image,
        uv_version: plan.uv_version,
        platform: plan.platform.to_owned(),
        executable: plan.executable,
        arguments: plan.arguments,
        environment: plan.environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        volumes: plan.volumes.into_iter().map(Volume::from).collect(),
        cache: plan.cache.map(Volume::from),
    })
    .map_err(|error| to_js(&error))
}

/// The version of this package.
#[napi]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
