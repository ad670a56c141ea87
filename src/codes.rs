//! The one list of the stable codes of errors and warnings. The comment on a code is its meaning for users: the codes of TypeScript
//! with their documentation (`construct/codes.ts`) are generated from this list.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumMessage, IntoStaticStr, VariantArray};

/// Why a zip could not be built.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Display, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// an option is unknown, missing, of the wrong type, or does not fit the others
    InvalidOptions,
    /// the runtime is not Python, or is a Python that Lambda does not have
    UnknownRuntime,
    /// `path` does not exist
    PathNotFound,
    /// `path` is a file, but not a Python script
    PathNotAFolder,
    /// a file of the project cannot be read
    ProjectNotReadable,
    /// there is no `uv.lock` at or above `path`, or no lock beside a script
    NoLockfile,
    /// `uv.lock` is damaged, locks no project, or has a newer format
    BadLockfile,
    /// `uv.lock` no longer matches `pyproject.toml`: run `uv lock`
    LockfileOutdated,
    /// nothing says which runtime: there is neither `runtime` nor a `.python-version`
    RuntimeRequired,
    /// the project's `requires-python` excludes the runtime
    RequiresPython,
    /// the workspace has no member `packageName`
    UnknownPackage,
    /// the workspace has several members, and nothing says which
    PackageRequired,
    /// the package has no such extra (`extras`)
    UnknownExtra,
    /// the package has no such dependency group (`groups`)
    UnknownGroup,
    /// the project declares the chosen extras or groups as `conflicts`
    ConflictingExtras,
    /// a pattern in `include` or `exclude` matches no file, or the package does not need a name in `excludePackages`
    NothingMatches,
    /// uv ended with an error; its own words are in the message
    UvFailed,
    /// uv, Python or a command of `hooks` took longer than `UV_LAMBDA_CDK_TIMEOUT` allows (in seconds; without it an hour, and 30
    /// seconds for a question such as `uv --version`), and was killed
    TimedOut,
    /// a file in uv's cache is not that of its wheel, and the wheel could not be installed again; a warning if it could
    UvCacheChanged,
    /// a command of `hooks` failed; its own words are in the message
    HookFailed,
    /// a local package could not be built; the build's own words are in the message
    BuildFailed,
    /// the source of a package that has no wheel cannot be fetched: no network, no access, or it is gone
    SourceNotAvailable,
    /// the source of a package that has no wheel is not the one that `uv.lock` pins
    HashMismatch,
    /// the package has neither files nor dependencies
    EmptyBundle,
    /// the metadata of an installed package is damaged
    BadMetadata,
    /// the module of `handler` is not in the zip (the message says if `exclude` left it out), or does not define the function
    HandlerNotFound,
    /// `handler` names a value, such as a number or a text, where a function is needed
    HandlerNotCallable,
    /// the module of `handler` has a syntax error; the message has the line
    HandlerDoesNotCompile,
    /// the code and its layers are larger unzipped than Lambda takes, or than `maxSize` allows
    BundleTooLarge,
    /// the function has another runtime, CPU or handler than its code was built for
    FunctionMismatch,
    /// a layer of the function is for another Python or CPU
    LayerMismatch,
    /// a layer of the function holds another version of a package than the lock has
    LayerVersionMismatch,
    /// a compiled file is for another CPU
    WrongArchitecture,
    /// a compiled file needs a newer glibc than the runtime has
    GlibcTooNew,
    /// a compiled file needs a newer C++ or compiler library than the runtime has
    LibraryTooNew,
    /// a compiled file is for another C library (Alpine) than the runtime's
    NeedsMusl,
    /// a wheel is for another Python or platform
    WrongWheelTag,
    /// Python could not compile
    BytecodeFailed,
    /// a wheel or zip is damaged, or its headers are wrong; the message names the entry
    BadZip,
    /// the bundle has two files with the same path; the message names it
    DuplicateFile,
    /// a file of the bundle has a path that Linux cannot have
    BadFileName,
    /// the folder of the cache cannot be made or written to; for a bundle only a warning
    CacheNotUsable,
    /// a container is needed, and there is no Docker; the message says why it is needed
    DockerNotFound,
    /// nothing can be written into the output folder
    OutputNotWritable,
    /// another file could not be read or written
    Io,
    /// a bug of ours; please report it
    Bug,
    /// no uv on `PATH`, and no `uv` option
    UvNotFound,
    /// this uv is too old; the message names the oldest version that works
    UvTooOld,
    /// this machine has no Python that can compile for the runtime, and uv cannot get one
    PythonNotFound,
    /// a dependency has no wheel for the runtime and CPU, and must be compiled there
    NoWheel,
    /// a dependency without a wheel cannot be built from its source on this machine; the build's own words are in the message
    SourceBuildFailed,
    /// a local package is not pure Python, and must be compiled for the runtime and CPU
    NativeLocalPackage,
}

impl ErrorCode {
    /// Whether a container could do what this machine cannot. Every other error would occur in a container too, and its cause would
    /// be hidden.
    pub const fn container_can_help(self) -> bool {
        matches!(
            self,
            Self::UvNotFound
                | Self::UvTooOld
                | Self::PythonNotFound
                | Self::NoWheel
                // The image has compilers, and headers that this machine may lack.
                | Self::SourceBuildFailed
                | Self::NativeLocalPackage
        )
    }
}

/// Something that may go wrong on the target.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Display,
    EnumMessage,
    IntoStaticStr,
    VariantArray,
    Serialize,
    Deserialize,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WarningCode {
    /// a compiled file needs a shared library that neither the zip nor the runtime has; a layer may have it, or the function may
    /// never load the file
    MissingLibrary,
    /// a compiled module is for another Python or CPU, so this one cannot import it
    WrongExtensionTag,
    /// a compiled file needs a newer C++ or compiler library than the runtime is known to have
    LibraryTooNew,
    /// a compiled file is for another CPU, and the function may never load it
    WrongArchitecture,
    /// a compiled file is for another C library (Alpine) than the runtime's, and the function may never load it
    NeedsMusl,
    /// the zip is larger than Lambda takes by direct upload, or the bundle than `maxSize` allows
    BundleTooLarge,
    /// the bundle was not cached, because the folder of the cache cannot be read or written
    CacheNotUsable,
    /// the remote cache cannot be reached, read or written; what it has is built on this machine
    RemoteCacheNotUsable,
    /// an object of the remote cache is damaged, or has not the signature that `UV_LAMBDA_CDK_REMOTE_CACHE_KEY` asks for; it was not
    /// used, and is built on this machine
    RemoteCacheObjectRefused,
    /// AWS no longer supports the runtime; the message has the dates from which Lambda refuses functions of it
    RuntimeDeprecated,
    /// Lambda refuses to create functions of the runtime, or to update them too
    RuntimeBlocked,
    /// two packages have different files with the same path; the file of the first package ships
    FileInTwoPackages,
    /// a file in uv's cache was not that of its wheel; the wheel was installed again without the cache
    UvCacheChanged,
    /// the Python that compiles is not the default of this version, since uv could not get it; another machine may have another
    /// Python, and then the zip has other bytes
    PythonNotPinned,
    /// two files or folders of a local package have names that are the same on macOS or Windows: they differ only by case, or by
    /// the Unicode form of a letter
    NamesTooAlike,
}
