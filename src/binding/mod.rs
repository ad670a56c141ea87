//! Binding: the only code that names napi. Options come in as JSON, reports and errors go out;
//! nothing about bundling is decided here.

#![expect(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use napi::bindgen_prelude::{AsyncTask, Env, FromNapiValue, Task, TypeName, ValidateNapiValue};
use napi::sys;
use napi_derive::napi;
use serde_json::Value;

use crate::request::RequestError;
use crate::{Error, Request, container, find_root};

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
}

/// A folder of this machine that a container sees.
#[napi(object)]
pub struct Volume {
    /// The folder here.
    pub host_path: String,
    /// The folder there.
    pub container_path: String,
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
    fn request(&self) -> std::result::Result<Request, Error> {
        let options =
            self.0.as_ref().map_err(|problem| RequestError::NotPlain { problem: problem.clone() })?;
        Ok(Request::from_options(options)?)
    }
}

/// The one function behind every door. A panic becomes an error: it must not take Node down.
fn run(options: &Options, output: &Path) -> std::result::Result<crate::Bundle, Error> {
    let walk = AssertUnwindSafe(|| crate::bundle(&options.request()?, output));
    catch_unwind(walk).unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<&str>()
            .map(|said| (*said).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Error::Bug(said.unwrap_or_else(|| "it panicked".to_owned())))
    })
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
        volumes: plan
            .volumes
            .into_iter()
            .map(|volume| Volume {
                host_path: volume.host_path.to_string_lossy().into_owned(),
                container_path: volume.container_path.to_owned(),
            })
            .collect(),
    })
    .map_err(|error| to_js(&error))
}

/// The version of this package.
#[napi]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
