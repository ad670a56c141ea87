//! Container: what a container runs where this machine cannot build a bundle.

use crate::Error;
use crate::project::Project;
use crate::request::Request;
use crate::target::Architecture;

/// What CDK's Docker fallback needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerPlan {
    /// The image: AWS's build image of the runtime, which has its Python and its glibc.
    pub image: String,
    /// Docker's name of the platform.
    pub platform: &'static str,
    /// The command, as an array of arguments.
    pub command: Vec<String>,
}

/// The plain uv install, for `/bin/sh -c`. The member is its argument, never part of its text.
const SCRIPT: &str = include_str!("container.sh");

/// Plans the container for a request. Reads the lock, starts nothing.
pub fn plan(request: &Request) -> Result<ContainerPlan, Error> {
    let project = Project::open(request)?;
    let (machine, platform) = match request.target.architecture {
        Architecture::X86_64 => ("x86_64", "linux/amd64"),
        Architecture::Arm64 => ("arm64", "linux/arm64"),
    };
    Ok(ContainerPlan {
        image: format!("public.ecr.aws/sam/build-{}:latest-{machine}", request.target.runtime_name()),
        platform,
        command: [
            "/bin/sh",
            "-c",
            SCRIPT,
            "uv-lambda-cdk",
            &project.member,
            &request.target.python.to_string(),
        ]
        .map(str::to_owned)
        .to_vec(),
    })
}
