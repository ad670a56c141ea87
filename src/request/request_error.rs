//! Why options are refused.

use std::path::PathBuf;

use crate::codes::ErrorCode;

/// Why options are refused.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The options are not an object.
    #[error("the options must be an object, not {found}")]
    NotAnObject {
        /// The type of the options.
        found: &'static str,
    },
    /// The options contain a value that JSON cannot express.
    #[error("the options must be plain values: {problem}")]
    NotPlain {
        /// The value.
        problem: String,
    },
    /// An option that does not exist.
    #[error("unknown option `{name}`{hint}; the options are {known}")]
    UnknownOption {
        /// The option as given, by its path.
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
        /// The option, by its path.
        name: String,
        /// The type that it takes.
        expected: String,
        /// The type that it was given.
        found: &'static str,
    },
    /// The value of an option has the right type, but is not allowed.
    #[error("the option `{name}` is `{value}`: {problem}")]
    BadValue {
        /// The option, by its path.
        name: String,
        /// Its value.
        value: String,
        /// What is wrong with it and what to write instead.
        problem: String,
    },
    /// A setting of the remote cache is not allowed.
    #[error("`{name}` is `{value}`: {problem}")]
    RemoteCache {
        /// The option or variable.
        name: &'static str,
        /// Its value, without the parameters of an address: somebody may have written a secret there.
        value: String,
        /// What is wrong with it and what to write instead.
        problem: String,
    },
    /// The work with a remote cache needs one.
    #[error(
        "there is no remote cache: name one in `UV_LAMBDA_CDK_REMOTE_CACHE` or the option `remoteCache`, and leave the cache on"
    )]
    NoRemoteCache,
    /// An option that only a function can have.
    #[error(
        "the option `{name}` has no meaning for a layer, which holds third-party packages only: leave it out"
    )]
    NotForLayers {
        /// The option.
        name: &'static str,
    },
    /// The runtime is not Python, or Lambda does not have it.
    #[error("Lambda has no Python runtime `{name}` (option `runtime`): {advice}")]
    UnknownRuntime {
        /// The name as given.
        name: String,
        /// What to write instead, as the end of the sentence.
        advice: String,
    },
    /// `path` does not exist.
    #[error("the folder `{}` (option `path`) does not exist: give the uv workspace, or any folder in it", .path.display())]
    PathNotFound {
        /// The path.
        path: PathBuf,
    },
    /// `path` is neither a folder nor a script.
    #[error("`{}` (option `path`) is not a folder, and no Python script: give the uv workspace, any folder in it, or a script with its lock", .path.display())]
    PathNotAFolder {
        /// The path.
        path: PathBuf,
    },
}

impl RequestError {
    /// The stable code of this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownRuntime { .. } => ErrorCode::UnknownRuntime,
            Self::PathNotFound { .. } => ErrorCode::PathNotFound,
            Self::PathNotAFolder { .. } => ErrorCode::PathNotAFolder,
            Self::NotAnObject { .. }
            | Self::NotPlain { .. }
            | Self::UnknownOption { .. }
            | Self::Missing { .. }
            | Self::WrongType { .. }
            | Self::BadValue { .. }
            | Self::RemoteCache { .. }
            | Self::NoRemoteCache
            | Self::NotForLayers { .. } => ErrorCode::InvalidOptions,
        }
    }

    /// An option with an impossible value.
    pub(super) fn bad_value(
        name: impl Into<String>,
        value: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        Self::BadValue { name: name.into(), value: value.into(), problem: problem.into() }
    }
}
