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
   * @throws {BundleError} where an option or the project is wrong. What goes wrong later, while the zip is built, CDK
   * reports as `Failed to bundle asset ...: Error: <our message>`.
   */
  constructor(scope: Construct, id: string, props?: PythonLambdaFunctionProps);
}

/** Options of `PythonLambdaFunction`: those of `lambda.Function`, and which package of which project is its code. */
export interface PythonLambdaFunctionProps extends lambda.FunctionOptions, PythonProjectProps {
  /**
   * The function that Lambda calls, as `<module>.<function>`, the module with its dots:
   * `demo_lambda1.lambda_function.lambda_handler`. Checked to be in the zip, and to be defined in its module.
   *
   * @default - `<package>.lambda_function.lambda_handler`, the package's name with `_` for `-`; for an application without
   * a build system, whose files lie at the top of the zip, `lambda_function.lambda_handler`, unless it has a file
   * `<package>/lambda_function.py`
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
 * A Lambda layer with the third-party packages of a uv project, below `python/`. A `PythonLambdaFunction` that has it in
 * its `layers` ships without what it holds, and so does `PythonLambdaCode`, given the same `layers`; a layer that is added
 * later (`addLayers`) is not seen. Layers count towards Lambda's 250 MB; what they save is uploads.
 *
 * @example
 * const layers = [new PythonLambdaLayer(this, 'Packages')];
 * new PythonLambdaFunction(this, 'Api', { packageName: 'demo-lambda1', layers });
 * new PythonLambdaFunction(this, 'Orders', { packageName: 'demo-lambda2', layers });
 */
export declare class PythonLambdaLayer extends lambda.LayerVersion {
  /** What functions that take the layer have to know of it. */
  readonly bundled: BundledLayer;

  /** @throws {BundleError} where an option is wrong, or `packages` names what no member needs. */
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

  /** Refinements of the build. Those that choose files of a member have no meaning for a layer, and are refused. */
  readonly bundling?: BundlingOptions;
}

/** What a layer is to hold: third-party packages that members need. Local packages never go into a layer. */
export interface LayerContents {
  /**
   * The members whose packages the layer holds.
   *
   * @default - every member of the workspace
   */
  readonly packageNames?: readonly string[];

  /**
   * The packages that go in, with all that they need.
   *
   * @default - all that the members need
   */
  readonly packages?: readonly string[];
}

/** What is known of a layer: `PythonLambdaLayer` says it of itself. */
export interface BundledLayer {
  /** What messages call it. */
  readonly name: string;

  /** The Python that it is for, such as `3.13`. */
  readonly pythonVersion: string;

  /** The CPU that it is for. */
  readonly architecture: Architecture;

  /** What it holds. */
  readonly packages: ReadonlyArray<{ readonly name: string; readonly version: string }>;

  /** What its files take unpacked, in bytes; `undefined` until it was bundled on this machine. */
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
   * The layers of the function: the code ships without what those of this package hold. Give the function the same.
   *
   * @default - none
   */
  readonly layers?: readonly lambda.ILayerVersion[];

  /**
   * The function that Lambda will call, as `<module>.<function>`: checked to be in the zip, and to be defined in its
   * module.
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
   * The Lambda runtime. Its Python is the one that the packages are chosen for and that the bytecode is compiled by.
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
 * How a construct builds its zip: the settings of the build, and those of the container that stands in where this
 * machine cannot build.
 *
 * The settings of the container (`environment`, `volumes`, `network` and the others that CDK's `DockerRunOptions` has)
 * matter only where a container runs. They never enter the hash of the asset, so secrets and paths of this machine
 * may stand in them.
 */
export interface BundlingOptions extends BuildSettings, DockerRunOptions {
  /**
   * When to build in a container:
   *
   * - `fallback`: where this machine cannot build the zip and a container could (no uv, no matching Python, a
   *   dependency without a wheel). The reason is said on stderr.
   * - `always`: every time.
   * - `never`: not at all. Where `fallback` would start a container, the build fails with the reason.
   *
   * @default 'fallback'
   */
  readonly docker?: DockerMode;

