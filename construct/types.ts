// The structs of the public API: what callers give, and what they get. Written here once: jsii compiles them for TypeScript and for
// Python. What is `@internal` is for TypeScript and JavaScript alone.

import type { BundlingFileAccess, DockerImage, DockerRunOptions } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { ErrorCode, WarningCode } from './codes';

/** When a bundle is built in a container. See `ContainerOptions.docker`. */
export type DockerMode = 'fallback' | 'always' | 'never';

/** A CPU that Lambda has, by Lambda's name. */
export type LambdaArchitecture = 'x86_64' | 'arm64';

/** The error of everything here. The message begins with the code, and says what is wrong and what to do; `code` is for programs. */
export type BundleError = Error & { readonly code: ErrorCode };

/** Which package of which uv project, and for which Python. */
export interface PythonProjectProps {
  /**
   * The uv workspace, or any folder in it; or a script with inline metadata (PEP 723), a `.py` file with its lock beside
   * it (`uv lock --script`). A relative path is taken from the working directory of the app.
   *
   * @default - the nearest folder with a `uv.lock`, at or above the working directory of the app
   */
  readonly path?: string;

  /**
   * The workspace member to bundle, by the name in its `pyproject.toml`.
   *
   * @default - the member whose folder `path` is in; else the only member of the workspace
   */
  readonly packageName?: string;

  /**
   * The Lambda runtime. The packages are chosen for its Python, and the bytecode is compiled by that Python.
   *
   * @default - the Python in the project's `.python-version`. Without that file, a function without a runtime is an error
   * that lists the runtimes that `requires-python` allows
   */
  readonly runtime?: lambda.Runtime;

  /**
   * How the bundle is built.
   *
   * @default - on this machine; in a container where this machine cannot
   */
  readonly bundling?: PythonBundlingOptions;
}

/**
 * Options of `PythonLambdaFunction`: those of `lambda.Function`, and which package of which project is its code. The packages are
 * chosen for the CPU in `architecture`.
 */
export interface PythonLambdaFunctionProps extends lambda.FunctionOptions, PythonProjectProps {
  /**
   * The function that Lambda calls, as `<module>.<function>`, the module with its dots:
   * `demo_lambda1.lambda_function.lambda_handler`. The build fails if the zip lacks the module, or the module the function.
   *
   * @default - `<package>.lambda_function.lambda_handler`, the package's name with `_` instead of `-`. For an application
   * without a build system: `lambda_function.lambda_handler`, unless it has a file `<package>/lambda_function.py`
   */
  readonly handler?: string;
}

/**
 * Options of `PythonLambdaImageFunction`: those of `lambda.DockerImageFunction` without its code, and which package of which
 * project is the code. Lambda gives functions with an image no layers.
 */
export interface PythonLambdaImageFunctionProps extends lambda.FunctionOptions, PythonProjectProps {
  /**
   * The function that Lambda calls, as in `PythonLambdaFunction`.
   *
   * @default - as for `PythonLambdaFunction`
   */
  readonly handler?: string;

  /**
   * The image that the function's image begins with: it has the runtime, and starts the handler that it is given. With a digest
   * (`public.ecr.aws/lambda/python@sha256:...`), everybody builds on the same files.
   *
   * @default - AWS's image of the runtime, such as `public.ecr.aws/lambda/python:3.13`
   */
  readonly baseImage?: string;
}

/** Options of `PythonLambdaCode.fromProject`. */
export interface PythonLambdaCodeProps extends PythonProjectProps {
  /**
   * The layers of the function. The code ships without the packages of each `PythonLambdaLayer` among them. Give the
   * function the same layers.
   *
   * @default - none
   */
  readonly layers?: lambda.ILayerVersion[];

  /**
   * The function that Lambda calls, as `<module>.<function>`. The build fails if the zip lacks the module, or the module
   * the function.
   *
   * @default - not checked
   */
  readonly handler?: string;

  /**
   * The CPU that the code will run on, and that its packages are chosen for.
   *
   * @default lambda.Architecture.X86_64
   */
  readonly architecture?: lambda.Architecture;
}

/** The packages of a layer: third-party packages that members need. Local packages never go into a layer. */
export interface LayerContents {
  /**
   * The members whose packages go into the layer.
   *
   * @default - every member of the workspace
   */
  readonly packageNames?: string[];

  /**
   * The packages that go into the layer, with all packages that they need.
   *
   * @default - all third-party packages that the members need
   */
  readonly packages?: string[];
}

