//! Why a request cannot be planned.

use std::path::PathBuf;

use crate::codes::ErrorCode;
use crate::target::PythonVersion;
use crate::workspace::WorkspaceError;

/// Why a request does not fit the workspace.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The workspace cannot be read.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// No member has the name.
    #[error("the workspace `{}` has no member `{name}`{hint}; its members are {members}", .root.display())]
    UnknownPackage {
        /// The workspace.
        root: PathBuf,
        /// The name as given.
        name: String,
        /// The nearest member, as the end of the sentence.
        hint: String,
        /// Every member.
        members: String,
    },
    /// The workspace has several members, and none is named.
    #[error("the workspace `{}` has several members: name one in the option `packageName` ({members})", .root.display())]
    PackageRequired {
        /// The workspace.
        root: PathBuf,
        /// Every member.
        members: String,
    },
    /// Neither the request nor the project says which runtime.
    #[error(
        "no runtime is chosen, and {because}: set the option `runtime`, or write the version of Python into `.python-version` in `{}`, such as `echo {example} > .python-version`; {allowed}",
        .root.display()
    )]
    RuntimeRequired {
        /// Why `.python-version` does not say it, as a clause.
        because: String,
        /// The runtimes that the project allows, as a clause.
        allowed: String,
        /// The workspace.
        root: PathBuf,
        /// The Python of one of these runtimes.
        example: PythonVersion,
    },
    /// `requires-python` excludes the runtime.
    #[error(
        "the project's `requires-python` is `{requires}`, which excludes the runtime python{runtime}: choose {allowed}, or change `requires-python` and run `uv lock`"
    )]
    RuntimeNotAllowed {
        /// The `requires-python` of the lock.
        requires: String,
        /// The runtime's Python.
        runtime: PythonVersion,
        /// The runtimes that it allows.
        allowed: String,
    },
    /// `requires-python` excludes every runtime.
    #[error(
        "the project's `requires-python` is `{requires}`, which excludes every Python that Lambda has released ({released}): change it and run `uv lock`"
    )]
    NoRuntimeAllowed {
        /// The `requires-python` of the lock.
        requires: String,
        /// The Pythons that Lambda has.
        released: String,
    },
    /// The member has no such extra.
    #[error("`{member}` has no extra `{name}` (option `extras`){known}")]
    UnknownExtra {
        /// The member.
        member: String,
        /// The name as given.
        name: String,
        /// The nearest name, and every name there is, as the end of the sentence.
        known: String,
    },
    /// The member has no such dependency group.
    #[error("`{member}` has no dependency group `{name}` (option `groups`){known}")]
    UnknownGroup {
        /// The member.
        member: String,
        /// The name as given.
        name: String,
        /// The nearest name, and every name there is, as the end of the sentence.
        known: String,
    },
    /// Extras and groups that the project declares as `conflicts`.
    #[error(
        "{together} cannot be chosen together: the project declares them as `conflicts`; choose one of them"
    )]
    Conflict {
        /// The extras and groups.
        together: String,
    },
    /// `excludePackages` names the member.
    #[error(
        "the option `excludePackages` names `{member}`, the package that is bundled: remove it from the list"
    )]
    ExcludesMember {
        /// The member.
        member: String,
    },
    /// `excludePackages` names a package that the member does not need.
    #[error(
        "`{member}` does not need `{name}` (option `excludePackages`) on this runtime{hint}; it needs {needed}"
    )]
    ExcludesNothing {
        /// The member.
        member: String,
        /// The name as given.
        name: String,
        /// The nearest name, as the end of the sentence.
        hint: String,
        /// Every package that the member needs.
        needed: String,
    },
    /// A pattern matches no file.
    #[error(
        "the pattern `{pattern}` (option `{option}`) matches no file of `{member}`: write it as in a `.gitignore` in `{}`, or remove it{because}", .folder.display()
    )]
    NothingMatches {
        /// The option: `include` or `exclude`.
        option: &'static str,
        /// The pattern.
        pattern: String,
        /// The member.
        member: String,
        /// The folder that the pattern is relative to.
        folder: PathBuf,
        /// A hint, as the end of the sentence.
        because: &'static str,
    },
    /// A pattern of `exclude` matches the handler's module.
    #[error(
        "the handler `{handler}` needs `{file}`, which the pattern `{pattern}` (option `exclude`) leaves out: change the pattern, or add `!{file}` after it"
    )]
    ExcludesHandler {
        /// The handler.
        handler: String,
        /// The file of its module, relative to the member's folder.
        file: String,
        /// The pattern.
        pattern: String,
    },
    /// A layer names a package that no member needs.
    #[error("no member needs `{name}`{hint} (option `packages` of the layer); the members need {needed}")]
    LayerOfNothing {
        /// The package.
        name: String,
        /// The nearest package, as the end of the sentence.
        hint: String,
        /// The packages that members need.
        needed: String,
    },
    /// A layer holds another version than the function needs.
    #[error(
        "the layer `{layer}` holds `{package}` {layered}, and the function needs {locked}: make the layer from the same `uv.lock`, or leave it out"
    )]
    LayerVersion {
        /// The layer.
        layer: String,
        /// The package.
        package: String,
        /// The version in the layer.
        layered: String,
        /// The version in the lock.
        locked: String,
    },
    /// A layer of the function is for another runtime.
    #[error(
        "the layer `{layer}` is for {found}, and the function for {wanted}: give the layer the function's `runtime` and `architecture`, or make another layer"
    )]
    LayerMismatch {
        /// The layer.
        layer: String,
        /// The runtime and CPU of the layer.
        found: String,
        /// The runtime and CPU of the function.
        wanted: String,
    },
}

impl PlanError {
    /// The stable code of this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Workspace(error) => error.code(),
            Self::UnknownPackage { .. } => ErrorCode::UnknownPackage,
            Self::PackageRequired { .. } => ErrorCode::PackageRequired,
            Self::RuntimeRequired { .. } => ErrorCode::RuntimeRequired,
            Self::RuntimeNotAllowed { .. } | Self::NoRuntimeAllowed { .. } => ErrorCode::RequiresPython,
            Self::UnknownExtra { .. } => ErrorCode::UnknownExtra,
            Self::UnknownGroup { .. } => ErrorCode::UnknownGroup,
            Self::Conflict { .. } => ErrorCode::ConflictingExtras,
            Self::ExcludesMember { .. } => ErrorCode::InvalidOptions,
            Self::ExcludesNothing { .. } | Self::NothingMatches { .. } | Self::LayerOfNothing { .. } => {
                ErrorCode::NothingMatches
            }
            Self::ExcludesHandler { .. } => ErrorCode::HandlerNotFound,
            Self::LayerVersion { .. } => ErrorCode::LayerVersionMismatch,
            Self::LayerMismatch { .. } => ErrorCode::LayerMismatch,
        }
    }
}

impl From<std::io::Error> for PlanError {
    fn from(source: std::io::Error) -> Self {
        Self::Workspace(source.into())
    }
}