  /**
   * The image that the container runs.
   *
   * Note that `DockerImage.fromBuild` builds at once, wherever it stands in the app.
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
   * Variables of the container. What uv needs to open an index (credentials, netrc, certificates) is handed over without
   * them.
   *
   * They go there as a file, which nobody else can read. With a `command` or an `entrypoint` of your own they go on the
   * command line of the engine, which every user of this machine can see.
   *
   * @default - no variables of your own
   */
  readonly environment?: { [key: string]: string };

  /**
   * How the workspace reaches the container, and the zip comes back. `VOLUME_COPY` is for a Docker daemon on another
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
 * Serialised by CDK it is a digest of its options, free of paths and secrets, so that two bundlers are the same to
 * CDK exactly if they build the same.
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
  /** Hash of the options, in hex: all that CDK sees of them. */
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

/** What a `UvBundler` does beside building. */
export interface UvBundlerSettings {
  /**
   * `never`: what a container could do and this machine cannot is an error, and `tryBundle` never returns `false`.
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
 * @param outputDir The folder that the zip is written to; made where it is missing.
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
 * @param outputDir The folder that the zip is written to; made where it is missing.
 * @throws {BundleError} where the zip cannot be built on this machine.
 */
export declare function bundleSync(options: BundleOptions, outputDir: string): Bundle;

/**
 * Builds many zips at once, on all cores. What several of them need is made once. The event loop stays free meanwhile.
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
 * Says why each file would be in a zip, and why what is left out would not. Installs and builds what is not kept yet, as a
 * bundle does, and writes no zip.
 *
 * @throws {BundleError} The promise is rejected where the zip could not be built on this machine.
 *
 * @example
 * const { packages, leftOut } = await explain({ path: '.', packageName: 'demo-lambda1' });
 * // packages: [{ name: 'orjson', reason: 'demo-lambda1 -> demo-common -> orjson', ... }, ...]
 * // leftOut: [{ kind: 'package', name: 'pytest', reason: 'it is in the dependency group `dev` (...)' }, ...]
 */
export declare function explain(options: BundleOptions): Promise<Explanation>;

/** Says it, and blocks until it is done. */
export declare function explainSync(options: BundleOptions): Explanation;

/** What a bundle holds and what it does not, and why. */
export interface Explanation {
  /** The packages in the zip, by name. */
  readonly packages: readonly ExplainedPackage[];

  /** What is not in it: packages first, by name. Files that git ignores, and what never ships, are not listed. */
  readonly leftOut: readonly Omission[];
}

/** A package in a bundle, and why it is there. */
export interface ExplainedPackage {
  /** The normalised name; `commandHooks` for files that your commands made. */
  readonly name: string;

  /** The version. */
  readonly version: string;

  /** The shortest way to it: `app -> library -> orjson`, extras and groups named. */
  readonly reason: string;

  /** Size of its unpacked files in bytes, bytecode included. */
  readonly bytes: number;

  /**
   * Its files: each by its path in the zip, its size in bytes, and whether the package brings it (`content`), it says what
   * the package is (`metadata`), or it was compiled of a source beside it (`bytecode`).
   */
  readonly files: ReadonlyArray<{
    readonly path: string;
    readonly bytes: number;
    readonly kind: 'content' | 'metadata' | 'bytecode';
  }>;
}

/** A package or a file that is not in a bundle. */
export interface Omission {
  /** What it is. */
  readonly kind: 'package' | 'file';

  /** The name of the package; the path of the file in the folder of its package. */
  readonly name: string;

  /** The package that the file is of. */
  readonly package?: string;

  /** Why it is not there, as a few words. */
  readonly reason: string;
}

/** One of many bundles. */
export interface BundleRequest {
  /** What to build, and how. */
  readonly options: BundleOptions;