/** Options of `PythonLambdaLayer`, beside those of every layer. */
export interface PythonLambdaLayerProps extends lambda.LayerVersionOptions, LayerContents {
  /**
   * The uv workspace, or any folder in it.
   *
   * @default - the nearest folder with a `uv.lock`, at or above the working directory of the app
   */
  readonly path?: string;

  /**
   * The Lambda runtime of the functions that take the layer.
   *
   * @default - as for a function of the first of `packageNames`
   */
  readonly runtime?: lambda.Runtime;

  /**
   * The CPU of the functions that take the layer.
   *
   * @default lambda.Architecture.X86_64
   */
  readonly architecture?: lambda.Architecture;

  /**
   * Refinements of the build. Options that choose files of a member are an error: a layer has no such files.
   *
   * @default - on this machine; in a container where this machine cannot
   */
  readonly bundling?: PythonBundlingOptions;
}

/** A layer, as its functions see it: the property `bundled` of a `PythonLambdaLayer`. */
export interface BundledLayer {
  /** Its name in messages. */
  readonly name: string;

  /** The name of the Lambda runtime that it is for, such as `python3.13`. */
  readonly runtime: string;

  /** The CPU that it is for: `x86_64` or `arm64`. */
  readonly architecture: LambdaArchitecture;

  /** The packages in it. */
  readonly packages: LayerPackage[];

  /**
   * Size of its unpacked files, in bytes.
   *
   * @default - not known until the layer was bundled on this machine
   */
  readonly unzippedBytes?: number;
}

/** A package in a layer. */
export interface LayerPackage {
  /** Its normalised name, such as `pydantic-core`. */
  readonly name: string;

  /** Its version, such as `2.46.0`. */
  readonly version: string;
}

/**
 * How a construct builds its bundle: the settings of the build, and those of the container that builds where this machine
 * cannot.
 */
export interface PythonBundlingOptions extends BuildSettings, ContainerOptions {
  /**
   * A hash of your own for the asset. While it stays the same, the bundle is neither built again nor deployed again,
   * whatever changed in the project.
   *
   * @default - the hash of the zip
   */
  readonly assetHash?: string;
}

/**
 * The container that builds where this machine cannot.
 *
 * The settings of `DockerRunOptions` matter only where a container runs. They are not part of the hash of the asset, so they may
 * have secrets and paths of this machine.
 *
 * - `command`: finds the workspace in `/asset-input` and leaves the code in `/asset-output`, as one zip or as loose files. Without
 *   one, the container installs the package and what it depends on from `uv.lock`.
 * - `platform`, such as `linux/arm64`: without one, that of `architecture`.
 * - `environment`: the container gets credentials, netrc and certificates for uv's indexes without it. The variables travel in a
 *   file that nobody else can read. With a `command` or an `entrypoint` of your own, they are on the command line of the container
 *   engine, which every user of this machine can see.
 */
export interface ContainerOptions extends DockerRunOptions {
  /**
   * When to build in a container:
   *
   * - `fallback`: where this machine cannot build the bundle and a container could (no uv, no matching Python, a
   *   dependency without a wheel). The reason is printed on stderr.
   * - `always`: every time.
   * - `never`: not at all. Where `fallback` would start a container, the build fails with the reason.
   *
   * @default 'fallback'
   */
  readonly docker?: DockerMode;

  /**
   * The image that the container runs.
   *
   * `DockerImage.fromBuild` builds the image when the app calls it, even if no container runs.
   *
   * @default - an image with uv and the Python of the runtime; nothing is pulled or built until a container runs
   */
  readonly image?: DockerImage;

  /**
   * How the workspace gets into the container, and the zip out of it. `VOLUME_COPY` is for a Docker daemon on another
   * machine.
   *
   * @default BundlingFileAccess.BIND_MOUNT
   */
  readonly bundlingFileAccess?: BundlingFileAccess;
}

/** Settings of a `UvBundler` that are not about the build. */
export interface UvBundlerSettings {
  /**
   * `never`: `tryBundle` never returns `false`. If only a container could build the zip, it throws.
   *
   * @default 'fallback'
   */
  readonly docker?: 'fallback' | 'never';
}

