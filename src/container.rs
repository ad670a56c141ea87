//! Container: what a container runs where this machine cannot build a bundle. The same pipeline, as a
//! static executable; so the same uv and the same CPython give the same bytes.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::check::SizeLimits;
use crate::plan::subject::Subject;
use crate::request::{PythonRequest, Request};
use crate::store::Store;
use crate::target::Architecture;
use crate::tools::uv::Uv;
use crate::workspace::Workspace;

/// The uv that the container gets where this machine has none.
const DEFAULT_UV_VERSION: &str = "0.13.9";

/// Where CDK mounts the workspace.
const INPUT: &str = "/asset-input";

/// Where CDK looks for what was built.
const OUTPUT: &str = "/asset-output";

/// Where the folder is mounted that holds every local package, where the workspace alone does not.
const SOURCES: &str = "/uv-lambda-cdk/sources";

/// Where the cache of this machine's uv is mounted.
const CACHE: &str = "/uv-lambda-cdk/cache";

/// What CDK's Docker fallback needs to know.
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
    /// The cache of this machine's uv, where it is of use in the container.
    pub cache: Option<Volume>,
}

/// A folder of this machine that the container sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// The folder here.
    pub host_path: PathBuf,
    /// The folder there.
    pub container_path: &'static str,
}

/// Plans the container for a request. Asks uv for its version and its cache, where there is a uv.
pub fn plan(request: &Request) -> Result<ContainerPlan, Error> {
    let workspace = Workspace::open(&request.path)?;
    let subject = Subject::of(request, &workspace)?;
    let uv = Uv::find(request, &Store::none()).ok();
    let (machine, platform) = match request.target.architecture {
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
    // Elsewhere a mounted folder is slow, and what uv keeps there is for another system.
    let cache = uv.as_ref().filter(|_| cfg!(target_os = "linux")).and_then(Uv::cache_folder);
    let cache = cache.filter(|cache| cache.is_dir());

    Ok(ContainerPlan {
        base_image: format!("public.ecr.aws/sam/build-{}:latest-{machine}", request.target.runtime_name()),
        uv_version: uv.map_or_else(|| DEFAULT_UV_VERSION.to_owned(), |uv| uv.version.to_string()),
        platform,
        executable: format!("uv-lambda-cdk-{machine}"),
        arguments: arguments(request, &subject, &inside(&request.path, outer, mounted)),
        // CDK runs the container as the caller's user, who has no home in it.
        environment: vec![("HOME", "/tmp".to_owned())],
        volumes,
        cache: cache.map(|host_path| Volume { host_path, container_path: CACHE }),
    })
}

/// The command line that asks for the same bundle inside the container, where compiling is right.
fn arguments(request: &Request, subject: &Subject, path: &str) -> Vec<String> {
    let target = request.target;
    let mut arguments: Vec<String> =
        ["bundle", "--native-builds", "--no-cache", "--path", path, "--package", &subject.member]
            .into_iter()
            .map(str::to_owned)
            .collect();
    if request.layer.is_some() {
        arguments.push("--layer".to_owned());
    }
    let mut add = |flag: &str, value: &str| arguments.extend([flag.to_owned(), value.to_owned()]);
    add("--python", &target.python.to_string());
    add("--architecture", target.architecture.lambda_name());
    add("--output", OUTPUT);
    if let Some(handler) = &request.handler {
        add("--handler", handler);
    }
    if let Some(layer) = &request.layer {
        for name in &subject.layer_members {
            add("--layer-of", name);
        }
        for name in &layer.packages {
            add("--layer-package", name);
        }
    }
    if !request.layers.is_empty() {
        add("--layers", &serde_json::json!(request.layers).to_string());
    }
    let limits = request.max_size;
    for (flag, bytes) in [("--max-size-unzipped", limits.unzipped), ("--max-size-zipped", limits.zipped)] {
        if let Some(bytes) = bytes {
            add(flag, &bytes.to_string());
        }
    }
    if limits != SizeLimits::default() {
        add("--max-size-on-exceed", limits.on_exceed.name());
    }
    let choice = &request.choice;
    for (flag, values) in [
        ("--extra", &choice.extras),
        ("--group", &choice.groups),
        ("--exclude-package", &choice.exclude_packages),
        ("--include", &choice.include),
        ("--exclude", &choice.exclude),
    ] {
        for value in values {
            add(flag, value);
        }
    }
    for (flag, hooks) in [
        ("--before-bundling", &request.hooks.before_bundling),
        ("--after-bundling", &request.hooks.after_bundling),
    ] {
        for hook in hooks {
            add(flag, &hook.to_argument());
        }
    }
    // A path names an interpreter of this machine; the container has its own.
    if let Some(PythonRequest::Version(version)) = &request.python {
        add("--interpreter", version);
    }
    arguments
}

/// Where `path` is in a container that has the folder `outer` at `mounted`.
fn inside(path: &Path, outer: &Path, mounted: &str) -> String {
    let within = path.strip_prefix(outer).unwrap_or(Path::new(""));
    let parts = within.components().map(|part| part.as_os_str().to_string_lossy());
    std::iter::once(mounted.into()).chain(parts).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
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
}