  /** The folder that the zip is written to, as `<package>.zip`; made where it is missing. */
  readonly outputDir: string;
}

/** What to build, and how. An option that is not listed here is refused, with the nearest one that is. */
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
   * The function that Lambda will call, as `<module>.<function>`: checked to be in the zip, and to be defined in its
   * module.
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
   * What a layer is to hold, where the zip is to be one: third-party packages alone, below `python/`, as `layer.zip`. A
   * layer has no `handler`, and nothing of a member to choose from.
   *
   * @default - the zip is a function's
   */
  readonly layer?: LayerContents;

  /**
   * The layers of the function: what they hold is left out. Another version of a package in a layer than in the lock is
   * an error, as is a layer of another Python or CPU.
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
   * be of the runtime's version. Bytecode of two patch versions differs, so pin this where several machines have to
   * build the same bytes.
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
   * Whether this machine compiles what has no wheel: third-party packages that are only there as source, and local
   * packages with native extensions. Right only where its system is the runtime's, such as a build machine with the
   * same Amazon Linux and CPU; what comes out is checked against the runtime. Such bundles are as reproducible as the
   * compilers are. Always on inside the container.
   *
   * @default false
   */
  readonly nativeBuilds?: boolean;

  /**
   * Extras of the package that go in: names in `[project.optional-dependencies]` of its `pyproject.toml`.
   *
   * @default - none
   */
  readonly extras?: readonly string[];

  /**
   * Dependency groups of the package that go in: names in `[dependency-groups]` of its `pyproject.toml`. A group goes in
   * only where it is named here, whatever uv's `default-groups` says.
   *
   * @default - none; `dev` is no exception
   */
  readonly groups?: readonly string[];

  /**
   * Packages that stay out, third-party ones or libraries of the workspace, and with each what only it needs: for what
   * the runtime or a layer has, such as `boto3`. What something else needs as well stays in. A name that the package does
   * not need on this runtime is an error.
   *
   * @default - none
   */
  readonly excludePackages?: readonly string[];

  /**
   * Files of the package that go in though they would be left out, because git ignores them or by the rule for
   * applications in `exclude`: patterns as in a `.gitignore` in the package's folder. They concern this package, not
   * the libraries that it uses. Of a package with a build system, the build backend still says which of its files go
   * into the wheel.
   *
   * Nothing brings back repositories (`.git`), virtual environments, caches (`__pycache__`, `node_modules`, `cdk.out` and
   * the like), and files in which secrets are kept (`.env`, `.env.*`, `.envrc`, `.netrc`, `.pypirc`). A pattern that matches
   * no file is an error.
   *
   * @default - none
   */
  readonly include?: readonly string[];

  /**
   * Files of the package that stay out, also out of its wheel: patterns as in a `.gitignore` in the package's folder. They
   * concern this package, not the libraries that it uses. The last pattern that matches a file decides, `!` takes back
   * what an earlier one took, and `exclude` wins over `include`. A pattern that matches no file is an error, unless it is
   * about what never ships, such as `__pycache__/`. `pyproject.toml` stays for the build.
   *
   * Without a pattern, what git ignores is left out and, of an application without a build system:
   *
   * - tests: `tests/` and `test/` at the top, each `conftest.py`, and files named `test_*.py` or `*_test.py` with a test
   *   in them, as pytest finds them. Not what the handler names.
   * - what is about the project, at the top: names with a dot in front, files of uv, Node and Docker
   *   (`pyproject.toml`, `uv.lock`, `package.json`, `Dockerfile` and their like), and documents (README, LICENSE, CHANGELOG,
   *   CONTRIBUTING). Also each `.gitignore`.
   * - CDK apps: each folder with a `cdk.json`; where that is the application's own, TypeScript files.
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
   * Whether what was made before is used, and what is made is kept for the next time: installed, compiled and compressed
   * packages, and whole zips. The bytes are the same either way. Nothing that `commandHooks` did and nothing that
   * `nativeBuilds` compiled is kept.
   *
   * @default true
   */
  readonly cache?: boolean;

