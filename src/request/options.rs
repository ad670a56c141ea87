//! The one list of options. Everything else follows from it: the names in JSON (`BundleOptions` in `index.d.ts`), the flags of
//! the command line with their help, the list of known options in messages, and the options that a container gets.

use std::collections::BTreeSet;

use clap::{ArgAction, Args, Command};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::request::RequestError;
use crate::request::hooks::Hooks;
use crate::request::layers::{FunctionLayer, LayerContents};
use crate::request::options_from_json::options_from_json;
use crate::request::size_limits::SizeLimits;

/// A list that is one flag on the command line. (clap takes a `Vec` for a flag that may be repeated.)
type FunctionLayers = Vec<FunctionLayer>;

/// The options of a bundle as the caller gives them, not yet checked. An absent option is `None`.
///
/// The comments on the fields are the help of the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Args)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default, expecting = "an object")]
pub struct Options {
    /// The uv workspace, or any folder in it
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub path: Option<String>,
    /// The workspace member [default: the member that `--path` lies in, or the only member]
    #[arg(long = "package", value_name = "NAME")]
    pub package_name: Option<String>,
    /// The function that Lambda calls, such as `app.main.handler`; the build fails if it is not in the zip
    #[arg(long, value_name = "HANDLER")]
    pub handler: Option<String>,
    /// The Lambda runtime, such as `python3.13` [default: the one of the Python in `.python-version`]
    #[arg(long, value_name = "RUNTIME")]
    pub runtime: Option<String>,
    /// The CPU of the Lambda function: `x86_64` or `arm64`
    #[arg(long, value_name = "CPU", default_value = "x86_64")]
    pub architecture: Option<String>,
    /// The Python that compiles: its path, or a full version such as `3.13.5` [default: the version in
    /// `.python-version`, or one that this machine has]
    #[arg(long, value_name = "PYTHON")]
    pub python: Option<String>,
    /// The uv executable [default: the one on PATH]
    #[arg(long, value_name = "PATH")]
    pub uv: Option<String>,
    /// Build packages that have no wheel from source, on this machine: correct only if it runs the system of the runtime
    #[arg(long, action = ArgAction::SetTrue)]
    pub native_builds: Option<bool>,
    /// Do not build packages that are there only as source, even if they are pure Python
    #[arg(long = "no-source-builds", action = ArgAction::SetFalse)]
    pub source_builds: Option<bool>,
    /// An extra of the package (`[project.optional-dependencies]`) to include; may be repeated
    #[arg(long = "extra", value_name = "NAME")]
    pub extras: Option<Vec<String>>,
    /// A dependency group of the package (`[dependency-groups]`) to include; may be repeated
    #[arg(long = "group", value_name = "NAME")]
    pub groups: Option<Vec<String>>,
    /// A package to leave out, with the packages that only it needs: for a package that the runtime has; may be repeated
    #[arg(long = "exclude-package", value_name = "NAME")]
    pub exclude_packages: Option<Vec<String>>,
    /// A gitignore pattern of files to include although git ignores them or they look like tests; may be repeated
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub include: Option<Vec<String>>,
    /// A gitignore pattern of files to leave out; may be repeated
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub exclude: Option<Vec<String>>,
    /// Commands of the caller around the build
    #[command(flatten)]
    pub hooks: Option<Hooks>,
    /// Do not read or write the cache
    #[arg(long = "no-cache", action = ArgAction::SetFalse)]
    pub cache: Option<bool>,
    /// The folder of the cache [default: `UV_LAMBDA_CDK_CACHE_DIR`, or `uv-lambda-cdk` in your folder for caches]
    #[arg(long, value_name = "FOLDER")]
    pub cache_dir: Option<String>,
    /// The address of a cache that a team shares, such as `s3://bucket/prefix?region=eu-west-1`
    /// [default: `UV_LAMBDA_CDK_REMOTE_CACHE`]
    #[arg(long, value_name = "ADDRESS")]
    pub remote_cache: Option<String>,
    /// The size limits of the bundle
    #[command(flatten)]
    pub max_size: Option<SizeLimits>,
    /// The packages of the layer, if the bundle is a layer
    #[command(flatten)]
    pub layer: Option<LayerContents>,
    /// The layers of the function, as JSON; the packages in them are left out of the bundle
    #[arg(long, value_name = "JSON", value_parser = layers_from_argument)]
    pub layers: Option<FunctionLayers>,
}

impl Options {
    /// Reads options as JavaScript passes them. `null` is the same as absent.
    pub fn from_json(options: &Value) -> Result<Self, RequestError> {
        options_from_json(options)
    }

    /// The names of all options, and of the options inside of them, as JSON has them: `maxSize` and `unzipped`.
    pub fn names() -> BTreeSet<String> {
        let command = Self::augment_args(Command::new(""));
        let paths = command.get_arguments().map(|flag| name_in_json(flag.get_id().as_str()));
        paths.flat_map(|path| path.split('.').map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    /// The options as JSON, without the absent ones.
    pub fn to_json(&self) -> Value {
        let mut json = serde_json::json!(self);
        if let Value::Object(options) = &mut json {
            options.retain(|_, value| !value.is_null());
        }
        json
    }
}

/// The name in JSON of a field: `packageName` for `package_name`.
pub(crate) fn name_in_json(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (initial, rest) = word.split_at(word.len().min(1));
        name + &initial.to_uppercase() + rest
    })
}

fn layers_from_argument(json: &str) -> Result<FunctionLayers, String> {
    let layers = serde_json::from_str(json).map_err(|error| error.to_string())?;
    options_from_json(&layers).map_err(|error| error.to_string())
}