/** Refinements of a build. `BundleOptions` has them, and the `bundling` option of the constructs has them. */
export interface BuildSettings {
  /**
   * The Python that compiles the bytecode: the path of an interpreter, or a full version such as `3.13.5`. It has to
   * be of the runtime's minor version. Two patch versions compile different bytecode.
   *
   * @default - the full version in `.python-version`; else the version that this release names for the runtime, which uv downloads
   * if it is missing; else what uv, pyenv, asdf or mise have, with the warning `PYTHON_NOT_PINNED`
   */
  readonly python?: string;

  /**
   * The path of the uv executable.
   *
   * @default - the `uv` on `PATH`
   */
  readonly uv?: string;

  /**
   * Whether this machine builds packages that have no wheel: third-party packages without one, and local packages with
   * native extensions. Correct only if it runs the system of the runtime, such as a build machine with the same Amazon
   * Linux and CPU. The results are checked against the runtime. Such bundles are only as reproducible as the compilers.
   * Always on inside the container.
   *
   * @default false
   */
  readonly nativeBuilds?: boolean;

  /**
   * Whether this machine builds third-party packages that are there only as source, if they are pure Python: sdists, git
   * repositories, archives. A build sees neither your variables nor credentials. A package that turns out to be compiled is an error,
   * for which CDK falls back to Docker. With `false`, so is every package without a wheel.
   *
   * @default true
   */
  readonly sourceBuilds?: boolean;

  /**
   * Extras of the package to include: names in `[project.optional-dependencies]` of its `pyproject.toml`.
   *
   * @default - none
   */
  readonly extras?: string[];

  /**
   * Dependency groups of the package to include: names in `[dependency-groups]` of its `pyproject.toml`. Only the groups
   * named here are included; uv's `default-groups` has no effect.
   *
   * @default - none, not even `dev`
   */
  readonly groups?: string[];

  /**
   * Packages to leave out, such as `boto3`, which the runtime has: third-party packages, or libraries of the workspace.
   * Packages that only they need are left out too; packages that another package needs stay in. A name that the package
   * does not need on this runtime is an error.
   *
   * @default - none
   */
  readonly excludePackages?: string[];

  /**
   * Files of the package to include although git ignores them, or although the rules for applications (see `exclude`) leave
   * them out: patterns as in a `.gitignore` in the package's folder. They apply to this package, not to the libraries that it
   * uses. If the package has a build system, the build backend still decides which of these files go into the wheel.
   *
   * No pattern includes repositories (`.git`), virtual environments, caches (`__pycache__`, `node_modules`, `cdk.out` and
   * the like), and files with secrets (`.env`, `.env.*`, `.envrc`, `.netrc`, `.pypirc`). A pattern that matches
   * no file is an error.
   *
   * @default - none
   */
  readonly include?: string[];

  /**
   * Files of the package to leave out, also of its wheel: patterns as in a `.gitignore` in the package's folder. They apply
   * to this package, not to the libraries that it uses. The last pattern that matches a file decides, `!` brings back files
   * that an earlier pattern matched, and `exclude` wins over `include`. A pattern that matches no file is an error, unless it
   * is about files that never ship, such as `__pycache__/`. `pyproject.toml` stays for the build.
   *
   * Files that git ignores are left out without a pattern. So are these files of an application without a build system:
   *
   * - tests: `tests/` and `test/` at the top, each `conftest.py`, and files named `test_*.py` or `*_test.py` with a test
   *   in them, as pytest finds them. Not the file or folder of the handler.
   * - files about the project, at the top: names with a dot in front, files of uv, Node and Docker
   *   (`pyproject.toml`, `uv.lock`, `package.json`, `Dockerfile` and their like), and documents (README, LICENSE, CHANGELOG,
   *   CONTRIBUTING). Also each `.gitignore`.
   * - CDK apps: each folder with a `cdk.json`; if that is the application's own folder, only its TypeScript files.
   * - archives that `uv.lock` installs packages from.
   *
   * Third-party packages ship whole.
   *
   * @default - none
   */
  readonly exclude?: string[];

  /**
   * Commands of your own around the build. They run the same way on this machine and in the container.
   *
   * @default - none
   */
  readonly hooks?: BuildHooks;

  /**
   * Whether the cache is read and written. It has whole zips, and packages that are installed, compiled and compressed. The
   * bytes are the same with and without it. Results of `hooks` and `nativeBuilds` are never cached.
   *
   * @default true
   */
  readonly cache?: boolean;