  /**
   * The folder in which it is kept. Any number of processes can use it at once. It stays under 5 GiB by itself.
   *
   * @default - the variable `UV_LAMBDA_CDK_CACHE_DIR`; else `uv-lambda-cdk` in the user's folder for caches:
   * `$XDG_CACHE_HOME` or `~/.cache` on Linux, `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows
   */
  readonly cacheDir?: string;

  /**
   * How large the bundle may be. Lambda's own limit is 250 MB unzipped with all layers.
   *
   * @default - Lambda's limit; a zip of more than 50 MB is a warning
   */
  readonly maxSize?: MaxSize;
}

/**
 * How large a bundle may be. A size is a number of bytes, or a text with a unit: `B`, `kB`, `MB` or `GB`, each 1024 times the
 * one before, as Lambda counts (its 250 MB are 262,144,000 bytes).
 *
 * @example
 * const maxSize = { unzipped: '80 MB' }; // larger is an error that names the largest packages
 */
export interface MaxSize {
  /**
   * The most that the files in the zip may take unpacked, bytecode included, layers not included. More than 250 MB
   * is right only where the zip is for something else than a Lambda function, whose limit is then not checked.
   *
   * @default - Lambda's limit alone
   */
  readonly unzipped?: number | string;

  /**
   * The most that the zip may take.
   *
   * @default - 50 MB, Lambda's limit for direct upload; since CDK uploads through S3, a larger zip is a warning only
   */
  readonly zipped?: number | string;

  /**
   * What a bundle is that is larger than `unzipped` or `zipped` allow: `fail`, an error with the code `BUNDLE_TOO_LARGE`;
   * `warn`, a bundle with a warning of that code.
   *
   * @default 'fail'
   */
  readonly onExceed?: 'fail' | 'warn';
}

/**
 * Commands of your own around the build, each an array (a program and its arguments) or one line for `sh` (`cmd` on
 * Windows). They see the whole environment. What they change is in the zip, so its bytes are as reproducible as they
 * are; the working folder has another path each time.
 *
 * @example
 * const commandHooks = {
 *   beforeBundling: [['python3', 'generate_models.py', '--output', 'src/app/models.py']],
 *   afterBundling: ['rm -rf numpy/tests pandas/tests'],
 * };
 */
export interface CommandHooks {
  /**
   * Run in the copy of the package's folder that is built, after the sources were copied there. What git tracks and what is
   * left out of the bundle is there as well, and is removed before the build.
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

/** What was built. */
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

  /** What is in the zip: the package itself, workspace libraries and third-party packages, sorted by name. */
  readonly packages: readonly BundledPackage[];

  /** Full version, such as `3.13.5`, of the Python that compiled the bytecode. */
  readonly python: string;

  /** Number of Python files in the zip that do not compile, and so are there as source only. */
  readonly notCompiled: number;

  /** What may go wrong in Lambda, and may not. `UvBundler` says it on stderr. */
  readonly warnings: readonly BundleWarning[];

  /** Whether nothing had to be made: the same zip was known from an earlier build. */
  readonly reused: boolean;

  /** How long the build took, in seconds. */
  readonly seconds: number;
}

/** Something in a zip that may go wrong in Lambda. */
export interface BundleWarning {
  readonly code: WarningCode;

