//! Container: the plan by which a container builds a bundle that this machine cannot build. A static
//! executable runs the same pipeline there, so the same uv and the same CPython give the same bytes.

pub mod credentials;

use std::path::{Path, PathBuf};

use crate::Error;
use crate::plan::subject::Subject;
use crate::request::layers::LayerContents;
use crate::request::{Options, PythonRequest, Request};
use crate::store::Store;
use crate::target::Architecture;
use crate::tools::interpreter::IN_CONTAINER;
use crate::tools::uv::Uv;
use crate::workspace::Workspace;

/// The version of uv in the container where this machine has no uv.
const DEFAULT_UV_VERSION: &str = "0.13.9";

/// Where CDK mounts the workspace.
const INPUT: &str = "/asset-input";

/// Where CDK looks for the zip.
const OUTPUT: &str = "/asset-output";

/// Where the folder of all local packages is mounted, if some of them are outside of the workspace.
const SOURCES: &str = "/uv-lambda-cdk/sources";

/// Where the cache of this machine's uv is mounted.
const CACHE: &str = "/uv-lambda-cdk/cache";

/// A container, as CDK's Docker fallback starts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerPlan {
    /// The image to add uv to: AWS's build image of the runtime, which has its Python and its glibc.
    pub base_image: String,
    /// The uv to add: the version that this machine has, so that both build the same bytes.
    pub uv_version: String,
    /// Docker's name of the platform.
    pub platform: &'static str,
    /// File name of the executable that builds, for the container's CPU.
    pub executable: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Environment variables that it needs.
    pub environment: Vec<(&'static str, String)>,
    /// Folders to mount beside the workspace.
    pub volumes: Vec<Volume>,
    /// The cache of this machine's uv, where the container can use it.
    pub cache: Option<Volume>,
}

/// A folder of this machine that the container sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// The folder on this machine.
    pub host_path: PathBuf,
    /// The folder in the container.
    pub container_path: &'static str,
}

/// Plans the container for a request. Asks uv for its version and its cache, where there is a uv.
pub fn plan(request: &Request) -> Result<ContainerPlan, Error> {
    let workspace = Workspace::open(&request.path)?;
    let subject = Subject::of(request, &workspace)?;
    let uv = Uv::find(request, &Store::none()).ok();
    let (machine, platform) = match subject.target.architecture {
        Architecture::X86_64 => ("x86_64", "linux/amd64"),
        Architecture::Arm64 => ("arm64", "linux/arm64"),
    };

    let mut volumes = Vec::new();
    let everything = workspace.folder_of_everything();
    let (outer, mounted) = if everything == workspace.root {
        (workspace.root.as_path(), INPUT)
    } else {
        volumes.push(Volume { host_path: everything.clone(), container_path: SOURCES });
        (everything.as_path(), SOURCES)
    };
    // On other systems a mounted folder is slow, and wheels in the cache are for another system.
    let cache = uv.as_ref().filter(|_| cfg!(target_os = "linux")).and_then(Uv::cache_folder);
    let cache = cache.filter(|cache| cache.is_dir());

    Ok(ContainerPlan {
        base_image: format!("public.ecr.aws/sam/build-{}:latest-{machine}", subject.target.runtime_name()),
        uv_version: uv.map_or_else(|| DEFAULT_UV_VERSION.to_owned(), |uv| uv.version.to_string()),
        platform,
        executable: format!("uv-lambda-cdk-{machine}"),
        arguments: arguments(request, &subject, inside(&request.path, outer, mounted)),
        // CDK runs the container as the caller's user, who has no home in it.
        environment: vec![("HOME", "/tmp".to_owned()), (IN_CONTAINER, "1".to_owned())],
        volumes,
        cache: cache.map(|host_path| Volume { host_path, container_path: CACHE }),
    })
}

