//! Request: turns [`Options`] into one validated value. Every default is resolved here, except those that depend on the project
//! ([`subject`](crate::plan::subject)).

pub mod hooks;
pub mod file_patterns;
pub mod layers;
pub mod remote_address;
pub mod remote_settings;
pub mod size_limits;
pub(crate) mod options_from_json;
pub(crate) mod options;
mod request_error;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep508_rs::{ExtraName, PackageName};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use options::Options;
pub use request_error::RequestError;

use self::file_patterns::problem_of_pattern;
use crate::request::hooks::Hooks;
use crate::request::layers::{FunctionLayer, LayerContents};
use crate::request::remote_settings::RemoteSettings;
use crate::request::size_limits::SizeLimits;
use crate::store::default_folder;
use crate::support::wording;
use crate::target::{Architecture, PythonVersion, Target};

/// A validated request for one bundle.
///
/// It is serialized only for its [digest](Self::digest). Fields that cannot change the bundle are skipped, and so are paths of
/// this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// The workspace, any folder in it, or a script; absolute, with links resolved.
    #[serde(skip)]
    pub path: PathBuf,
    /// The normalised name of the workspace member to bundle; where `None`, the one that `path` lies in, or the only one.
    pub package: Option<String>,
    /// The Lambda handler, such as `package.module.function`.
    pub handler: Option<String>,
    /// The Python of the runtime; `None` if the `.python-version` of the project names it
    /// ([subject](crate::plan::subject)).
    pub runtime: Option<PythonVersion>,
    /// The CPU of the function.
    pub architecture: Architecture,
    /// The interpreter that compiles, where the caller names one.
    #[serde(serialize_with = "version_of_python")]
    pub python: Option<PythonRequest>,
    /// The uv executable, where the caller names one.
    #[serde(skip)]
    pub uv: Option<PathBuf>,
    /// Whether packages without a wheel are built from source on this machine, which must then run the system of the runtime.
    pub native_builds: bool,
    /// Whether packages that are there only as source are built on this machine, if they are pure Python.
    pub source_builds: bool,
    /// Which packages and files go in, beyond the project's own rules.
    pub choice: Choice,
    /// The caller's own commands around the build.
    pub hooks: Hooks,
    /// The folder of the store; `None` if the system has no folder for caches, or the caller wants no cache.
    #[serde(skip)]
    pub store: Option<PathBuf>,
    /// The remote store behind it; `None` if there is none, or the caller wants no cache.
    #[serde(skip)]
    pub remote: Option<RemoteSettings>,
    /// The size limits. They change no byte, but are part of the digest: CDK bundles only one of two functions with one digest.
    pub max_size: SizeLimits,
    /// The packages of the layer, if the bundle is a layer.
    pub layer: Option<LayerContents>,
    /// The layers of the function. Their packages do not ship.
    #[serde(serialize_with = "layers::without_names_and_sizes")]
    pub layers: Vec<FunctionLayer>,
    /// The options that the request was made from.
    #[serde(skip)]
    options: Options,
}

/// The choice of packages and files of a member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The extras to include, normalised and sorted.
    pub extras: Vec<String>,
    /// The dependency groups to include, normalised and sorted.
    pub groups: Vec<String>,
    /// The packages to leave out, normalised and sorted. Packages that only they need are left out too.
    pub exclude_packages: Vec<String>,
    /// Patterns of files that ship although the rules leave them out.
    pub include: Vec<String>,
    /// Patterns of files that do not ship.
    pub exclude: Vec<String>,
}

/// The interpreter that the caller names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PythonRequest {
    /// An executable.
    Path(PathBuf),
    /// A full version, such as `3.13.5`.
    Version(String),
}