  /** A sentence that names the package and the file. */
  readonly message: string;
}

/**
 * What may go wrong in Lambda. More codes may come.
 *
 * | code | meaning |
 * | --- | --- |
 * | `MISSING_LIBRARY` | a compiled file needs a shared library that is neither in the zip nor in the runtime; a layer may bring it, or nobody may ever load the file |
 * | `WRONG_EXTENSION_TAG` | a compiled module is for another Python or CPU, so this one cannot import it |
 * | `BUNDLE_TOO_LARGE` | the zip is larger than Lambda takes by direct upload, or the bundle than `maxSize` allows |
 * | `CACHE_NOT_USABLE` | nothing was cached for the next time, because the folder of the cache cannot be read or written |
 * | `FILE_IN_TWO_PACKAGES` | two packages bring different files of one path; that of the first one ships |
 * | `UV_CACHE_CHANGED` | a file in uv's cache was not that of its wheel; the wheel was installed again past the cache |
 * | `NAMES_TOO_ALIKE` | two files or folders of a local package have names that macOS and Windows take for one: they differ only by case, or by the Unicode form of a letter |
 * | `LIBRARY_TOO_NEW`, `WRONG_ARCHITECTURE`, `NEEDS_MUSL` | as in `ErrorCode`, where it is not certain to matter |
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
 * and begins two seconds later. What is fixed in every build, such as Python's hash seed, is the same in both.
 *
 * @throws {BundleError} The promise is rejected where the zip cannot be built. That the bytes differ is no error.
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
 * @throws {BundleError} where the zip cannot be built. That the bytes differ is no error.
 */
export declare function verifySync(options: BundleOptions, settings?: VerifySettings): Verification;

/** How to verify. */
export interface VerifySettings {
  /**
   * Whether the second build begins with an empty uv cache, so that every package is fetched again. Takes the network, so
   * it is left out where `UV_OFFLINE` is set.
   *
   * @default true
   */
  readonly coldCache?: boolean;
}

/** What two builds of one zip gave. */
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

  /** Why it did not. */
  readonly coldCacheReason?: string;

  /** The first difference, where the bytes differ. */
  readonly difference?: FirstDifference;

  /** Every file that is not the same in both zips, sorted by path. Empty where only the zip around the files differs. */
  readonly differingFiles: readonly string[];

  /** How long it took, in seconds. */
  readonly seconds: number;
}

/** The first thing in which two zips differ. */
export interface FirstDifference {
  /**
   * `contents`: the bytes of a file; `onlyInFirst`, `onlyInSecond`: a file that the other zip lacks; `container`: the files
   * are the same, and their order, modes, flags or compressed sizes are not.
   */
  readonly kind: 'contents' | 'onlyInFirst' | 'onlyInSecond' | 'container';

  /** The path of the file in the zip. */
  readonly entry?: string;

  /** For `contents`: the first byte that differs, counted from 0 in the unpacked file. */
  readonly offset?: number;

  /** For `contents`: that byte in the first zip; not there where the file has ended. */
  readonly first?: number;

  /** For `contents`: that byte in the second zip; not there where the file has ended. */
  readonly second?: number;

  /** All of it in a sentence. */
  readonly message: string;
}

/**
 * Says what changed from one Lambda zip to another. They need not be zips of this package.
 *
 * @param before The path of a zip.
 * @param after The path of another.
 * @throws {BundleError} where one of them cannot be read (`IO`) or is no zip (`BAD_ZIP`).
 */
export declare function diffSync(before: string, after: string): Diff;

/** What changed from one zip to another. */
export interface Diff {
  /** Whether the zips are the same to the last byte. */
  readonly identical: boolean;

  /** The one zip. */
  readonly before: DiffSide;

  /** The other zip. */
  readonly after: DiffSide;

  /** The packages that came, went or changed their version, sorted by name. */
  readonly packages: readonly PackageChange[];

  /** The files that came, went or changed, sorted by path. */
  readonly files: readonly FileChange[];

  /** What is different around the files (order, modes, flags, sizes), where every file is the same and the zips are not. */
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

/** A package that came (no `before`), went (no `after`) or changed its version. */
export interface PackageChange {
  /** Its normalised name, such as `pydantic-core`. */
  readonly name: string;

  /** Its version before. */
  readonly before?: string;

  /** Its version after. */
  readonly after?: string;
}

/** A file that came (no `before`), went (no `after`) or changed. */
export interface FileChange {
  /** Its path in the zip. */
  readonly path: string;

  /** Its size before, in bytes. */
  readonly before?: number;

