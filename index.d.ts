/**
 * Builds byte-reproducible AWS Lambda zips from uv projects.
 *
 * Written by hand: this file is the contract. The constructs need `aws-cdk-lib` and `constructs`; everything else works
 * without them.
 */

import type {
  BundlingFileAccess,
  BundlingOptions as CdkBundlingOptions,
  DockerImage,
  DockerRunOptions,
  ILocalBundling,
} from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

// ---------------------------------------------------------------------------------------------------------------------
// Constructs
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A Lambda function whose code is a package of a uv project.
 *
 * The zip is built while the app is synthesised, from `uv.lock`, on this machine and without Docker. It holds the
 * package, the workspace libraries that it uses and its third-party packages, compiled for the function's Python and
 * CPU. Its bytes depend on its contents alone, so a function that did not change is not deployed again.
 *
 * @example
 * import * as path from 'node:path';
 * import * as lambda from 'aws-cdk-lib/aws-lambda';
 * import { PythonLambdaFunction } from 'uv-lambda-cdk';
 *
 * new PythonLambdaFunction(this, 'Api', {
 *   path: path.join(__dirname, '..'), // the uv workspace, or any folder in it
 *   packageName: 'demo-lambda1',
 *   handler: 'demo_lambda1.lambda_function.lambda_handler', // this is also the default
 *   runtime: lambda.Runtime.PYTHON_3_13,
 *   architecture: lambda.Architecture.ARM_64,
 *   memorySize: 512, // and every other option of `lambda.Function`
 * });
 */
export declare class PythonLambdaFunction extends lambda.Function {
  /**
   * @throws {BundleError} where an option or the project is wrong. CDK reports an error of the build itself as
   * `Failed to bundle asset ...: Error: <our message>`.
   */
  constructor(scope: Construct, id: string, props?: PythonLambdaFunctionProps);
}

/** Options of `PythonLambdaFunction`: those of `lambda.Function`, and which package of which project is its code. */
export interface PythonLambdaFunctionProps extends lambda.FunctionOptions, PythonProjectProps {
  /**
   * The function that Lambda calls, as `<module>.<function>`, the module with its dots:
   * `demo_lambda1.lambda_function.lambda_handler`. The build fails if the zip lacks the module, or the module the function.
   *
   * @default - `<package>.lambda_function.lambda_handler`, the package's name with `_` instead of `-`. For an application
   * without a build system: `lambda_function.lambda_handler`, unless it has a file `<package>/lambda_function.py`
   */
  readonly handler?: string;

  /**
   * The CPU that the function runs on, and that its packages are chosen for.
   *
   * @default lambda.Architecture.X86_64
   */
  readonly architecture?: lambda.Architecture;
}

/**
 * A Lambda layer with the third-party packages of a uv project, below `python/`. A `PythonLambdaFunction` with the layer in
 * its `layers` ships without the packages of the layer. So does `PythonLambdaCode` with the same `layers`. A layer that is
 * added later (`addLayers`) has no effect on the zip. Layers count towards Lambda's 250 MB; they save uploads.
 *
 * @example
 * const layers = [new PythonLambdaLayer(this, 'Packages')];
 * new PythonLambdaFunction(this, 'Api', { packageName: 'demo-lambda1', layers });
 * new PythonLambdaFunction(this, 'Orders', { packageName: 'demo-lambda2', layers });
 */
export declare class PythonLambdaLayer extends lambda.LayerVersion {
  /** The facts about the layer that its functions need. */
  readonly bundled: BundledLayer;

  /** @throws {BundleError} where an option is wrong, or `packages` names a package that no member needs. */
  constructor(scope: Construct, id: string, props?: PythonLambdaLayerProps);
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

  /** Refinements of the build. Options that choose files of a member are an error: a layer has no such files. */
  readonly bundling?: BundlingOptions;
}

/** The packages of a layer: third-party packages that members need. Local packages never go into a layer. */
export interface LayerContents {
  /**
   * The members whose packages go into the layer.
   *
   * @default - every member of the workspace
   */
  readonly packageNames?: readonly string[];

  /**
   * The packages that go into the layer, with all packages that they need.
   *
   * @default - all third-party packages that the members need
   */
  readonly packages?: readonly string[];
}

