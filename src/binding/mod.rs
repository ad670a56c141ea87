//! Binding: the only code that names napi. Options come in as JSON, reports and errors go out;
//! nothing about bundling is decided here.

#![expect(clippy::needless_pass_by_value, reason = "napi passes arguments by value")]

mod options_from_js;
mod promise;
mod results_to_js;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use napi::bindgen_prelude::{Env, Object};
use napi_derive::napi;
use options_from_js::{JsOptions, OutputDir, Result, to_js};
use promise::promise;
use results_to_js::{Attempt, Bundle, ContainerPlan, Diff, LayerPackage, Reason, Verification, Volume};

use crate::container::credentials::{self, HandoverFolder};
use crate::error::caught;
use crate::many_bundles::{bundle_all, bundle_next};
use crate::plan::default_handler;
use crate::plan::packages_of_layer;
use crate::plan::subject::{self, Subject};
use crate::request::existing_path;
use crate::target::PythonVersion;
use crate::{Error, Options, Workspace, archive, cli, container, find_root, many_bundles, remote};

/// Builds a bundle.
#[napi]
pub fn bundle_sync(
    #[napi(ts_arg_type = "unknown")] options: JsOptions,
    #[napi(ts_arg_type = "string")] output_dir: OutputDir,
) -> Result<Bundle> {
    caught(|| crate::bundle(&options.request()?, &output_dir.path()?))
        .map(Bundle::from)
        .map_err(|error| to_js(&error))
}

/// Builds a bundle without blocking.
#[napi(ts_return_type = "Promise<Bundle>")]
pub fn bundle(
    env: &Env,
    #[napi(ts_arg_type = "unknown")] options: JsOptions,
    #[napi(ts_arg_type = "string")] output_dir: OutputDir,
) -> napi::Result<Object<'_>> {
    // Resolves relative paths now, because the current folder may change before the work begins.
    let asked = options.request().and_then(|request| Ok((request, output_dir.path()?)));
    let work = move || asked.and_then(|(request, output)| crate::bundle(&request, &output));
    promise(env, work, Bundle::from)
}

/// Builds one of the bundles of a CDK app. If only a container could build it, returns the reason instead of
/// an error.
#[napi]
pub fn attempt_sync(
    #[napi(ts_arg_type = "unknown")] options: JsOptions,
    output_dir: String,
) -> Result<Attempt> {
    match caught(|| bundle_next(options.options()?, output_dir.as_ref())) {
        Ok(bundle) => Ok(Attempt { bundle: Some(bundle.into()), unavailable: None }),
        Err(error) if error.container_can_help() => Ok(Attempt {
            bundle: None,
            unavailable: Some(Reason { code: error.code().to_string(), message: error.message() }),
        }),
        Err(error) => Err(to_js(&error)),
    }
}

/// Names the executable of this package, which reaches remote caches.
#[napi]
pub fn set_executable(path: String) {
    remote::set_executable(path.into());
}

/// Ends the work of this process, and returns warnings. Call it at the end of the process.
#[napi(catch_unwind)]
pub fn finish() -> Vec<String> {
    many_bundles::finish().into_iter().map(|warning| warning.message).collect()
}

/// Builds many bundles at once, without blocking. `options` and `output_dirs` have one element for each. If
/// several fail, the error is that of the first one in order.
#[napi(ts_return_type = "Promise<Array<Bundle>>")]
pub fn bundle_all_of(
    env: &Env,
    #[napi(ts_arg_type = "Array<unknown>")] options: Vec<JsOptions>,
    #[napi(ts_arg_type = "Array<string>")] output_dirs: Vec<OutputDir>,
) -> napi::Result<Object<'_>> {
    let pairs = options.into_iter().zip(output_dirs);
    let asked: std::result::Result<Vec<(crate::Request, PathBuf)>, Error> =
        pairs.map(|(options, output)| Ok((options.request()?, output.path()?))).collect();
    let work = move || bundle_all(&asked?)?.into_iter().collect();
    let convert = |bundles: Vec<crate::Bundle>| bundles.into_iter().map(Bundle::from).collect::<Vec<_>>();
    promise(env, work, convert)
}

/// Builds a bundle twice, and compares the bytes.
#[napi]
pub fn verify_sync(
    #[napi(ts_arg_type = "unknown")] options: JsOptions,
    #[napi(ts_arg_type = "unknown")] settings: JsOptions,
) -> Result<Verification> {
    caught(|| crate::verify(&options.request()?, settings.verify_settings()?))
        .map(Verification::from)
        .map_err(|error| to_js(&error))
}

/// Builds a bundle twice without blocking, and compares the bytes.
#[napi(ts_return_type = "Promise<Verification>")]
pub fn verify(
    env: &Env,
    #[napi(ts_arg_type = "unknown")] options: JsOptions,
    #[napi(ts_arg_type = "unknown")] settings: JsOptions,
) -> napi::Result<Object<'_>> {
    let asked = options.request().and_then(|request| Ok((request, settings.verify_settings()?)));
    let work = move || asked.and_then(|(request, settings)| crate::verify(&request, settings));
    promise(env, work, Verification::from)
}

