//! Request: what did the caller ask for? Raw options become one validated value here; every default
//! is resolved here and nowhere else.

pub mod file_patterns;
pub mod layer;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use self::file_patterns::problem_of_pattern;
use crate::check::{BadLimit, SizeLimits};
use crate::plan::PlanError;
use crate::plan::subject::default_pythons;
use crate::request::layer::{Layer, LayerWish};
use crate::store::default_folder;
use crate::support::wording;
use crate::target::{Architecture, Target};
use crate::tools::command_hooks::Hooks;
use crate::workspace::normalize_name;

/// A validated request for one bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Where to start from, absolute and with its links resolved: the workspace, any folder in it, or a script.
    pub path: PathBuf,
    /// The workspace member to bundle; where `None`, the one that `path` lies in, or the only one.
    pub package: Option<String>,
    /// The Lambda handler, such as `package.module.function`.
    pub handler: Option<String>,
    /// The runtime and CPU the bundle will run on.
    pub target: Target,
    /// Which interpreter compiles, where the caller has a wish.
    pub python: Option<PythonRequest>,
    /// The uv executable, where the caller names one.
    pub uv: Option<PathBuf>,
    /// Whether what has no wheel is compiled on this machine, whose system then has to be the
    /// runtime's.
    pub native_builds: bool,
    /// Which packages and files go in, beyond what the project says.
    pub choice: Choice,
    /// The caller's own commands around the installation.
    pub hooks: Hooks,
    /// The folder of the store; `None` where there is no place for one, or the caller wants none.
    pub store: Option<PathBuf>,
    /// How large the bundle may be.
    pub max_size: SizeLimits,
    /// What a layer is to hold, where the bundle is one.
    pub layer: Option<LayerWish>,
    /// The layers of the function, whose packages it leaves out.
    pub layers: Vec<Layer>,
}

/// Which packages and files of a member go in, and which do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The extras that go in, normalised and sorted.
    pub extras: Vec<String>,
    /// The dependency groups that go in, normalised and sorted.
    pub groups: Vec<String>,
    /// The packages that stay out, normalised and sorted, and with them what only they need.
    pub exclude_packages: Vec<String>,
    /// Patterns of files that go in though they would be left out.
    pub include: Vec<String>,
    /// Patterns of files that stay out.
    pub exclude: Vec<String>,
}

/// The caller's wish for an interpreter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PythonRequest {
    /// An executable.
    Path(PathBuf),
    /// A full version, such as `3.13.5`.
    Version(String),
}

/// Why options are not a request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The options are no object.
    #[error("the options must be an object, not {found}")]
    NotAnObject {
        /// What they are.
        found: &'static str,
    },
    /// The options hold what JSON cannot.
    #[error("the options must be plain values: {problem}")]
    NotPlain {
        /// What is in the way.
        problem: String,
    },
    /// An option that does not exist.
    #[error("unknown option `{name}`{hint}; the options are {known}")]
    UnknownOption {
        /// The option as given.
        name: String,
        /// The nearest option there is, as the end of the sentence.
        hint: String,
        /// Every option there is.
        known: String,
    },
    /// A required option is missing.
    #[error("the option `{name}` is required: {meaning}")]
    Missing {
        /// The option.
        name: &'static str,
        /// What it is for.
        meaning: &'static str,
    },
    /// An option has a value of another type.
    #[error("the option `{name}` must be {expected}, not {found}")]
    WrongType {
        /// The option.
        name: &'static str,
        /// The type it takes.
        expected: &'static str,
        /// The type it was given.
        found: &'static str,
    },
    /// An option has the right type and an impossible value.
    #[error("the option `{name}` is `{value}`: {problem}")]
    BadValue {
        /// The option.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it and what to write instead.
        problem: String,
    },
    /// A Python that Lambda does not have.
    #[error("Lambda has no runtime for Python `{version}`: the option `pythonVersion` takes {known}")]
    UnknownRuntime {
        /// The version as given.
        version: String,
        /// The versions there are.
        known: String,
    },
    /// A layer of the function is for something else.
    #[error(
        "the layer `{layer}` is for {found}, and the function for {wanted}: give the layer the function's `runtime` and `architecture`, or make another layer"
    )]
    LayerMismatch {
        /// The layer.
        layer: String,
        /// What it is for.
        found: String,
        /// What the function is for.
        wanted: String,
    },
    /// `path` does not exist.
    #[error("the folder `{}` (option `path`) does not exist: give the uv workspace, or any folder in it", .path.display())]
    PathNotFound {
        /// The path.
        path: PathBuf,
    },
    /// The project does not say what a default depends on.
    #[error(transparent)]
    Project(#[from] PlanError),
    /// `path` is something else than a folder or a script.
    #[error("`{}` (option `path`) is not a folder, and no Python script: give the uv workspace, any folder in it, or a script with its lock", .path.display())]
    PathNotAFolder {
        /// The path.
        path: PathBuf,
    },
}