/** A layer, as its functions see it: the property `bundled` of a `PythonLambdaLayer`. */
export interface BundledLayer {
  /** Its name in messages. */
  readonly name: string;

  /** The Python that it is for, such as `3.13`. */
  readonly pythonVersion: string;

  /** The CPU that it is for. */
  readonly architecture: Architecture;

  /** The packages in it. */
  readonly packages: ReadonlyArray<{ readonly name: string; readonly version: string }>;

  /** Size of its unpacked files, in bytes; `undefined` until it was bundled on this machine. */
  readonly unzippedBytes?: number;
}

/**
 * The code of a uv project for constructs that take `lambda.Code`: a plain `lambda.Function`, `SingletonFunction`,
 * `triggers.TriggerFunction` and others.
 */
export declare class PythonLambdaCode {
  /**
   * The code of one package of a uv project, as a Lambda zip.
   *
   * Give the construct the same `handler`, `runtime` and `architecture`: code cannot pass them on.
   *
   * @throws {BundleError} as `PythonLambdaFunction` does.
   *
   * @example
   * const runtime = lambda.Runtime.PYTHON_3_13;
   * const handler = 'demo_lambda1.lambda_function.lambda_handler';
   * new lambda.Function(this, 'Api', {
   *   runtime,
   *   handler,
   *   code: PythonLambdaCode.fromProject({ packageName: 'demo-lambda1', handler, runtime }),
   * });
   */
  static fromProject(props?: PythonLambdaCodeProps): lambda.AssetCode;
}

/** Options of `PythonLambdaCode.fromProject`. */
export interface PythonLambdaCodeProps extends PythonProjectProps {
  /**
   * The layers of the function. The code ships without the packages of each `PythonLambdaLayer` among them. Give the
   * function the same layers.
   *
   * @default - none
   */
  readonly layers?: readonly lambda.ILayerVersion[];

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
   * @default - the Python in the project's `.python-version`; else the newest that Lambda has, this CDK knows and
   * `requires-python` allows. A runtime that Lambda only previews is never the default.
   */
  readonly runtime?: lambda.Runtime;

  /**
   * How the zip is built.
   *
   * @default - on this machine; in a container where this machine cannot
   */
  readonly bundling?: BundlingOptions;
}

/**
 * How a construct builds its zip: the settings of the build, and those of the container that builds where this machine
 * cannot.
 *
 * The settings of the container (`environment`, `volumes`, `network` and the others that CDK's `DockerRunOptions` has)
 * matter only where a container runs. They are not part of the hash of the asset, so they may have secrets and paths
 * of this machine.
 */
export interface BundlingOptions extends BuildSettings, DockerRunOptions {
  /**
   * When to build in a container:
   *
   * - `fallback`: where this machine cannot build the zip and a container could (no uv, no matching Python, a
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
   * The command that the container runs. It finds the workspace in `/asset-input` and leaves the code in
   * `/asset-output`, as one zip or as loose files.
   *
   * @default - installs the package and what it depends on from `uv.lock`
   */
  readonly command?: string[];

  /**
   * The platform that the container runs on, such as `linux/arm64`.
   *
   * @default - that of `architecture`
   */
  readonly platform?: string;

  /**
   * Variables of the container. The container gets credentials, netrc and certificates for uv's indexes without them.
   *
   * The variables travel in a file that nobody else can read. With a `command` or an `entrypoint` of your own, they are on
   * the command line of the container engine, which every user of this machine can see.
   *
   * @default - no variables of your own
   */
  readonly environment?: { [key: string]: string };

  /**
   * How the workspace gets into the container, and the zip out of it. `VOLUME_COPY` is for a Docker daemon on another
   * machine.
   *
   * @default BundlingFileAccess.BIND_MOUNT
   */
  readonly bundlingFileAccess?: BundlingFileAccess;

  /**
   * A hash of your own for the asset. While it stays the same, the zip is neither built again nor deployed again,
   * whatever changed in the project.
   *
   * @default - the hash of the zip
   */
  readonly assetHash?: string;
}

/** When a zip is built in a container. See `BundlingOptions.docker`. */
export type DockerMode = 'fallback' | 'always' | 'never';