  /**
   * The folder of the cache. Any number of processes can use it at once. It is pruned automatically to 5 GiB.
   *
   * @default - the variable `UV_LAMBDA_CDK_CACHE_DIR`; else `uv-lambda-cdk` in the user's folder for caches:
   * `$XDG_CACHE_HOME` or `~/.cache` on Linux, `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows
   */
  readonly cacheDir?: string;

  /**
   * The address of a cache that a team shares: what one machine compiled, no other compiles again. One of
   * `s3://bucket/prefix?region=...&endpoint=...`, `gs://bucket/prefix`, `azblob://container/prefix?account=...`, `ghac://`,
   * `webdav+https://host/folder` and `file:///folder`. It has no credentials: each service looks for them where it always does.
   * The cache is only read, unless the variable `UV_LAMBDA_CDK_REMOTE_CACHE_MODE` is `read-write`. Without effect if `cache` is `false`.
   *
   * @default - the variable `UV_LAMBDA_CDK_REMOTE_CACHE`; without it, none
   */
  readonly remoteCache?: string;

  /**
   * The size limits of the bundle. Lambda's own limit is 250 MB unzipped with all layers.
   *
   * @default - Lambda's limit; a zip of more than 50 MB is a warning
   */
  readonly maxSize?: MaxSize;
}

/** What to build, and how. An unknown option is an error that names the nearest known one. */
export interface BundleOptions extends BuildSettings {
  /**
   * The uv workspace, or any folder in it; or a script with inline metadata (PEP 723), a `.py` file with its lock beside
   * it (`uv lock --script`). A relative path is taken from the working directory of the process.
   */
  readonly path: string;

  /**
   * The workspace member to bundle, by the name in its `pyproject.toml`.
   *
   * @default - the member whose folder `path` is in; else the only member of the workspace
   */
  readonly packageName?: string;

  /**
   * The function that Lambda calls, as `<module>.<function>`. The build fails if the zip lacks the module, or the module
   * the function.
   *
   * @default - not checked
   */
  readonly handler?: string;

  /**
   * The name of the Lambda runtime: `python3.9` to `python3.15`.
   *
   * @default - the Python in the project's `.python-version`. Without that file, leaving the runtime out is an error that lists the
   * runtimes that `requires-python` allows
   */
  readonly runtime?: string;

  /**
   * The CPU of the Lambda function.
   *
   * @default 'x86_64'
   */
  readonly architecture?: LambdaArchitecture;

  /**
   * The packages of a layer. With this option, the zip is a layer, `layer.zip`: only third-party packages, below `python/`.
   * A layer has no `handler`, and no files of a member.
   *
   * @default - the zip is for a function
   */
  readonly layer?: LayerContents;

  /**
   * The layers of the function. The packages in them are left out of the zip. It is an error if a layer has another version
   * of a package than the lock, or is for another Python or CPU.
   *
   * @default - none
   */
  readonly layers?: BundledLayer[];
}

/**
 * The size limits of a bundle. A size is a number of bytes, or a text with a unit: `B`, `kB`, `MB` or `GB`, each 1024 times
 * the one before, as Lambda counts (its 250 MB are 262,144,000 bytes).
 *
 * @example
 * const maxSize = { unzipped: '80 MB' }; // a larger bundle is an error that names the largest packages
 */
export interface MaxSize {
  /**
   * The largest size of the unpacked files in the zip, with bytecode, without layers. More than 250 MB makes sense only if
   * the zip is not for a Lambda function: Lambda's limit is then not checked.
   *
   * @default - Lambda's limit alone
   */
  readonly unzipped?: number | string;

  /**
   * The largest size of the zip.
   *
   * @default - 50 MB, Lambda's limit for direct upload; since CDK uploads through S3, a larger zip is a warning only
   */
  readonly zipped?: number | string;

  /**
   * The outcome if the bundle is larger than `unzipped` or `zipped`: `fail` for an error with the code `BUNDLE_TOO_LARGE`,
   * `warn` for a warning with that code.
   *
   * @default 'fail'
   */
  readonly onExceed?: 'fail' | 'warn';
}

/**
 * Commands of your own around the build, each an array (a program and its arguments) or one line for `sh` (`cmd` on
 * Windows). They see the whole environment. Their changes are in the zip, so its bytes are only as reproducible as the
 * commands. The working folder has another path each time.
 *
 * @example
 * const hooks = {
 *   beforeBuild: [['python3', 'generate_models.py', '--output', 'src/app/models.py']],
 *   beforeZip: ['rm -rf numpy/tests pandas/tests'],
 * };
 */
