//! Binding: the only code that names napi. Options come in as JSON, reports and errors go out;
//! nothing about bundling is decided here.

#![expect(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]

mod options_from_js;
mod results_to_js;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use napi::bindgen_prelude::{AsyncTask, Env, Task};
use napi_derive::napi;
use options_from_js::{Options, Result, to_js};
use results_to_js::{Attempt, Bundle, ContainerPlan, Diff, Held, Reason, Verification, Volume};

use crate::error::caught;
use crate::many::{bundle_all, bundle_next};
use crate::plan::default_handler;
use crate::plan::packages_of_layer;
use crate::plan::subject::{Subject, default_pythons};
use crate::request::existing_path;
use crate::secrets::container_credentials::{self, Handed};
use crate::{Error, Workspace, cli, container, find_root};

/// The one function behind every door.
fn run(options: &Options, output: &Path) -> std::result::Result<crate::Bundle, Error> {
    caught(|| crate::bundle(&options.request()?, output))
}

/// Builds a bundle.
#[napi]
pub fn bundle_sync(#[napi(ts_arg_type = "unknown")] options: Options, output_dir: String) -> Result<Bundle> {
    run(&options, output_dir.as_ref()).map(Bundle::from).map_err(|error| to_js(&error))
}

/// Builds a bundle of an app that asks for one after the other, and tells apart what a container could do.
#[napi]
pub fn attempt_sync(
    #[napi(ts_arg_type = "unknown")] options: Options,
    output_dir: String,
) -> Result<Attempt> {
    match caught(|| bundle_next(options.plain()?, output_dir.as_ref())) {
        Ok(bundle) => Ok(Attempt { bundle: Some(bundle.into()), unavailable: None }),
        Err(error) if error.container_can_help() => Ok(Attempt {
            bundle: None,
            unavailable: Some(Reason { code: error.code().to_owned(), message: error.message() }),
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

/// Bundles in the making, on other threads.
pub struct BundleAllTask {
    requests: Vec<(Options, PathBuf)>,
}

impl Task for BundleAllTask {
    type Output = std::result::Result<Vec<crate::Bundle>, Error>;
    type JsValue = Vec<Bundle>;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(run_all(&self.requests))
    }

    fn resolve(&mut self, env: Env, outcome: Self::Output) -> napi::Result<Vec<Bundle>> {
        outcome
            .map(|bundles| bundles.into_iter().map(Bundle::from).collect())
            .map_err(|error| napi::Error::from(napi::JsError::from(to_js(&error)).into_unknown(env)))
    }
}

/// Where several fail, the first of them in order is told of.
fn run_all(requests: &[(Options, PathBuf)]) -> std::result::Result<Vec<crate::Bundle>, Error> {
    let requests: Vec<(crate::Request, PathBuf)> = requests
        .iter()
        .map(|(options, output)| Ok((options.request()?, output.clone())))
        .collect::<std::result::Result<_, Error>>()?;
    bundle_all(&requests).into_iter().collect()
}

/// Builds many bundles at once, without blocking: the options of each, and its output folder.
#[napi(ts_return_type = "Promise<Array<Bundle>>")]
pub fn bundle_all_of(
    #[napi(ts_arg_type = "Array<unknown>")] options: Vec<Options>,
    output_dirs: Vec<String>,
) -> AsyncTask<BundleAllTask> {
    let output_dirs = output_dirs.into_iter().map(PathBuf::from);
    AsyncTask::new(BundleAllTask { requests: options.into_iter().zip(output_dirs).collect() })
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

/// The one function behind both doors of `explain`.
fn run_explain(options: &Options) -> std::result::Result<String, Error> {
    let explanation = caught(|| crate::explain(&options.request()?))?;
    serde_json::to_string(&explanation).map_err(|error| Error::Bug(error.to_string()))
}

/// Says why each file is in a bundle, and why what was left out is not, as JSON.
#[napi]
pub fn explain_sync(#[napi(ts_arg_type = "unknown")] options: Options) -> Result<String> {
    run_explain(&options).map_err(|error| to_js(&error))
}

/// An explanation in the making, on another thread.
pub struct ExplainTask {
    options: Options,
}

impl Task for ExplainTask {
    type Output = std::result::Result<String, Error>;
    type JsValue = String;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(run_explain(&self.options))
    }

    fn resolve(&mut self, env: Env, outcome: Self::Output) -> napi::Result<String> {
        outcome.map_err(|error| napi::Error::from(napi::JsError::from(to_js(&error)).into_unknown(env)))
    }
}

/// Explains without blocking, as JSON.
#[napi(ts_return_type = "Promise<string>")]
pub fn explain(#[napi(ts_arg_type = "unknown")] options: Options) -> AsyncTask<ExplainTask> {
    AsyncTask::new(ExplainTask { options })
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
    let workspace = Workspace::open(&request.path)?;
    Ok(Subject::of(&request, &workspace)?.digest_of(&request, &workspace))
}

/// The nearest folder with a `uv.lock`, at or above `from`.
#[napi(catch_unwind)]
pub fn find_workspace_root(from: String) -> Result<String> {
    find_root(from.as_ref())
        .map(|root| root.to_string_lossy().into_owned())
        .map_err(|error| to_js(&error.into()))
}

/// The handler of a function that names none.
#[napi(catch_unwind)]
pub fn default_handler(#[napi(ts_arg_type = "unknown")] options: Options) -> Result<String> {
    options
        .request()
        .and_then(|request| {
            let workspace = Workspace::open(&request.path)?;
            let subject = Subject::of(&request, &workspace)?;
            Ok(default_handler::default_handler(&workspace, &subject.member))
        })
        .map_err(|error| to_js(&error))
}

/// The Pythons that are right for a package by default, the best one first; there is at least one.
#[napi(catch_unwind)]
pub fn default_python_versions(
    path: String,
    package_name: Option<String>,
    is_layer: Option<bool>,
) -> Result<Vec<String>> {
    let pythons = existing_path(path.into())
        .map_err(Error::from)
        .and_then(|path| Ok(default_pythons(&path, package_name.as_deref(), is_layer.unwrap_or(false))?));
    pythons.map(|pythons| pythons.iter().map(ToString::to_string).collect()).map_err(|error| to_js(&error))
}

/// What a layer of these options holds, as far as the lock says so.
#[napi(catch_unwind)]
pub fn layer_packages(#[napi(ts_arg_type = "unknown")] options: Options) -> Result<Vec<Held>> {
    let held = options.request().and_then(|request| {
        let workspace = Workspace::open(&request.path)?;
        let subject = Subject::of(&request, &workspace)?;
        Ok(packages_of_layer(&request, &workspace, &subject)?)
    });
    held.map(|held| held.into_iter().map(Held::from).collect()).map_err(|error| to_js(&error))
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

/// What a container is handed, on disk until it is removed.
#[napi]
pub struct Handover(Option<Handed>);

#[napi]
impl Handover {
    /// The folder for the container; none where there is nothing to hand over.
    #[napi(getter)]
    pub fn folder(&self) -> Option<String> {
        self.0.as_ref().map(|handed| handed.folder.to_string_lossy().into_owned())
    }

    /// The variable that names the file, in the container.
    #[napi(getter)]
    pub fn variable(&self) -> String {
        container_credentials::VARIABLE.to_owned()
    }

    /// The name of the file in its folder.
    #[napi(getter)]
    pub fn file(&self) -> String {
        container_credentials::FILE.to_owned()
    }

    /// Removes it.
    #[napi]
    pub fn remove(&mut self) {
        self.0 = None;
    }
}

/// Writes down what a container is handed for these options, and the caller's own variables with it.
#[napi(catch_unwind)]
pub fn hand_over(
    #[napi(ts_arg_type = "unknown")] options: Options,
    variables: BTreeMap<String, String>,
) -> Result<Handover> {
    let handed = options.request().and_then(|request| {
        let root = find_root(&request.path)?;
        let handover = container_credentials::Handover::gather(&root, variables);
        handover.write().map_err(Error::WorkFolder)
    });
    handed.map(Handover).map_err(|error| to_js(&error))
}

/// The version of this package.
#[napi]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