// ---------------------------------------------------------------------------------------------------------------------
// CDK's contract for builds on this machine
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Builds the zip of one package, for CDK's asset machinery: `bundling: { local: new UvBundler({ ... }), image }`.
 *
 * CDK serialises it as a digest of its options, without paths and secrets. Two bundlers have the same digest exactly if
 * they build the same zip.
 *
 * @example
 * new Asset(this, 'Code', {
 *   path: workspace,
 *   assetHashType: AssetHashType.OUTPUT,
 *   bundling: {
 *     local: new UvBundler({ path: workspace, packageName: 'demo-lambda1', pythonVersion: '3.13', architecture: 'x86_64' }),
 *     image: DockerImage.fromRegistry('ghcr.io/astral-sh/uv:python3.13-bookworm-slim'),
 *   },
 * });
 */
export declare class UvBundler implements ILocalBundling {
  /** Digest of the options, in hex. CDK sees nothing else of them. */
  readonly digest: string;

  /** @throws {BundleError} with the code `INVALID_OPTIONS` or `UNKNOWN_RUNTIME` where an option is wrong. */
  constructor(options: BundleOptions, settings?: UvBundlerSettings);

  /**
   * Builds the zip into `outputDir`. Blocks until it is done; writes only to stderr.
   *
   * @returns `true` with exactly one zip in `outputDir`; `false`, after one line on stderr with the reason, where
   * this machine cannot build it and a container could.
   * @throws {BundleError} where a container would fail as well.
   */
  tryBundle(outputDir: string, options?: CdkBundlingOptions): boolean;
}

/** Settings of a `UvBundler` that are not about the build. */
export interface UvBundlerSettings {
  /**
   * `never`: `tryBundle` never returns `false`. If only a container could build the zip, it throws.
   *
   * @default 'fallback'
   */
  readonly docker?: Exclude<DockerMode, 'always'>;
}

// ---------------------------------------------------------------------------------------------------------------------
// The same work without CDK
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Builds the zip of one package into `outputDir`. The event loop stays free meanwhile.
 *
 * @param outputDir The folder for the zip; created if it is missing.
 * @throws {BundleError} The promise is rejected where the zip cannot be built on this machine.
 *
 * @example
 * const { path, zipBytes, packages } = await bundle(
 *   { path: '.', packageName: 'demo-lambda1', pythonVersion: '3.13', architecture: 'arm64' },
 *   'dist',
 * );
 */
export declare function bundle(options: BundleOptions, outputDir: string): Promise<Bundle>;

/**
 * Builds the zip of one package into `outputDir`, and blocks until it is done.
 *
 * @param outputDir The folder for the zip; created if it is missing.
 * @throws {BundleError} where the zip cannot be built on this machine.
 */
export declare function bundleSync(options: BundleOptions, outputDir: string): Bundle;

/**
 * Builds many zips at once, on all cores. A package that several of them need is built once. The event loop stays free meanwhile.
 *
 * @returns The bundles, in the order of the requests.
 * @throws {BundleError} The promise is rejected, after all are done, with the first error in the order of the requests.
 *
 * @example
 * const functions = ['demo-lambda1', 'demo-lambda2'];
 * const bundles = await bundleAll(
 *   functions.map((packageName) => ({
 *     options: { path: '.', packageName, pythonVersion: '3.13', architecture: 'arm64' },
 *     outputDir: 'dist',
 *   })),
 * );
 */
export declare function bundleAll(requests: readonly BundleRequest[]): Promise<Bundle[]>;

/**
 * Says why each package and file would be in a zip, and why others are left out. Installs and builds the packages that are
 * not cached, as a bundle does, but writes no zip.
 *
 * @throws {BundleError} The promise is rejected where the zip could not be built on this machine.
 *
 * @example
 * const { packages, leftOut } = await explain({ path: '.', packageName: 'demo-lambda1' });
 * // packages: [{ name: 'orjson', reason: 'demo-lambda1 -> demo-common -> orjson', ... }, ...]
 * // leftOut: [{ kind: 'package', name: 'pytest', reason: 'it is in the dependency group `dev` (...)' }, ...]
 */