export interface BuildHooks {
  /**
   * Run in the copy of the package's folder, before it is built. The copy also has the files that git tracks and the bundle
   * leaves out; they are removed before the build.
   *
   * @default - none
   */
  readonly beforeBuild?: Array<string | string[]>;

  /**
   * Run in a folder with all files that ship, before they are checked, compiled and zipped.
   *
   * @default - none
   */
  readonly beforeZip?: Array<string | string[]>;
}

/**
 * One of many bundles.
 *
 * @internal
 */
export interface BundleRequest {
  /** What to build, and how. */
  readonly options: BundleOptions;

  /** The folder for the zip, which is named `<package>.zip`; created if it is missing. */
  readonly outputDir: string;
}

/**
 * A bundle: the zip and facts about it.
 *
 * @internal
 */
export interface Bundle {
  /** The path of the zip that was written. */
  readonly zipPath: string;

  /** SHA-256 of the zip, in hex. */
  readonly sha256: string;

  /** Size of the zip, in bytes. Lambda takes 50 MB by direct upload, and more through S3, as CDK does. */
  readonly zipBytes: number;

  /** Size of everything in the zip, in bytes. Lambda takes 250 MB, layers included. */
  readonly unzippedBytes: number;

  /** Number of files in the zip. */
  readonly files: number;

  /** The packages in the zip: the package itself, workspace libraries and third-party packages, sorted by name. */
  readonly packages: readonly BundledPackage[];

  /** Full version, such as `3.13.5`, of the Python that compiled the bytecode. */
  readonly python: string;

  /** Number of Python files in the zip that do not compile. They ship without bytecode. */
  readonly notCompiled: number;

  /** Problems that may occur in Lambda. `UvBundler` prints them on stderr. */
  readonly warnings: readonly BundleWarning[];

  /** Whether the zip came from the cache. */
  readonly reused: boolean;

  /** How long the build took, in seconds. */
  readonly seconds: number;
}

/**
 * A package in a zip.
 *
 * @internal
 */
export interface BundledPackage {
  /** Its normalised name, such as `pydantic-core`. */
  readonly name: string;

  /** Its version, such as `2.46.0`. */
  readonly version: string;

  /** Size of its files, bytecode included, in bytes before compression. */
  readonly bytes: number;
}

/**
 * A problem that may occur in Lambda.
 *
 * @internal
 */
export interface BundleWarning {
  readonly code: WarningCode;

  /** A sentence that names the package and the file. */
  readonly message: string;
}

/**
 * The packages and files in a bundle, those that are left out, and the reasons.
 *
 * @internal
 */
export interface Explanation {
  /** The packages in the zip, by name. */
  readonly packages: readonly ExplainedPackage[];

  /** The packages and files that are left out, packages first, by name. Without files that git ignores or that never ship. */
  readonly leftOut: readonly Omission[];
}

/**
 * A package in a bundle, and why it is there.
 *
 * @internal
 */
export interface ExplainedPackage {
  /** The normalised name; `hooks` for files that your commands made. */
  readonly name: string;

  /** The version. */
  readonly version: string;

  /** The shortest path to it: `app -> library -> orjson`, with the names of extras and groups. */
  readonly reason: string;

  /** The source that it was built from on this machine, if `uv.lock` has no wheel of it: an address, or a path in the project. */
  readonly builtFrom?: string;

  /**
   * The packages that it was built with, as `setuptools==80.9.0`. `uv.lock` does not have them, so another machine may have
   * other versions; `build-constraint-dependencies` in `[tool.uv]` fixes them.
   */
  readonly builtWith?: readonly string[];

  /** Size of its unpacked files in bytes, bytecode included. */
  readonly bytes: number;

  /** Its files. */
  readonly files: readonly ExplainedFile[];
}

/**
 * A file in a bundle.
 *
 * @internal
 */
export interface ExplainedFile {
  /** Its path in the zip. */
  readonly path: string;

  /** Its size, in bytes. */
  readonly bytes: number;

  /** A file of the package (`content`), a file about the package (`metadata`), or compiled from a source beside it (`bytecode`). */
  readonly kind: 'content' | 'metadata' | 'bytecode';
}

/**
 * A package or a file that is not in a bundle.
 *
 * @internal
 */
export interface Omission {
  /** Whether it is a package or a file. */
  readonly kind: 'package' | 'file';