impl RequestError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownRuntime { .. } => "UNKNOWN_RUNTIME",
            Self::LayerMismatch { .. } => "LAYER_MISMATCH",
            Self::PathNotFound { .. } => "PATH_NOT_FOUND",
            Self::PathNotAFolder { .. } => "PATH_NOT_A_FOLDER",
            Self::Project(error) => error.code(),
            Self::NotAnObject { .. }
            | Self::NotPlain { .. }
            | Self::UnknownOption { .. }
            | Self::Missing { .. }
            | Self::WrongType { .. }
            | Self::BadValue { .. } => "INVALID_OPTIONS",
        }
    }
}

impl Request {
    /// Reads options as JavaScript passes them (`BundleOptions` in `index.d.ts`). A relative path
    /// is meant from the current folder.
    pub fn from_options(options: &Value) -> Result<Self, RequestError> {
        let Value::Object(map) = options else {
            return Err(RequestError::NotAnObject { found: type_name(options) });
        };
        let mut options = Options { map, known: Vec::new() };

        let path = options.path("path")?;
        let package = options.string("packageName")?;
        let handler = options.string("handler")?;
        let python_version = options.string("pythonVersion")?;
        let architecture = options.string("architecture")?;
        let python = options.string("python")?;
        let uv = options.path("uv")?;
        let native_builds = options.boolean("nativeBuilds")?;
        let choice = Choice {
            extras: options.names("extras")?,
            groups: options.names("groups")?,
            exclude_packages: options.names("excludePackages")?,
            include: options.patterns("include")?,
            exclude: options.patterns("exclude")?,
        };
        let hooks = options.object::<Hooks>(
            "commandHooks",
            "write `{ beforeBundling: [...], afterBundling: [...] }`, each command an array of texts or one line for the shell",
        )?;
        let cache = options.boolean("cache")?;
        let cache_dir = options.path("cacheDir")?;
        let max_size = options.sizes("maxSize")?;
        let layer =
            options.object::<LayerWish>("layer", "write `{ packageNames: [...], packages: [...] }`")?;
        let layers = options.object::<Vec<Layer>>(
            "layers",
            "give what `PythonLambdaLayer` says of itself: `name`, `pythonVersion`, `architecture` and `packages`",
        )?;
        options.refuse_unknown()?;

        let path = existing_path(path.ok_or(RequestError::Missing {
            name: "path",
            meaning: "the folder of the uv workspace, or any folder in it",
        })?)?;
        let target = target(python_version, architecture, &path, package.as_deref(), layer.is_some())?;
        let layers = layers.unwrap_or_default();
        let handler = handler.map(valid_handler).transpose()?;
        check_layers(&layers, target)?;
        if layer.is_some() {
            refuse_for_layers(handler.as_ref(), &choice, &layers)?;
        }
        Ok(Self {
            path,
            package,
            handler,
            target,
            python: python.map(python_request).transpose()?,
            uv,
            native_builds: native_builds.unwrap_or(false),
            choice,
            hooks: hooks.unwrap_or_default(),
            store: cache_dir.or_else(default_folder).filter(|_| cache.unwrap_or(true)),
            max_size: max_size.unwrap_or_default(),
            layer: layer.map(LayerWish::normalized),
            layers,
        })
    }

    /// A digest of what is asked for, as SHA-256 in hex: equal for two requests exactly when they
    /// ask for the same bundle. Free of machine paths (`path` counts relative to `root`, and where
    /// tools lie does not count), so that it is the same on every machine.
    pub fn digest(&self, root: &Path) -> String {
        let Self {
            path,
            package,
            handler,
            target,
            python,
            uv: _,
            native_builds,
            choice,
            hooks,
            store: _,
            max_size,
            layer,
            layers,
        } = self;
        let Choice { extras, groups, exclude_packages, include, exclude } = choice;
        let within_root = path.strip_prefix(root).unwrap_or(Path::new(""));
        let python = match python {
            Some(PythonRequest::Version(version)) => Some(version),
            Some(PythonRequest::Path(_)) | None => None,
        };
        let identity = serde_json::json!({
            "path": within_root.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>(),
            "packageName": package,
            "handler": handler,
            "runtime": target.runtime_name(),
            "architecture": target.architecture.lambda_name(),
            "python": python,
            "nativeBuilds": native_builds,
            "extras": extras,
            "groups": groups,
            "excludePackages": exclude_packages,
            "include": include,
            "exclude": exclude,
            "commandHooks": hooks,
            // Changes no byte. But CDK checks only one of two functions that it takes for the same.
            "maxSize": max_size,
            "layer": layer,
            "layers": layers,
        });
        wording::hex(&Sha256::digest(identity.to_string()))
    }
}