export declare function explain(options: BundleOptions): Promise<Explanation>;

/** The same as `explain`, but blocks until it is done. */
export declare function explainSync(options: BundleOptions): Explanation;

/** The packages and files in a bundle, those that are left out, and the reasons. */
export interface Explanation {
  /** The packages in the zip, by name. */
  readonly packages: readonly ExplainedPackage[];

  /** The packages and files that are left out, packages first, by name. Without files that git ignores or that never ship. */
  readonly leftOut: readonly Omission[];
}

/** A package in a bundle, and why it is there. */
export interface ExplainedPackage {
  /** The normalised name; `commandHooks` for files that your commands made. */
  readonly name: string;

  /** The version. */
  readonly version: string;

  /** The shortest path to it: `app -> library -> orjson`, with the names of extras and groups. */
  readonly reason: string;

  /** Size of its unpacked files in bytes, bytecode included. */
  readonly bytes: number;

  /**
   * Its files. Each has its path in the zip, its size in bytes, and its kind: a file of the package (`content`), a file about
   * the package (`metadata`), or compiled from a source beside it (`bytecode`).
   */
  readonly files: ReadonlyArray<{
    readonly path: string;
    readonly bytes: number;
    readonly kind: 'content' | 'metadata' | 'bytecode';
  }>;
}

/** A package or a file that is not in a bundle. */
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

/** One of many bundles. */
export interface BundleRequest {
  /** What to build, and how. */
  readonly options: BundleOptions;

  /** The folder for the zip, which is named `<package>.zip`; created if it is missing. */
  readonly outputDir: string;
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
   * The Python of the Lambda runtime: one of `3.9` to `3.15`, without a patch version.
   *
   * @default - the Python in the project's `.python-version`; else the newest that Lambda has and `requires-python`
   * allows. A runtime that Lambda only previews is never the default.
   */
  readonly pythonVersion?: string;

  /**
   * The CPU of the Lambda function.
   *
   * @default 'x86_64'
   */
  readonly architecture?: Architecture;

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
  readonly layers?: readonly BundledLayer[];
}

/** A CPU that Lambda has, by Lambda's name. */
export type Architecture = 'x86_64' | 'arm64';

/** Refinements of a build. `BundleOptions` has them, and the `bundling` option of the constructs has them. */
export interface BuildSettings {
  /**
   * The Python that compiles the bytecode: the path of an interpreter, or a full version such as `3.13.5`. It has to
   * be of the runtime's minor version. Two patch versions compile different bytecode, so set this if several machines have
   * to build the same bytes.
   *
   * @default - the full version in `.python-version`; else what uv, pyenv, asdf or mise have; else one that uv gets
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
   * Extras of the package to include: names in `[project.optional-dependencies]` of its `pyproject.toml`.
   *
   * @default - none
   */
  readonly extras?: readonly string[];

  /**
   * Dependency groups of the package to include: names in `[dependency-groups]` of its `pyproject.toml`. Only the groups
   * named here are included; uv's `default-groups` has no effect.
   *
   * @default - none, not even `dev`
   */
  readonly groups?: readonly string[];

  /**
   * Packages to leave out, such as `boto3`, which the runtime has: third-party packages, or libraries of the workspace.
   * Packages that only they need are left out too; packages that another package needs stay in. A name that the package
   * does not need on this runtime is an error.
   *
   * @default - none
   */
  readonly excludePackages?: readonly string[];

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
  readonly include?: readonly string[];

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
  readonly exclude?: readonly string[];

  /**
   * Commands of your own around the build. They run the same way on this machine and in the container.
   *
   * @default - none
   */
  readonly commandHooks?: CommandHooks;

  /**
   * Whether the cache is read and written. It has whole zips, and packages that are installed, compiled and compressed. The
   * bytes are the same with and without it. Results of `commandHooks` and `nativeBuilds` are never cached.
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
   * The size limits of the bundle. Lambda's own limit is 250 MB unzipped with all layers.
   *
   * @default - Lambda's limit; a zip of more than 50 MB is a warning
   */
  readonly maxSize?: MaxSize;
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
 * const commandHooks = {
 *   beforeBundling: [['python3', 'generate_models.py', '--output', 'src/app/models.py']],
 *   afterBundling: ['rm -rf numpy/tests pandas/tests'],
 * };
 */
export interface CommandHooks {
  /**
   * Run in the copy of the package's folder, before it is built. The copy also has the files that git tracks and the bundle
   * leaves out; they are removed before the build.
   *
   * @default - none
   */
  readonly beforeBundling?: readonly (string | readonly string[])[];