  /** Its size after, in bytes. */
  readonly after?: number;
}

/** What is thrown. The message names the thing and says what to do; `code` is stable and meant for programs. */
export interface BundleError extends Error {
  readonly code: ErrorCode;
}

/**
 * Why a zip could not be built. More codes may come.
 *
 * | code | meaning |
 * | --- | --- |
 * | `INVALID_OPTIONS` | an option is unknown, missing, of the wrong type, or does not fit the others |
 * | `UNKNOWN_RUNTIME` | the runtime is no Python, or a Python that Lambda does not have |
 * | `PATH_NOT_FOUND` | `path` does not exist |
 * | `PATH_NOT_A_FOLDER` | `path` is a file, and no Python script |
 * | `PROJECT_NOT_READABLE` | a file of the project cannot be read |
 * | `NO_LOCKFILE` | there is no `uv.lock` at or above `path`, or no lock beside a script |
 * | `BAD_LOCKFILE` | `uv.lock` is damaged, locks no project, or is of a future format |
 * | `LOCKFILE_OUTDATED` | `uv.lock` no longer matches `pyproject.toml`: run `uv lock` |
 * | `REQUIRES_PYTHON` | the project's `requires-python` leaves out the runtime |
 * | `UNKNOWN_PACKAGE` | the workspace has no member `packageName` |
 * | `PACKAGE_REQUIRED` | the workspace has several members, and nothing says which |
 * | `UNKNOWN_EXTRA` | the package has no such extra (`extras`) |
 * | `UNKNOWN_GROUP` | the package has no such dependency group (`groups`) |
 * | `CONFLICTING_EXTRAS` | extras or groups are asked for together that the project declares as `conflicts` |
 * | `NOTHING_MATCHES` | a pattern in `include` or `exclude` matches no file, or the package does not need a name in `excludePackages` |
 * | `UV_FAILED` | uv ended with an error; its own words are in the message |
 * | `TIMED_OUT` | uv, Python or a command of `commandHooks` took longer than `UV_LAMBDA_CDK_TIMEOUT` allows (in seconds; without it an hour, and 30 seconds for a question such as `uv --version`), and was killed |
 * | `UV_CACHE_CHANGED` | a file in uv's cache is not that of its wheel, and the wheel could not be installed again; a warning if it could |
 * | `HOOK_FAILED` | a command of `commandHooks` failed; its own words are in the message |
 * | `BUILD_FAILED` | a local package could not be built; the build's own words are in the message |
 * | `EMPTY_BUNDLE` | the package has neither files nor dependencies |
 * | `BAD_METADATA` | the metadata of an installed package is damaged |
 * | `HANDLER_NOT_FOUND` | the module of `handler` is not in the zip (the message says so where `exclude` took it), or does not define the function |
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
 * | `BAD_ZIP` | a wheel or zip is damaged, or not what it says; the message names the entry |
 * | `DUPLICATE_FILE` | the bundle has two files of one path; the message names it |
 * | `BAD_FILE_NAME` | a file of the bundle has a path that Linux cannot have |
 * | `CACHE_NOT_USABLE` | the folder of the cache cannot be made or written to; for a bundle only a warning |
 * | `DOCKER_NOT_FOUND` | a container is needed, and there is no Docker; the message says what it is needed for |
 * | `OUTPUT_NOT_WRITABLE` | nothing can be written into the output folder |
 * | `IO` | another file could not be read or written |
 * | `BUG` | a bug of ours; please report it |
 *
 * The next ones are things that a container could do. `PythonLambdaFunction` and `UvBundler` fall back to Docker
 * instead of throwing them, unless that is forbidden.
 *
 * | code | meaning |
 * | --- | --- |
 * | `UV_NOT_FOUND` | no uv on `PATH`, and no `uv` option |
 * | `UV_TOO_OLD` | this uv lacks what is needed; the message names the oldest one that will do |
 * | `PYTHON_NOT_FOUND` | no Python on this machine that can compile for the runtime, and none to be had |
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