/// The options that are left to read, and the names of those that were asked for: the list of
/// known options writes itself.
struct Options<'a> {
    map: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

impl Options<'_> {
    /// A string option; absent, `undefined` and `null` are all "not given".
    fn string(&mut self, name: &'static str) -> Result<Option<String>, RequestError> {
        self.known.push(name);
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(value)) if value.is_empty() => Err(RequestError::BadValue {
                name,
                value: String::new(),
                problem: "it must not be empty; leave the option out to have the default".to_owned(),
            }),
            Some(Value::String(value)) => Ok(Some(value.clone())),
            Some(other) => {
                Err(RequestError::WrongType { name, expected: "a string", found: type_name(other) })
            }
        }
    }

    /// An option that is on or off.
    fn boolean(&mut self, name: &'static str) -> Result<Option<bool>, RequestError> {
        self.known.push(name);
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(other) => {
                Err(RequestError::WrongType { name, expected: "a boolean", found: type_name(other) })
            }
        }
    }

    /// An option that is a list of texts; what is absent is an empty list.
    fn strings(&mut self, name: &'static str) -> Result<Vec<String>, RequestError> {
        const EXPECTED: &str = "an array of strings";
        self.known.push(name);
        let items = match self.map.get(name) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => {
                return Err(RequestError::WrongType { name, expected: EXPECTED, found: type_name(other) });
            }
        };
        let text = |item: &Value| match item {
            Value::String(text) if text.trim().is_empty() => Err(RequestError::BadValue {
                name,
                value: text.clone(),
                problem: "it must not have an empty text in it".to_owned(),
            }),
            Value::String(text) => Ok(text.clone()),
            other => Err(RequestError::WrongType {
                name,
                expected: EXPECTED,
                found: match other {
                    Value::Null => "an array with null in it",
                    Value::Bool(_) => "an array with a boolean in it",
                    Value::Number(_) => "an array with a number in it",
                    _ => "an array with an array or an object in it",
                },
            }),
        };
        items.iter().map(text).collect()
    }

    /// An option that is a list of names of packages, extras or groups, all of which are normalised by one rule. Their
    /// order means nothing.
    fn names(&mut self, name: &'static str) -> Result<Vec<String>, RequestError> {
        let mut names: Vec<String> = self.strings(name)?.iter().map(|name| normalize_name(name)).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// An option that is a list of gitignore patterns.
    fn patterns(&mut self, name: &'static str) -> Result<Vec<String>, RequestError> {
        let patterns = self.strings(name)?;
        match patterns.iter().find_map(|pattern| Some((pattern, problem_of_pattern(pattern)?))) {
            None => Ok(patterns),
            Some((pattern, problem)) => Err(RequestError::BadValue { name, value: pattern.clone(), problem }),
        }
    }

    /// An option that is an object; `problem` says what it should be.
    fn object<Wanted: DeserializeOwned>(
        &mut self,
        name: &'static str,
        problem: &str,
    ) -> Result<Option<Wanted>, RequestError> {
        self.known.push(name);
        let Some(value) = self.map.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
        serde_json::from_value(value.clone()).map(Some).map_err(|_| RequestError::BadValue {
            name,
            value: value.to_string(),
            problem: problem.to_owned(),
        })
    }

    /// Limits of sizes.
    fn sizes(&mut self, name: &'static str) -> Result<Option<SizeLimits>, RequestError> {
        self.known.push(name);
        let value = self.map.get(name).filter(|value| !value.is_null());
        value
            .map(SizeLimits::from_value)
            .transpose()
            .map_err(|BadLimit { name, value, problem }| RequestError::BadValue { name, value, problem })
    }

    /// A path option, made absolute.
    fn path(&mut self, name: &'static str) -> Result<Option<PathBuf>, RequestError> {
        let Some(given) = self.string(name)? else { return Ok(None) };
        let absolute = std::path::absolute(&given).map_err(|error| RequestError::BadValue {
            name,
            value: given,
            problem: format!("it cannot be made absolute: {error}"),
        })?;
        Ok(Some(absolute))
    }

    /// Ends the reading: what nobody asked for is no option.
    fn refuse_unknown(self) -> Result<(), RequestError> {
        let Some(name) = self.map.keys().find(|name| !self.known.contains(&name.as_str())) else {
            return Ok(());
        };
        let hint = wording::did_you_mean(name, self.known.iter().copied());
        Err(RequestError::UnknownOption { name: name.clone(), hint, known: wording::list(&self.known) })
    }
}