impl Request {
    /// Checks options. A relative path is taken from the current folder.
    pub fn new(options: Options) -> Result<Self, RequestError> {
        refuse_empty_texts(&options)?;
        let given = options.clone();
        let Options {
            path,
            package_name,
            handler,
            runtime,
            architecture,
            python,
            uv,
            native_builds,
            source_builds,
            extras,
            groups,
            exclude_packages,
            include,
            exclude,
            hooks,
            cache,
            cache_dir,
            remote_cache,
            max_size,
            layer,
            layers,
        } = options;
        if layer.is_some() {
            refuse_options_of_functions(&given)?;
        }
        let path = path.ok_or(RequestError::Missing {
            name: "path",
            meaning: "the folder of the uv workspace, or any folder in it",
        })?;
        let path = existing_path(absolute("path", path)?)?;
        let package = package_name.map(|given| name::<PackageName>("packageName", &given)).transpose()?;
        Ok(Self {
            path,
            package,
            handler: handler.map(valid_handler).transpose()?,
            runtime: runtime.map(python_of_runtime).transpose()?,
            architecture: architecture.map_or(Ok(Architecture::X86_64), valid_architecture)?,
            python: python.map(python_request).transpose()?,
            uv: uv.map(|uv| absolute("uv", uv)).transpose()?,
            native_builds: native_builds.unwrap_or(false),
            source_builds: source_builds.unwrap_or(true),
            choice: Choice {
                extras: names::<ExtraName>("extras", extras)?,
                groups: names::<ExtraName>("groups", groups)?,
                exclude_packages: names::<PackageName>("excludePackages", exclude_packages)?,
                include: patterns("include", include.unwrap_or_default())?,
                exclude: patterns("exclude", exclude.unwrap_or_default())?,
            },
            hooks: hooks.unwrap_or_default(),
            store: store_folder(cache, cache_dir)?,
            remote: remote_settings(cache, remote_cache)?,
            max_size: limits(max_size.unwrap_or_default())?,
            layer: layer.map(layer_contents).transpose()?,
            layers: function_layers(layers.unwrap_or_default())?,
            options: given,
        })
    }

    /// Reads and checks options as JavaScript passes them (`BundleOptions` in `index.d.ts`).
    pub fn from_json(options: &Value) -> Result<Self, RequestError> {
        Self::new(Options::from_json(options)?)
    }

    /// The options that the request was made from.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// A digest of the request, as SHA-256 in hex: equal for two requests exactly when they ask for the same bundle. Free of
    /// machine paths (`path` counts relative to `root`), so that it is the same on every machine.
    pub fn digest(&self, root: &Path) -> String {
        let within_root = self.path.strip_prefix(root).unwrap_or(Path::new(""));
        let within_root: Vec<_> =
            within_root.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        wording::hex(&Sha256::digest(json!([within_root, self]).to_string()))
    }
}

impl TryFrom<Options> for Request {
    type Error = RequestError;

    fn try_from(options: Options) -> Result<Self, RequestError> {
        Self::new(options)
    }
}

/// An executable is a path of this machine, and so no part of the digest.
#[expect(clippy::ref_option, reason = "serde passes a field by reference")]
fn version_of_python<S: Serializer>(
    python: &Option<PythonRequest>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    python.as_ref().and_then(PythonRequest::version).serialize(serializer)
}

impl PythonRequest {
    /// The full version, where the caller names one.
    pub fn version(&self) -> Option<&str> {
        match self {
            Self::Version(version) => Some(version),
            Self::Path(_) => None,
        }
    }
}

/// Refuses `''`: it comes from a variable that is not set.
fn refuse_empty_texts(options: &Options) -> Result<(), RequestError> {
    let is_empty = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
    let Value::Object(options) = options.to_json() else { return Ok(()) };
    let empty = options.into_iter().find_map(|(name, value)| match &value {
        Value::Array(items) => {
            let index = items.iter().position(is_empty)?;
            Some((format!("{name}[{index}]"), "it must not be empty; leave it out of the list"))
        }
        value if is_empty(value) => {
            Some((name, "it must not be empty; leave the option out to have the default"))
        }
        _ => None,
    });
    empty.map_or(Ok(()), |(name, problem)| Err(RequestError::bad_value(name, "", problem)))
}

/// An absolute path for one that may be relative to the current folder.
fn absolute(option: &str, given: String) -> Result<PathBuf, RequestError> {
    std::path::absolute(&given).map_err(|error| {
        RequestError::bad_value(option, given, format!("it cannot be made absolute: {error}"))
    })
}

/// The folder or the script at an absolute `path`, with its links resolved.
pub(crate) fn existing_path(path: PathBuf) -> Result<PathBuf, RequestError> {
    match fs_err::metadata(&path) {
        // With its links resolved, so that it can be compared with other paths.
        Ok(metadata) if metadata.is_dir() || path.extension().is_some_and(|ending| ending == "py") => {
            dunce::canonicalize(&path).map_err(|_| RequestError::PathNotFound { path })
        }
        Ok(_) => Err(RequestError::PathNotAFolder { path }),
        Err(_) => Err(RequestError::PathNotFound { path }),
    }
}

fn valid_handler(handler: String) -> Result<String, RequestError> {
    let parts: Vec<&str> = handler.split(['.', '/']).collect();
    if parts.len() >= 2 && parts.iter().all(|part| !part.is_empty()) {
        return Ok(handler);
    }
    Err(RequestError::bad_value(
        "handler",
        handler,
        "write a module and a function in it, such as `my_package.lambda_function.lambda_handler`",
    ))
}