  /** The name of the package; the path of the file in the folder of its package. */
  readonly name: string;

  /** The package of the file. */
  readonly package?: string;

  /** Why it is left out, in a few words. */
  readonly reason: string;
}

/**
 * How to verify.
 *
 * @internal
 */
export interface VerifySettings {
  /**
   * Whether the second build begins with an empty uv cache, so that every package is fetched again. This needs the
   * network, so it has no effect if `UV_OFFLINE` is set.
   *
   * @default true
   */
  readonly coldCache?: boolean;

  /**
   * Whether the first build takes everything that the remote cache has, while the second one is built from the wheels and sources.
   * Code that somebody put into the remote cache then shows as a difference.
   *
   * @default false
   */
  readonly remote?: boolean;
}

/**
 * The result of two builds of one zip.
 *
 * @internal
 */
export interface Verification {
  /** Whether both zips have the same bytes. */
  readonly same: boolean;

  /** SHA-256 of the first zip, in hex. */
  readonly sha256: string;

  /** SHA-256 of the second zip, in hex. */
  readonly secondSha256: string;

  /** Size of the first zip, in bytes. */
  readonly zipBytes: number;

  /** Number of files in the first zip. */
  readonly files: number;

  /** Full version, such as `3.13.5`, of the Python that compiled the bytecode in both. */
  readonly python: string;

  /** Whether the second build began with an empty uv cache. */
  readonly coldCache: boolean;

  /** Why the second build did not begin with an empty uv cache. */
  readonly coldCacheReason?: string;

  /** The first difference, where the bytes differ. */
  readonly difference?: FirstDifference;

  /** Every file that is not the same in both zips, sorted by path. Empty if only the zip format differs. */
  readonly differingFiles: readonly string[];

  /** How many entries the first build took from the remote cache, if `remote` asked for this. */
  readonly remoteEntries?: number;

  /** How long it took, in seconds. */
  readonly seconds: number;
}

/**
 * The first difference between two zips.
 *
 * @internal
 */
export interface FirstDifference {
  /**
   * `contents`: the bytes of a file; `onlyInFirst`, `onlyInSecond`: a file that the other zip lacks; `container`: the files
   * are the same, but their order, modes, flags or compressed sizes differ.
   */
  readonly kind: 'contents' | 'onlyInFirst' | 'onlyInSecond' | 'container';

  /** The path of the file in the zip. */
  readonly entry?: string;

  /** For `contents`: the first byte that differs, counted from 0 in the unpacked file. */
  readonly offset?: number;

  /** For `contents`: that byte in the first zip; absent if the file ends before it. */
  readonly first?: number;

  /** For `contents`: that byte in the second zip; absent if the file ends before it. */
  readonly second?: number;

  /** The difference as a sentence. */
  readonly message: string;
}

/**
 * The changes from one zip to another.
 *
 * @internal
 */
export interface Diff {
  /** Whether the zips are the same to the last byte. */
  readonly identical: boolean;

  /** The first zip. */
  readonly before: DiffSide;

  /** The second zip. */
  readonly after: DiffSide;

  /** The packages that were added, removed or changed their version, sorted by name. */
  readonly packages: readonly PackageChange[];

  /** The files that were added, removed or changed, sorted by path. */
  readonly files: readonly FileChange[];

  /** The first difference in the zip format (order, modes, flags, sizes), if all files are the same and the zips are not. */
  readonly container?: string;
}

/**
 * One of two zips.
 *
 * @internal
 */
export interface DiffSide {
  /** SHA-256 of the zip, in hex. */
  readonly sha256: string;

  /** Size of the zip, in bytes. */
  readonly zipBytes: number;

  /** Size of everything in the zip, in bytes. */
  readonly unzippedBytes: number;

  /** Number of files in the zip. */
  readonly files: number;
}

/**
 * A package that was added (no `before`), removed (no `after`) or changed its version.
 *
 * @internal
 */
export interface PackageChange {
  /** Its normalised name, such as `pydantic-core`. */
  readonly name: string;

  /** Its version before. */
  readonly before?: string;

  /** Its version after. */
  readonly after?: string;
}

/**
 * A file that was added (no `before`), removed (no `after`) or changed.
 *
 * @internal
 */
export interface FileChange {
  /** Its path in the zip. */
  readonly path: string;

  /** Its size before, in bytes. */
  readonly before?: number;

  /** Its size after, in bytes. */
  readonly after?: number;
}