/// What JavaScript would call the type of a value, with its article.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
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
    if parts.len() < 2 || parts.iter().any(|part| part.is_empty()) {
        return Err(RequestError::BadValue {
            name: "handler",
            value: handler,
            problem:
                "write a module and a function in it, such as `my_package.lambda_function.lambda_handler`"
                    .to_owned(),
        });
    }
    Ok(handler)
}

/// The runtime and CPU, with their defaults: the Python that is right for the project, and the CPU that Lambda takes where
/// nobody says another.
fn target(
    python_version: Option<String>,
    architecture: Option<String>,
    path: &Path,
    package: Option<&str>,
    is_layer: bool,
) -> Result<Target, RequestError> {
    let architecture: Architecture = match architecture {
        None => Architecture::X86_64,
        Some(name) => name.parse().map_err(|()| RequestError::BadValue {
            name: "architecture",
            value: name,
            problem: "Lambda has `x86_64` and `arm64`".to_owned(),
        })?,
    };
    let version = match python_version {
        Some(version) => version,
        None => default_pythons(path, package, is_layer)?.iter().take(1).map(ToString::to_string).collect(),
    };
    Target::new(&version, architecture).ok_or_else(|| RequestError::UnknownRuntime {
        version,
        known: wording::list(&Target::python_versions()),
    })
}

/// Refuses layers of another Python or CPU, whose packages the function could not import.
fn check_layers(layers: &[Layer], target: Target) -> Result<(), RequestError> {
    let python = target.python.to_string();
    let architecture = target.architecture.lambda_name();
    match layers.iter().find(|layer| layer.python_version != python || layer.architecture != architecture) {
        None => Ok(()),
        Some(layer) => Err(RequestError::LayerMismatch {
            layer: layer.name.clone(),
            found: format!("python{} on {}", layer.python_version, layer.architecture),
            wanted: target.to_string(),
        }),
    }
}