/// Says why each file is in a bundle, and why the others are not, as JSON.
#[napi]
pub fn explain_sync(#[napi(ts_arg_type = "unknown")] options: JsOptions) -> Result<String> {
    caught(|| explanation(&options.request()?)).map_err(|error| to_js(&error))
}

/// Explains without blocking, as JSON.
#[napi(ts_return_type = "Promise<string>")]
pub fn explain(env: &Env, #[napi(ts_arg_type = "unknown")] options: JsOptions) -> napi::Result<Object<'_>> {
    let asked = options.request();
    promise(env, move || explanation(&asked?), |json| json)
}

fn explanation(request: &crate::Request) -> std::result::Result<String, Error> {
    let explanation = crate::explain(request)?;
    serde_json::to_string(&explanation).map_err(|error| Error::Bug(error.to_string()))
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
pub fn options_digest(#[napi(ts_arg_type = "unknown")] options: JsOptions) -> Result<String> {
    digest(&options).map_err(|error| to_js(&error))
}

fn digest(options: &JsOptions) -> std::result::Result<String, Error> {
    let request = options.request()?;
    let workspace = Workspace::glance(&request.path)?;
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
pub fn default_handler(#[napi(ts_arg_type = "unknown")] options: JsOptions) -> Result<String> {
    options
        .request()
        .and_then(|request| {
            let workspace = Workspace::glance(&request.path)?;
            let subject = Subject::of(&request, &workspace)?;
            Ok(default_handler::default_handler(&workspace, &subject.member))
        })
        .map_err(|error| to_js(&error))
}

/// The name of the runtime of a package for which none is chosen.
#[napi(catch_unwind)]
pub fn default_runtime(path: String, package_name: Option<String>, is_layer: Option<bool>) -> Result<String> {
    existing_path(path.into())
        .map_err(Error::from)
        .and_then(|path| {
            Ok(subject::default_runtime(&path, package_name.as_deref(), is_layer.unwrap_or(false))?)
        })
        .map(PythonVersion::runtime_name)
        .map_err(|error| to_js(&error))
}

/// The names of all options, and of the options inside of them.
#[napi]
pub fn option_names() -> Vec<String> {
    Options::names().into_iter().collect()
}

/// Unpacks a zip of ours into a folder that exists.
#[napi]
pub fn unpack_zip(zip: String, folder: String) -> Result<()> {
    caught(|| Ok(archive::unpack(zip.as_ref(), folder.as_ref())?)).map_err(|error| to_js(&error))
}

/// The packages of a layer with these options, as far as the lock lists them.
#[napi(catch_unwind)]
pub fn layer_packages(#[napi(ts_arg_type = "unknown")] options: JsOptions) -> Result<Vec<LayerPackage>> {
    let packages = options.request().and_then(|request| {
        let workspace = Workspace::glance(&request.path)?;
        let subject = Subject::of(&request, &workspace)?;
        Ok(packages_of_layer(&request, &workspace, &subject)?)
    });
    packages
        .map(|packages| packages.into_iter().map(LayerPackage::from).collect())
        .map_err(|error| to_js(&error))
}

/// The container that CDK's Docker fallback runs for these options.
#[napi(catch_unwind)]
pub fn container_plan(#[napi(ts_arg_type = "unknown")] options: JsOptions) -> Result<ContainerPlan> {
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

/// The settings and credentials for a container, on disk until they are removed.
#[napi]
pub struct Handover(Option<HandoverFolder>);

#[napi]
impl Handover {
    /// The folder for the container; none if there is nothing to hand over.
    #[napi(getter)]
    pub fn folder(&self) -> Option<String> {
        self.0.as_ref().map(|folder| folder.path.to_string_lossy().into_owned())
    }

    /// The variable that names the file, in the container.
    #[napi(getter)]
    pub fn variable(&self) -> String {
        credentials::VARIABLE.to_owned()
    }

    /// The name of the file in its folder.
    #[napi(getter)]
    pub fn file(&self) -> String {
        credentials::FILE.to_owned()
    }

    /// Removes the folder.
    #[napi]
    pub fn remove(&mut self) {
        self.0 = None;
    }
}

/// Writes the settings and credentials for the container of these options, with the caller's own variables.
#[napi(catch_unwind)]
pub fn hand_over(
    #[napi(ts_arg_type = "unknown")] options: JsOptions,
    variables: BTreeMap<String, String>,
) -> Result<Handover> {
    let folder = options.request().and_then(|request| {
        let root = find_root(&request.path)?;
        let handover = credentials::Handover::gather(&root, variables);
        handover.write().map_err(Error::WorkFolder)
    });
    folder.map(Handover).map_err(|error| to_js(&error))
}

/// The version of this package.
#[napi]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