fn valid_architecture(name: String) -> Result<Architecture, RequestError> {
    name.parse()
        .map_err(|()| RequestError::bad_value("architecture", name, "Lambda has `x86_64` and `arm64`"))
}

/// The Python of the runtime with this name.
fn python_of_runtime(name: String) -> Result<PythonVersion, RequestError> {
    // Every runtime has both CPUs.
    let target = |name: &str| Target::new(name, Architecture::X86_64);
    if let Some(target) = target(&name) {
        return Ok(target.python);
    }
    // A version of Python is a likely mistake: other tools take one.
    let advice = match target(&format!("python{name}")) {
        Some(meant) => format!("write `{}`", meant.runtime_name()),
        None => format!("it takes {}", wording::list(&Target::runtime_names())),
    };
    Err(RequestError::UnknownRuntime { name, advice })
}

/// A version has three numbers; anything else is a path.
fn python_request(given: String) -> Result<PythonRequest, RequestError> {
    if is_full_version(&given) {
        return Ok(PythonRequest::Version(given));
    }
    if !given.contains(['/', '\\']) {
        let problem = "give the path of an interpreter, or a full version such as `3.13.5`";
        return Err(RequestError::bad_value("python", given, problem));
    }
    absolute("python", given).map(PythonRequest::Path)
}

/// Whether a text is a Python version with its patch number, such as `3.13.5` or `3.15.0rc1`.
pub fn is_full_version(text: &str) -> bool {
    text.parse::<pep440_rs::Version>().is_ok_and(|version| version.release().len() == 3)
}

/// The one spelling of the name of a package, an extra or a group.
fn name<Name: FromStr + ToString>(option: &str, given: &str) -> Result<String, RequestError> {
    given.parse::<Name>().map(|name| name.to_string()).map_err(|_| {
        let problem =
            "a name begins and ends with a letter or a digit, and has only letters, digits, `-`, `_` and `.`";
        RequestError::bad_value(option, given, problem)
    })
}