  /**
   * Run in a folder with all files that ship, before they are checked, compiled and zipped.
   *
   * @default - none
   */
  readonly afterBundling?: readonly (string | readonly string[])[];
}

/** A bundle: the zip and facts about it. */
export interface Bundle {
  /** The zip that was written. */
  readonly path: string;

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

/** A problem that may occur in Lambda. */
export interface BundleWarning {
  readonly code: WarningCode;

  /** A sentence that names the package and the file. */
  readonly message: string;
}

/**
 * The codes of warnings. More codes may come.
 *
 * | code | meaning |
 * | --- | --- |
 * | `MISSING_LIBRARY` | a compiled file needs a shared library that neither the zip nor the runtime has; a layer may have it, or the function may never load the file |
 * | `WRONG_EXTENSION_TAG` | a compiled module is for another Python or CPU, so this one cannot import it |
 * | `BUNDLE_TOO_LARGE` | the zip is larger than Lambda takes by direct upload, or the bundle than `maxSize` allows |
 * | `CACHE_NOT_USABLE` | the bundle was not cached, because the folder of the cache cannot be read or written |
 * | `FILE_IN_TWO_PACKAGES` | two packages have different files with the same path; the file of the first package ships |
 * | `UV_CACHE_CHANGED` | a file in uv's cache was not that of its wheel; the wheel was installed again without the cache |
 * | `NAMES_TOO_ALIKE` | two files or folders of a local package have names that are the same on macOS or Windows: they differ only by case, or by the Unicode form of a letter |
 * | `LIBRARY_TOO_NEW`, `WRONG_ARCHITECTURE`, `NEEDS_MUSL` | as in `ErrorCode`, if the function may not need the file |
 */
export type WarningCode =
  | 'BUNDLE_TOO_LARGE'
  | 'MISSING_LIBRARY'
  | 'WRONG_EXTENSION_TAG'
  | 'LIBRARY_TOO_NEW'
  | 'WRONG_ARCHITECTURE'
  | 'NEEDS_MUSL'
  | 'CACHE_NOT_USABLE'
  | 'FILE_IN_TWO_PACKAGES'
  | 'NAMES_TOO_ALIKE'
  | 'UV_CACHE_CHANGED';

/** A package in a zip. */
export interface BundledPackage {
  /** Its normalised name, such as `pydantic-core`. */
  readonly name: string;

  /** Its version, such as `2.46.0`. */
  readonly version: string;

  /** Size of its files, bytecode included, in bytes before compression. */
  readonly bytes: number;
}

/**
 * Builds the zip of one package twice, the second time under different conditions, and compares the bytes. The event loop
 * stays free meanwhile.
 *
 * The second build has another working folder, another number of workers, the sources in reverse order, an empty uv cache,
 * and begins two seconds later. Conditions that are fixed in every build, such as Python's hash seed, are the same in both.
 *
 * @throws {BundleError} The promise is rejected where the zip cannot be built. Different bytes are not an error.
 *
 * @example
 * const { same, difference } = await verify({ path: '.', pythonVersion: '3.13', architecture: 'arm64' });
 * if (!same) {
 *   throw new Error(difference?.message); // `app/build.txt` differs at byte 6: ...
 * }
 */
export declare function verify(options: BundleOptions, settings?: VerifySettings): Promise<Verification>;

/**
 * Builds the zip of one package twice, as `verify` does, and blocks until it is done.
 *
 * @throws {BundleError} where the zip cannot be built. Different bytes are not an error.
 */
export declare function verifySync(options: BundleOptions, settings?: VerifySettings): Verification;

/** How to verify. */
export interface VerifySettings {
  /**
   * Whether the second build begins with an empty uv cache, so that every package is fetched again. This needs the
   * network, so it has no effect if `UV_OFFLINE` is set.
   *
   * @default true
   */
  readonly coldCache?: boolean;
}

/** The result of two builds of one zip. */
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