/// The command line that asks for the same bundle inside the container.
///
/// The options are one argument, and not a file: not every engine can mount the folder of temporary files,
/// but every engine passes arguments. Other users of this machine can see arguments while the container runs.
/// Options have no secrets: a command of the caller that needs one reads it from a variable. Secrets travel
/// in a file ([`credentials`]).
fn arguments(request: &Request, subject: &Subject, path: String) -> Vec<String> {
    let options = options_inside(request, subject, path);
    ["bundle", "--options", &options.to_json().to_string(), "--output", OUTPUT].map(str::to_owned).into()
}

/// The options of the request, without paths of this machine. Choices that depend on this machine are made
/// here.
fn options_inside(request: &Request, subject: &Subject, path: String) -> Options {
    let layer = request.layer.as_ref().map(|layer| LayerContents {
        package_names: subject.layer_members.clone(),
        packages: layer.packages.clone(),
    });
    Options {
        path: Some(path),
        package_name: Some(subject.member.clone()),
        runtime: Some(subject.target.runtime_name()),
        // A path names an interpreter of this machine; the container has its own.
        python: request.python.as_ref().and_then(PythonRequest::version).map(str::to_owned),
        uv: None,
        // The system of the container is the runtime's.
        native_builds: Some(true),
        cache: Some(false),
        cache_dir: None,
        remote_cache: None,
        layer,
        ..request.options().clone()
    }
}

/// Where `path` is in a container that has the folder `outer` at `mounted`.
fn inside(path: &Path, outer: &Path, mounted: &str) -> String {
    let within = path.strip_prefix(outer).unwrap_or(Path::new(""));
    let parts = within.components().map(|part| part.as_os_str().to_string_lossy());
    std::iter::once(mounted.into()).chain(parts).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_path_is_found_again_below_the_mount() {
        let outer = Path::new("/home/ada/project");
        assert_eq!(
            inside(Path::new("/home/ada/project/packages/app"), outer, INPUT),
            "/asset-input/packages/app"
        );
        assert_eq!(inside(outer, outer, INPUT), "/asset-input");
    }

    #[test]
    fn the_container_gets_the_options_without_paths_of_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let lock =
            "version = 1\nrequires-python = '>=3.9'\n[[package]]\nname = 'app'\nsource = { virtual = '.' }\n";
        fs_err::write(folder.path().join("uv.lock"), lock).unwrap();
        let layer = json!({
            "name": "Packages",
            "runtime": "python3.13",
            "architecture": "arm64",
            "packages": [{ "name": "orjson", "version": "3.11.0" }],
            "unzippedBytes": 1000,
        });
        let options = json!({
            "path": folder.path(),
            "runtime": "python3.13",
            "architecture": "arm64",
            "handler": "app.main.handler",
            "python": "/usr/bin/python3.13",
            "uv": "/opt/uv",
            "cacheDir": "/var/cache/mine",
            "exclude": ["a b"],
            "hooks": { "beforeBuild": [["cp", "a", "b"]] },
            "maxSize": { "zipped": "1 kB" },
            "layers": [layer],
        });
        let ContainerPlan { arguments, .. } = plan(&Request::from_json(&options).unwrap()).unwrap();
        let [verb, flag, json, output, place] = arguments.as_slice() else { panic!("{arguments:?}") };
        assert_eq!([verb, flag, output, place], ["bundle", "--options", "--output", OUTPUT]);
        let json: Value = serde_json::from_str(json).unwrap();
        assert!(Options::from_json(&json).is_ok());
        assert_eq!(
            json,
            json!({
                "path": INPUT,
                "packageName": "app",
                "runtime": "python3.13",
                "architecture": "arm64",
                "handler": "app.main.handler",
                "nativeBuilds": true,
                "cache": false,
                "exclude": ["a b"],
                "hooks": { "beforeBuild": [["cp", "a", "b"]], "beforeZip": [] },
                "maxSize": { "unzipped": null, "zipped": 1024, "onExceed": "fail" },
                "layers": [layer],
            })
        );
    }
}