/// Refuses what has no meaning for a layer: it has no handler, no files of a member, and no layers.
fn refuse_for_layers(
    handler: Option<&String>,
    choice: &Choice,
    layers: &[Layer],
) -> Result<(), RequestError> {
    let given = [
        ("handler", handler.is_some()),
        ("extras", !choice.extras.is_empty()),
        ("groups", !choice.groups.is_empty()),
        ("excludePackages", !choice.exclude_packages.is_empty()),
        ("include", !choice.include.is_empty()),
        ("exclude", !choice.exclude.is_empty()),
        ("layers", !layers.is_empty()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((name, _)) => Err(RequestError::BadValue {
            name,
            value: "given".to_owned(),
            problem: "it has no meaning for a layer, which holds third-party packages only: leave it out"
                .to_owned(),
        }),
    }
}

/// A version has three numbers; anything else is a path.
fn python_request(value: String) -> Result<PythonRequest, RequestError> {
    if is_full_version(&value) {
        return Ok(PythonRequest::Version(value));
    }
    let is_path = value.contains(['/', '\\']);
    if !is_path {
        return Err(RequestError::BadValue {
            name: "python",
            value,
            problem: "give the path of an interpreter, or a full version such as `3.13.5`".to_owned(),
        });
    }
    std::path::absolute(&value).map(PythonRequest::Path).map_err(|error| RequestError::BadValue {
        name: "python",
        value,
        problem: format!("it cannot be made absolute: {error}"),
    })
}

/// Whether a text is a Python version with its patch number, such as `3.13.5` or `3.15.0rc1`.
pub fn is_full_version(text: &str) -> bool {
    text.parse::<pep440_rs::Version>().is_ok_and(|version| version.release().len() == 3)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn options() -> Value {
        json!({ "path": env!("CARGO_MANIFEST_DIR"), "pythonVersion": "3.13", "architecture": "arm64" })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut options = options();
        options[name] = value;
        options
    }

    fn error(options: &Value) -> (String, &'static str) {
        let error = Request::from_options(options).unwrap_err();
        (error.to_string(), error.code())
    }

    #[test]
    fn the_required_options_are_enough() {
        let request = Request::from_options(&options()).unwrap();
        assert_eq!(request.package, None);
        assert_eq!(request.target.to_string(), "python3.13 on arm64");
    }

    #[test]
    fn names_are_normalised_and_have_no_order_and_patterns_have_one() {
        let read = |name, value| Request::from_options(&with(name, value)).map(|request| request.choice);
        let choice = read("extras", json!(["Web_UI", "a.b", "web-ui"])).unwrap();
        assert_eq!(choice.extras, ["a-b", "web-ui"]);
        assert_eq!(read("exclude", json!(["b", "!a", "b"])).unwrap().exclude, ["b", "!a", "b"]);
    }

    #[test]
    fn lists_hold_texts_and_patterns_are_patterns() {
        let message = |name, value| error(&with(name, value));
        assert_eq!(
            message("extras", json!("web")),
            ("the option `extras` must be an array of strings, not a string".to_owned(), "INVALID_OPTIONS")
        );
        assert!(message("groups", json!([1])).0.ends_with("not an array with a number in it"));
        assert!(message("groups", json!([" "])).0.contains("empty"));
        assert!(message("include", json!(["# all"])).0.contains("comment"));
    }

    #[test]
    fn null_is_the_same_as_absent() {
        let with_null = Request::from_options(&with("packageName", Value::Null)).unwrap();
        assert_eq!(with_null, Request::from_options(&options()).unwrap());
    }

    #[test]
    fn a_misspelt_option_is_reported_with_the_nearest_name() {
        let (message, code) = error(&with("pakageName", json!("x")));
        assert_eq!(code, "INVALID_OPTIONS");
        assert!(
            message.starts_with("unknown option `pakageName` (did you mean `packageName`?)"),
            "{message}"
        );
    }

    #[test]
    fn a_wrong_type_is_named() {
        let (message, _) = error(&with("pythonVersion", json!(3.13)));
        assert_eq!(message, "the option `pythonVersion` must be a string, not a number");
        let (message, _) = error(&json!("path"));
        assert_eq!(message, "the options must be an object, not a string");
    }

    #[test]
    fn a_python_that_lambda_lacks_is_refused_with_the_list() {
        let (message, code) = error(&with("pythonVersion", json!("3.8")));
        assert_eq!(code, "UNKNOWN_RUNTIME");
        assert!(message.contains("`3.8`") && message.contains("`3.13`"), "{message}");
    }

    #[test]
    fn a_path_must_be_a_folder() {
        assert_eq!(error(&with("path", json!("/no/such/folder"))).1, "PATH_NOT_FOUND");
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert_eq!(error(&with("path", json!(file))).1, "PATH_NOT_A_FOLDER");
    }

    #[test]
    fn a_handler_needs_a_module_and_a_function() {
        for bad in ["handler", "module.", ".handler", "a..b", ""] {
            assert_eq!(error(&with("handler", json!(bad))).1, "INVALID_OPTIONS", "{bad}");
        }
        assert!(Request::from_options(&with("handler", json!("app/main.handler"))).is_ok());
    }

    #[test]
    fn python_is_a_full_version_or_a_path() {
        let python =
            |value| Request::from_options(&with("python", json!(value))).map(|request| request.python);
        assert_eq!(python("3.13.5").unwrap(), Some(PythonRequest::Version("3.13.5".to_owned())));
        assert_eq!(python("/usr/bin/python3").unwrap(), Some(PythonRequest::Path("/usr/bin/python3".into())));
        assert!(python("3.13").is_err());
    }

    #[test]
    fn hooks_are_arrays_or_lines() {
        let hooks = |value| Request::from_options(&with("commandHooks", value)).map(|request| request.hooks);
        assert_eq!(
            hooks(json!({ "beforeBundling": ["make", ["cp", "a", "b"]] })).unwrap().before_bundling.len(),
            2
        );
        for bad in [
            json!("make"),
            json!({ "before": [] }),
            json!({ "afterBundling": "make" }),
            json!({ "afterBundling": [1] }),
        ] {
            assert!(hooks(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_digest_tells_requests_apart_and_knows_no_machine_path() {
        let digest = |path: &str, options: &Value| {
            let mut request = Request::from_options(options).unwrap();
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
        }
    }
}
