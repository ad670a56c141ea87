// Generated from `src/codes.rs` by `npm run build:codes`: do not edit.

/**
 * Why a zip could not be built. More codes may come.
 *
 * | code | meaning |
 * | --- | --- |
 * | `INVALID_OPTIONS` | an option is unknown, missing, of the wrong type, or does not fit the others |
 * | `UNKNOWN_RUNTIME` | the runtime is not Python, or is a Python that Lambda does not have |
 * | `PATH_NOT_FOUND` | `path` does not exist |
 * | `PATH_NOT_A_FOLDER` | `path` is a file, but not a Python script |
 * | `PROJECT_NOT_READABLE` | a file of the project cannot be read |
 * | `NO_LOCKFILE` | there is no `uv.lock` at or above `path`, or no lock beside a script |
 * | `BAD_LOCKFILE` | `uv.lock` is damaged, locks no project, or has a newer format |
 * | `LOCKFILE_OUTDATED` | `uv.lock` no longer matches `pyproject.toml`: run `uv lock` |
 * | `RUNTIME_REQUIRED` | nothing says which runtime: there is neither `runtime` nor a `.python-version` |
 * | `REQUIRES_PYTHON` | the project's `requires-python` excludes the runtime |
 * | `UNKNOWN_PACKAGE` | the workspace has no member `packageName` |
 * | `PACKAGE_REQUIRED` | the workspace has several members, and nothing says which |
 * | `UNKNOWN_EXTRA` | the package has no such extra (`extras`) |
 * | `UNKNOWN_GROUP` | the package has no such dependency group (`groups`) |
 * | `CONFLICTING_EXTRAS` | the project declares the chosen extras or groups as `conflicts` |
 * | `NOTHING_MATCHES` | a pattern in `include` or `exclude` matches no file, or the package does not need a name in `excludePackages` |
 * | `UV_FAILED` | uv ended with an error; its own words are in the message |
 * | `TIMED_OUT` | uv, Python or a command of `hooks` took longer than `UV_LAMBDA_CDK_TIMEOUT` allows (in seconds; without it an hour, and 30 seconds for a question such as `uv --version`), and was killed |
 * | `UV_CACHE_CHANGED` | a file in uv's cache is not that of its wheel, and the wheel could not be installed again; a warning if it could |
 * | `HOOK_FAILED` | a command of `hooks` failed; its own words are in the message |
 * | `BUILD_FAILED` | a local package could not be built; the build's own words are in the message |
 * | `SOURCE_NOT_AVAILABLE` | the source of a package that has no wheel cannot be fetched: no network, no access, or it is gone |
 * | `HASH_MISMATCH` | the source of a package that has no wheel is not the one that `uv.lock` pins |
 * | `EMPTY_BUNDLE` | the package has neither files nor dependencies |
 * | `BAD_METADATA` | the metadata of an installed package is damaged |
 * | `HANDLER_NOT_FOUND` | the module of `handler` is not in the zip (the message says if `exclude` left it out), or does not define the function |
 * | `HANDLER_NOT_CALLABLE` | `handler` names a value, such as a number or a text, where a function is needed |
 * | `HANDLER_DOES_NOT_COMPILE` | the module of `handler` has a syntax error; the message has the line |
 * | `BUNDLE_TOO_LARGE` | the code and its layers are larger unzipped than Lambda takes, or than `maxSize` allows |
 * | `FUNCTION_MISMATCH` | the function has another runtime, CPU or handler than its code was built for |
 * | `LAYER_MISMATCH` | a layer of the function is for another Python or CPU |
 * | `LAYER_VERSION_MISMATCH` | a layer of the function holds another version of a package than the lock has |
 * | `WRONG_ARCHITECTURE` | a compiled file is for another CPU |
 * | `GLIBC_TOO_NEW` | a compiled file needs a newer glibc than the runtime has |
 * | `LIBRARY_TOO_NEW` | a compiled file needs a newer C++ or compiler library than the runtime has |
 * | `NEEDS_MUSL` | a compiled file is for another C library (Alpine) than the runtime's |
 * | `WRONG_WHEEL_TAG` | a wheel is for another Python or platform |
 * | `BYTECODE_FAILED` | Python could not compile |
 * | `BAD_ZIP` | a wheel or zip is damaged, or its headers are wrong; the message names the entry |
 * | `DUPLICATE_FILE` | the bundle has two files with the same path; the message names it |
 * | `BAD_FILE_NAME` | a file of the bundle has a path that Linux cannot have |
 * | `CACHE_NOT_USABLE` | the folder of the cache cannot be made or written to; for a bundle only a warning |
 * | `DOCKER_NOT_FOUND` | a container is needed, and there is no Docker; the message says why it is needed |
 * | `OUTPUT_NOT_WRITABLE` | nothing can be written into the output folder |
 * | `IO` | another file could not be read or written |
 * | `BUG` | a bug of ours; please report it |
 *
 * A container could help with the next ones. `PythonLambdaFunction` and `UvBundler` fall back to Docker instead of
 * throwing them, unless that is forbidden.
 *
 * | code | meaning |
 * | --- | --- |
 * | `UV_NOT_FOUND` | no uv on `PATH`, and no `uv` option |
 * | `UV_TOO_OLD` | this uv is too old; the message names the oldest version that works |
 * | `PYTHON_NOT_FOUND` | this machine has no Python that can compile for the runtime, and uv cannot get one |
 * | `NO_WHEEL` | a dependency has no wheel for the runtime and CPU, and must be compiled there |
 * | `SOURCE_BUILD_FAILED` | a dependency without a wheel cannot be built from its source on this machine; the build's own words are in the message |
 * | `NATIVE_LOCAL_PACKAGE` | a local package is not pure Python, and must be compiled for the runtime and CPU |
 */
