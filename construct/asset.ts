import { resolve } from 'node:path';
import { AssetHashType } from 'aws-cdk-lib';
import type { DockerRunOptions } from 'aws-cdk-lib';
import { Architecture, Runtime, RuntimeFamily } from 'aws-cdk-lib/aws-lambda';
import type { AssetOptions } from 'aws-cdk-lib/aws-s3-assets';
import { defaultHandler, defaultPythonVersions, findWorkspaceRoot } from '../binding';
import { UvBundler, bundleError } from './uv-bundler';
import { BuildContainer } from './container';
import type {
  BundledLayer,
  BundleOptions,
  BundlingOptions,
  DockerMode,
  LayerContents,
  PythonLambdaCodeProps,
  PythonProjectProps,
} from '../index';

/** The CPU of a function that names none. `PythonLambdaFunction` gives its function the same. */
export const DEFAULT_ARCHITECTURE = Architecture.X86_64;

/** The runtime of a function that names none: the first one in the core's order that this CDK has. */
export function defaultRuntime(props: PythonProjectProps, isLayer = false): Runtime {
  const versions = defaultPythonVersions(projectPath(props), props.packageName, isLayer);
  const runtimes = versions.map((version) => Runtime.ALL.find(({ name }) => name === `python${version}`));
  const known = runtimes.find((runtime) => runtime !== undefined);
  // An older CDK may not have the Python that a project needs, but Lambda knows the name.
  return known ?? new Runtime(`python${versions[0]}`, RuntimeFamily.PYTHON);
}

function projectPath({ path }: PythonProjectProps): string {
  return resolve(path ?? findWorkspaceRoot(process.cwd()));
}

/** An asset as CDK wants it: the folder that a container sees as `/asset-input`, and how to make a zip from it. */
export interface ProjectAsset {
  readonly sourcePath: string;
  readonly options: AssetOptions;
  /** The options for the core. */
  readonly core: BundleOptions;
  /** Builds on this machine, if it can. */
  readonly local: UvBundler;
}

/** The props of a construct, with the facts about its layers. */
export type ProjectCode = Omit<PythonLambdaCodeProps, 'layers'> & { readonly layers?: readonly BundledLayer[] };

/** The asset that the props of a construct ask for. Builds nothing; the core checks the options. */
export function projectAsset(props: ProjectCode, layer?: LayerContents): ProjectAsset {
  const { docker = 'fallback', image, bundlingFileAccess, assetHash, ...others } = props.bundling ?? {};
  const { container, build } = split(others);
  checkDockerMode(docker);

  const { handler, layers } = props;
  const options: BundleOptions = { ...build, ...projectOptions(props), handler, layers, layer };

  // First, because it checks all options: CDK would only say that it cannot find an asset.
  const local = new UvBundler(options, { docker: docker === 'never' ? 'never' : 'fallback' });

  return {
    core: options,
    local,
    sourcePath: findWorkspaceRoot(options.path),
    options: {
      ...(assetHash === undefined
        ? { assetHashType: AssetHashType.OUTPUT }
        : { assetHashType: AssetHashType.CUSTOM, assetHash }),
      bundling: {
        image: new BuildContainer(options, local, image, container),
        // CDK needs these two: they decide how it makes the volumes, and who owns them.
        ...(bundlingFileAccess === undefined ? {} : { bundlingFileAccess }),
        ...(container.user === undefined ? {} : { user: container.user }),
        ...(docker === 'always' ? {} : { local }),
      },
    },
  };
}

/** The handler of a function. It is known before anything is built, because the template needs it. */
export function handlerOf(props: ProjectCode): string {
  return props.handler ?? defaultHandler(projectOptions(props));
}

/** The options that say which package of which project is built, and for which runtime. */
function projectOptions(props: ProjectCode): BundleOptions {
  return {
    path: projectPath(props),
    packageName: props.packageName,
    // A runtime that is not a Python goes to the core as it is, which reports it.
    pythonVersion: (props.runtime ?? defaultRuntime(props)).name.replace(/^python/, ''),
    architecture: (props.architecture ?? DEFAULT_ARCHITECTURE).name as BundleOptions['architecture'],
  };
}

/** The options for the container. All others go to the core, which also reports misspelt ones. */
const CONTAINER_OPTIONS: Record<keyof DockerRunOptions, true> = {
  command: true,
  entrypoint: true,
  environment: true,
  network: true,
  platform: true,
  securityOpt: true,
  user: true,
  volumes: true,
  volumesFrom: true,
  workingDirectory: true,
};

function split(options: Omit<BundlingOptions, 'docker' | 'image' | 'bundlingFileAccess' | 'assetHash'>) {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const [container, build] = [true, false].map((wanted) =>
    Object.fromEntries(given.filter(([name]) => Object.hasOwn(CONTAINER_OPTIONS, name) === wanted)),
  );
  return { container: container as DockerRunOptions, build: build as Partial<BundleOptions> };
}

function checkDockerMode(mode: DockerMode): void {
  if (!['fallback', 'always', 'never'].includes(mode)) {
    throw bundleError(
      'INVALID_OPTIONS',
      `the option \`bundling.docker\` is \`${mode}\`: write \`fallback\`, \`always\` or \`never\``,
    );
  }
}