/// The one spelling of a list of names, whose order means nothing.
fn names<Name: FromStr + ToString>(
    option: &str,
    given: Option<Vec<String>>,
) -> Result<Vec<String>, RequestError> {
    let given = given.into_iter().flatten();
    let mut names = given.map(|given| name::<Name>(option, &given)).collect::<Result<Vec<String>, _>>()?;
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// A list of gitignore patterns.
fn patterns(option: &str, given: Vec<String>) -> Result<Vec<String>, RequestError> {
    match given.iter().find_map(|pattern| Some((pattern, problem_of_pattern(pattern)?))) {
        None => Ok(given),
        Some((pattern, problem)) => Err(RequestError::bad_value(option, pattern, problem)),
    }
}

fn store_folder(cache: Option<bool>, cache_dir: Option<String>) -> Result<Option<PathBuf>, RequestError> {
    let folder = cache_dir.map(|folder| absolute("cacheDir", folder)).transpose()?;
    Ok(folder.or_else(default_folder).filter(|_| cache.unwrap_or(true)))
}

fn remote_settings(
    cache: Option<bool>,
    address: Option<String>,
) -> Result<Option<RemoteSettings>, RequestError> {
    let settings = RemoteSettings::of_environment(address)?;
    Ok(settings.filter(|_| cache.unwrap_or(true)))
}

/// Refuses limits that no bundle meets.
fn limits(limits: SizeLimits) -> Result<SizeLimits, RequestError> {
    let given = [("maxSize.unzipped", limits.unzipped), ("maxSize.zipped", limits.zipped)];
    match given.into_iter().find(|(_, limit)| limit.is_some_and(|limit| limit.bytes() == 0)) {
        None => Ok(limits),
        Some((option, _)) => Err(RequestError::bad_value(
            option,
            "0",
            "no bundle is so small; leave the option out to have the default",
        )),
    }
}

fn layer_contents(given: LayerContents) -> Result<LayerContents, RequestError> {
    Ok(LayerContents {
        package_names: names::<PackageName>("layer.packageNames", Some(given.package_names))?,
        packages: names::<PackageName>("layer.packages", Some(given.packages))?,
    })
}

/// The layers with the one spelling of the names of their packages.
fn function_layers(mut layers: Vec<FunctionLayer>) -> Result<Vec<FunctionLayer>, RequestError> {
    for package in layers.iter_mut().flat_map(|layer| &mut layer.packages) {
        package.name = name::<PackageName>("layers", &package.name)?;
    }
    Ok(layers)
}

/// Refuses options that have no meaning for a layer: it has no handler, no files of a member, and no layers.
fn refuse_options_of_functions(options: &Options) -> Result<(), RequestError> {
    fn is_given<Item>(list: Option<&Vec<Item>>) -> bool {
        list.is_some_and(|list| !list.is_empty())
    }
    let given = [
        ("handler", options.handler.is_some()),
        ("extras", is_given(options.extras.as_ref())),
        ("groups", is_given(options.groups.as_ref())),
        ("excludePackages", is_given(options.exclude_packages.as_ref())),
        ("include", is_given(options.include.as_ref())),
        ("exclude", is_given(options.exclude.as_ref())),
        ("layers", is_given(options.layers.as_ref())),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((name, _)) => Err(RequestError::NotForLayers { name }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::codes::ErrorCode;

    fn options() -> Value {
        json!({ "path": env!("CARGO_MANIFEST_DIR"), "runtime": "python3.13", "architecture": "arm64" })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut options = options();
        options[name] = value;
        options
    }

    fn error(options: &Value) -> (String, ErrorCode) {
        let error = Request::from_json(options).unwrap_err();
        (error.to_string(), error.code())
    }

    #[test]
    fn the_required_options_are_enough() {
        let request = Request::from_json(&options()).unwrap();
        assert_eq!(request.package, None);
        assert_eq!(request.runtime.map(|runtime| runtime.to_string()).as_deref(), Some("3.13"));
        assert_eq!(request.architecture, Architecture::Arm64);
    }

    #[test]
    fn names_are_normalised_and_have_no_order_and_patterns_have_one() {
        let read = |name, value| Request::from_json(&with(name, value)).map(|request| request.choice);
        let choice = read("extras", json!(["Web_UI", "a.b", "web-ui"])).unwrap();
        assert_eq!(choice.extras, ["a-b", "web-ui"]);
        assert_eq!(read("exclude", json!(["b", "!a", "b"])).unwrap().exclude, ["b", "!a", "b"]);
    }

    #[test]
    fn names_are_names_and_patterns_are_patterns() {
        let message = |name, value| error(&with(name, value)).0;
        assert_eq!(
            message("packageName", json!("my app")),
            "the option `packageName` is `my app`: a name begins and ends with a letter or a digit, and has only letters, \
             digits, `-`, `_` and `.`"
        );
        for name in ["extras", "groups", "excludePackages"] {
            let message = message(name, json!(["a", "-b"]));
            assert!(
                message.starts_with(&format!("the option `{name}` is `-b`: a name begins and ends")),
                "{message}"
            );
        }
        assert!(
            message("layer", json!({ "packages": ["a b"] }))
                .starts_with("the option `layer.packages` is `a b`")
        );
        assert!(message("include", json!(["# all"])).contains("comment"));
    }

    #[test]
    fn empty_texts_are_refused() {
        assert_eq!(
            error(&with("uv", json!(""))),
            (
                "the option `uv` is ``: it must not be empty; leave the option out to have the default"
                    .to_owned(),
                ErrorCode::InvalidOptions
            )
        );
        assert_eq!(
            error(&with("groups", json!(["dev", " "]))).0,
            "the option `groups[1]` is ``: it must not be empty; leave it out of the list"
        );
    }

    #[test]
    fn a_limit_of_nothing_is_refused() {
        let (message, _) = error(&with("maxSize", json!({ "zipped": 0 })));
        assert!(message.starts_with("the option `maxSize.zipped` is `0`: "), "{message}");
    }

    #[test]
    fn a_layer_has_no_options_of_functions() {
        let mut options = with("layer", json!({}));
        assert!(Request::from_json(&options).is_ok());
        options["exclude"] = json!([]);
        assert!(Request::from_json(&options).is_ok());
        options["exclude"] = json!(["a"]);
        let (message, code) = error(&options);
        assert_eq!(code, ErrorCode::InvalidOptions);
        assert!(message.starts_with("the option `exclude` has no meaning for a layer"), "{message}");
    }

    #[test]
    fn null_is_the_same_as_absent() {
        let with_null = Request::from_json(&with("packageName", Value::Null)).unwrap();
        assert_eq!(with_null, Request::from_json(&options()).unwrap());
    }

    #[test]
    fn a_request_keeps_its_options() {
        let options = Options::from_json(&with("maxSize", json!({ "zipped": "1 kB" }))).unwrap();
        let request = Request::new(options.clone()).unwrap();
        assert_eq!(request.options(), &options);
        assert_eq!(Options::from_json(&options.to_json()).unwrap(), options);
    }

    #[test]
    fn a_runtime_that_lambda_lacks_is_refused_with_the_list() {
        let (message, code) = error(&with("runtime", json!("python3.8")));
        assert_eq!(code, ErrorCode::UnknownRuntime);
        assert!(
            message.starts_with(
                "Lambda has no Python runtime `python3.8` (option `runtime`): it takes `python3.9`, "
            ),
            "{message}"
        );
    }

    #[test]
    fn a_version_of_python_is_no_runtime() {
        let message = "Lambda has no Python runtime `3.13` (option `runtime`): write `python3.13`";
        assert_eq!(error(&with("runtime", json!("3.13"))), (message.to_owned(), ErrorCode::UnknownRuntime));
    }

    #[test]
    fn a_path_must_be_a_folder() {
        assert_eq!(error(&with("path", json!("/no/such/folder"))).1, ErrorCode::PathNotFound);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert_eq!(error(&with("path", json!(file))).1, ErrorCode::PathNotAFolder);
    }

    #[test]
    fn a_handler_needs_a_module_and_a_function() {
        for bad in ["handler", "module.", ".handler", "a..b", ""] {
            assert_eq!(error(&with("handler", json!(bad))).1, ErrorCode::InvalidOptions, "{bad}");
        }
        assert!(Request::from_json(&with("handler", json!("app/main.handler"))).is_ok());
    }

    #[test]
    fn python_is_a_full_version_or_a_path() {
        let python = |value| Request::from_json(&with("python", json!(value))).map(|request| request.python);
        assert_eq!(python("3.13.5").unwrap(), Some(PythonRequest::Version("3.13.5".to_owned())));
        assert_eq!(python("/usr/bin/python3").unwrap(), Some(PythonRequest::Path("/usr/bin/python3".into())));
        assert!(python("3.13").is_err());
    }

    #[test]
    fn the_digest_tells_requests_apart_and_knows_no_machine_path() {
        let digest = |path: &str, options: &Value| {
            let mut request = Request::from_json(options).unwrap();
            request.path = PathBuf::from(path).join("packages");
            request.digest(Path::new(path))
        };
        let plain = digest("/home/a", &options());
        assert_eq!(plain, digest("/home/b", &options()));
        assert_eq!(plain, digest("/home/a", &with("uv", json!("/opt/uv"))));
        assert_ne!(plain, digest("/home/a", &with("packageName", json!("one"))));
        assert_ne!(plain, digest("/home/a", &with("handler", json!("one.two"))));
        assert_ne!(plain, digest("/home/a", &with("architecture", json!("x86_64"))));
        let limit = digest("/home/a", &with("maxSize", json!({ "unzipped": "1 MB" })));
        assert_ne!(plain, limit);
        assert_eq!(limit, digest("/home/a", &with("maxSize", json!({ "unzipped": 1_048_576 }))));
        for name in ["extras", "groups", "excludePackages", "include", "exclude"] {
            assert_ne!(plain, digest("/home/a", &with(name, json!(["one"]))), "{name}");
            assert_eq!(plain, digest("/home/a", &with(name, json!([]))), "{name}");
        }
        assert_ne!(plain, digest("/home/a", &with("hooks", json!({ "beforeZip": ["make"] }))));
        assert_ne!(plain, digest("/home/a", &with("nativeBuilds", json!(true))));
        assert_ne!(plain, digest("/home/a", &with("sourceBuilds", json!(false))));
        assert_ne!(plain, digest("/home/a", &with("layer", json!({}))));
        assert_ne!(plain, digest("/home/a", &with("python", json!("3.13.5"))));
        assert_eq!(plain, digest("/home/a", &with("python", json!("/usr/bin/python3"))));
        assert_eq!(plain, digest("/home/a", &with("cache", json!(false))));
        let named = |name: &str| digest("/home/a", &with("packageName", json!(name)));
        assert_eq!(named("My_App"), named("my-app"));
    }

    #[test]
    fn the_digest_knows_what_layers_hold_and_neither_their_names_nor_their_sizes() {
        let digest = |name: &str, packages: Value, unzipped_bytes: Value| {
            let layer = json!({
                "name": name,
                "runtime": "python3.13",
                "architecture": "arm64",
                "packages": packages,
                "unzippedBytes": unzipped_bytes,
            });
            Request::from_json(&with("layers", json!([layer]))).unwrap().digest(Path::new("/"))
        };
        let one = json!([{ "name": "one", "version": "1.0" }]);
        let plain = digest("Packages", one.clone(), Value::Null);
        assert_eq!(plain, digest("Packages", one.clone(), json!(1000)));
        assert_eq!(plain, digest("Stage/Packages", one, Value::Null));
        assert_ne!(plain, digest("Packages", json!([]), Value::Null));
    }
}