  /** How long it took, in seconds. */
  readonly seconds: number;
}

/** The first difference between two zips. */
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
 * Lists the changes from one Lambda zip to another. Any tool may have built the zips.
 *
 * @param before The path of a zip.
 * @param after The path of another.
 * @throws {BundleError} where one of them cannot be read (`IO`) or is no zip (`BAD_ZIP`).
 */
export declare function diffSync(before: string, after: string): Diff;

/** The changes from one zip to another. */
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

/** One of two zips. */
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

/** A package that was added (no `before`), removed (no `after`) or changed its version. */
export interface PackageChange {
  /** Its normalised name, such as `pydantic-core`. */
  readonly name: string;

  /** Its version before. */
  readonly before?: string;

  /** Its version after. */
  readonly after?: string;
}

/** A file that was added (no `before`), removed (no `after`) or changed. */
export interface FileChange {
  /** Its path in the zip. */
  readonly path: string;

  /** Its size before, in bytes. */
  readonly before?: number;

  /** Its size after, in bytes. */
  readonly after?: number;
}

/** The error of all functions here. The message says what is wrong and what to do; `code` is stable, for programs. */
export interface BundleError extends Error {
  readonly code: ErrorCode;
}

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
 * | `REQUIRES_PYTHON` | the project's `requires-python` excludes the runtime |
 * | `UNKNOWN_PACKAGE` | the workspace has no member `packageName` |
 * | `PACKAGE_REQUIRED` | the workspace has several members, and nothing says which |
 * | `UNKNOWN_EXTRA` | the package has no such extra (`extras`) |
 * | `UNKNOWN_GROUP` | the package has no such dependency group (`groups`) |
 * | `CONFLICTING_EXTRAS` | the project declares the chosen extras or groups as `conflicts` |
 * | `NOTHING_MATCHES` | a pattern in `include` or `exclude` matches no file, or the package does not need a name in `excludePackages` |
 * | `UV_FAILED` | uv ended with an error; its own words are in the message |
 * | `TIMED_OUT` | uv, Python or a command of `commandHooks` took longer than `UV_LAMBDA_CDK_TIMEOUT` allows (in seconds; without it an hour, and 30 seconds for a question such as `uv --version`), and was killed |
 * | `UV_CACHE_CHANGED` | a file in uv's cache is not that of its wheel, and the wheel could not be installed again; a warning if it could |
 * | `HOOK_FAILED` | a command of `commandHooks` failed; its own words are in the message |
 * | `BUILD_FAILED` | a local package could not be built; the build's own words are in the message |
 * | `EMPTY_BUNDLE` | the package has neither files nor dependencies |
 * | `BAD_METADATA` | the metadata of an installed package is damaged |
 * | `HANDLER_NOT_FOUND` | the module of `handler` is not in the zip (the message says if `exclude` left it out), or does not define the function |
 * | `HANDLER_NOT_CALLABLE` | `handler` names a value, such as a number or a text, where a function is needed |
 * | `HANDLER_DOES_NOT_COMPILE` | the module of `handler` has a syntax error; the message has the line |
 * | `BUNDLE_TOO_LARGE` | the code and its layers are larger unzipped than Lambda takes, or than `maxSize` allows |
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
  | 'EMPTY_BUNDLE'
  | 'BAD_METADATA'
  | 'HANDLER_NOT_FOUND'
  | 'HANDLER_NOT_CALLABLE'
  | 'HANDLER_DOES_NOT_COMPILE'
  | 'BUNDLE_TOO_LARGE'
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
  | 'LAYER_MISMATCH'
  | 'LAYER_VERSION_MISMATCH'
  | 'DOCKER_NOT_FOUND'
  | 'OUTPUT_NOT_WRITABLE'
  | 'IO'
  | 'BUG'
  | 'UV_NOT_FOUND'
  | 'UV_TOO_OLD'
  | 'PYTHON_NOT_FOUND'
  | 'NO_WHEEL'
  | 'NATIVE_LOCAL_PACKAGE';