export type ErrorCode =
  | 'INVALID_OPTIONS'
  | 'UNKNOWN_RUNTIME'
  | 'PATH_NOT_FOUND'
  | 'PATH_NOT_A_FOLDER'
  | 'PROJECT_NOT_READABLE'
  | 'NO_LOCKFILE'
  | 'BAD_LOCKFILE'
  | 'LOCKFILE_OUTDATED'
  | 'RUNTIME_REQUIRED'
  | 'REQUIRES_PYTHON'
  | 'UNKNOWN_PACKAGE'
  | 'PACKAGE_REQUIRED'
  | 'UNKNOWN_EXTRA'
  | 'UNKNOWN_GROUP'
  | 'CONFLICTING_EXTRAS'
  | 'NOTHING_MATCHES'
  | 'UV_FAILED'
  | 'TIMED_OUT'
  | 'UV_CACHE_CHANGED'
  | 'HOOK_FAILED'
  | 'BUILD_FAILED'
  | 'SOURCE_NOT_AVAILABLE'
  | 'HASH_MISMATCH'
  | 'EMPTY_BUNDLE'
  | 'BAD_METADATA'
  | 'HANDLER_NOT_FOUND'
  | 'HANDLER_NOT_CALLABLE'
  | 'HANDLER_DOES_NOT_COMPILE'
  | 'BUNDLE_TOO_LARGE'
  | 'FUNCTION_MISMATCH'
  | 'LAYER_MISMATCH'
  | 'LAYER_VERSION_MISMATCH'
  | 'WRONG_ARCHITECTURE'
  | 'GLIBC_TOO_NEW'
  | 'LIBRARY_TOO_NEW'
  | 'NEEDS_MUSL'
  | 'WRONG_WHEEL_TAG'
  | 'BYTECODE_FAILED'
  | 'BAD_ZIP'
  | 'DUPLICATE_FILE'
  | 'BAD_FILE_NAME'
  | 'CACHE_NOT_USABLE'
  | 'DOCKER_NOT_FOUND'
  | 'OUTPUT_NOT_WRITABLE'
  | 'IO'
  | 'BUG'
  | 'UV_NOT_FOUND'
  | 'UV_TOO_OLD'
  | 'PYTHON_NOT_FOUND'
  | 'NO_WHEEL'
  | 'SOURCE_BUILD_FAILED'
  | 'NATIVE_LOCAL_PACKAGE';

/**
 * The codes of warnings. More codes may come.
 *
 * | code | meaning |
 * | --- | --- |
 * | `MISSING_LIBRARY` | a compiled file needs a shared library that neither the zip nor the runtime has; a layer may have it, or the function may never load the file |
 * | `WRONG_EXTENSION_TAG` | a compiled module is for another Python or CPU, so this one cannot import it |
 * | `LIBRARY_TOO_NEW` | a compiled file needs a newer C++ or compiler library than the runtime is known to have |
 * | `WRONG_ARCHITECTURE` | a compiled file is for another CPU, and the function may never load it |
 * | `NEEDS_MUSL` | a compiled file is for another C library (Alpine) than the runtime's, and the function may never load it |
 * | `BUNDLE_TOO_LARGE` | the zip is larger than Lambda takes by direct upload, or the bundle than `maxSize` allows |
 * | `CACHE_NOT_USABLE` | the bundle was not cached, because the folder of the cache cannot be read or written |
 * | `REMOTE_CACHE_NOT_USABLE` | the remote cache cannot be reached, read or written; what it has is built on this machine |
 * | `REMOTE_CACHE_OBJECT_REFUSED` | an object of the remote cache is damaged, or has not the signature that `UV_LAMBDA_CDK_REMOTE_CACHE_KEY` asks for; it was not used, and is built on this machine |
 * | `RUNTIME_DEPRECATED` | AWS no longer supports the runtime; the message has the dates from which Lambda refuses functions of it |
 * | `RUNTIME_BLOCKED` | Lambda refuses to create functions of the runtime, or to update them too |
 * | `FILE_IN_TWO_PACKAGES` | two packages have different files with the same path; the file of the first package ships |
 * | `UV_CACHE_CHANGED` | a file in uv's cache was not that of its wheel; the wheel was installed again without the cache |
 * | `PYTHON_NOT_PINNED` | the Python that compiles is not the default of this version, since uv could not get it; another machine may have another Python, and then the zip has other bytes |
 * | `NAMES_TOO_ALIKE` | two files or folders of a local package have names that are the same on macOS or Windows: they differ only by case, or by the Unicode form of a letter |
 */
export type WarningCode =
  | 'MISSING_LIBRARY'
  | 'WRONG_EXTENSION_TAG'
  | 'LIBRARY_TOO_NEW'
  | 'WRONG_ARCHITECTURE'
  | 'NEEDS_MUSL'
  | 'BUNDLE_TOO_LARGE'
  | 'CACHE_NOT_USABLE'
  | 'REMOTE_CACHE_NOT_USABLE'
  | 'REMOTE_CACHE_OBJECT_REFUSED'
  | 'RUNTIME_DEPRECATED'
  | 'RUNTIME_BLOCKED'
  | 'FILE_IN_TWO_PACKAGES'
  | 'UV_CACHE_CHANGED'
  | 'PYTHON_NOT_PINNED'
  | 'NAMES_TOO_ALIKE';
