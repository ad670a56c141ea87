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

/** The runtime of a function that names none: the first choice of the core that this CDK has. */
export function defaultRuntime(props: PythonProjectProps, isLayer = false): Runtime {
  const versions = defaultPythonVersions(projectPath(props), props.packageName, isLayer);
  const runtimes = versions.map((version) => Runtime.ALL.find(({ name }) => name === `python${version}`));
  const known = runtimes.find((runtime) => runtime !== undefined);
  // A project for newer Pythons only, and an older CDK: Lambda knows the name nevertheless.
  return known ?? new Runtime(`python${versions[0]}`, RuntimeFamily.PYTHON);
}

function projectPath({ path }: PythonProjectProps): string {
  return resolve(path ?? findWorkspaceRoot(process.cwd()));
}

/** An asset as CDK wants it: the folder that a container sees as `/asset-input`, and how to make a zip from it. */
export interface ProjectAsset {
  readonly sourcePath: string;
  readonly options: AssetOptions;
  /** What the core is asked for. */
  readonly core: BundleOptions;
  /** What tries to build on this machine. */
  readonly local: UvBundler;
}

/** The props of a construct, with what is known of its layers. */
export type ProjectCode = Omit<PythonLambdaCodeProps, 'layers'> & { readonly layers?: readonly BundledLayer[] };

/** Says to CDK what the props of a construct ask for. Nothing is built here, and the core settles what is right. */
export function projectAsset(props: ProjectCode, layer?: LayerContents): ProjectAsset {
  const { docker = 'fallback', image, bundlingFileAccess, assetHash, ...others } = props.bundling ?? {};
  const { container, build } = split(others);
  checkDockerMode(docker);

  const { handler, layers } = props;
  const options: BundleOptions = { ...build, ...projectOptions(props), handler, layers, layer };

  // First, since it looks at all options: CDK would only say that it cannot find an asset.
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
        // These two CDK has to see: they decide how it makes the volumes, and whose they are.
        ...(bundlingFileAccess === undefined ? {} : { bundlingFileAccess }),
        ...(container.user === undefined ? {} : { user: container.user }),
        ...(docker === 'always' ? {} : { local }),
      },
    },
  };
}

/** The handler of a function that names none: known before anything is built, as the template needs it. */
export function handlerOf(props: ProjectCode): string {
  return props.handler ?? defaultHandler(projectOptions(props));
}

/** Which package of which project, and for what. */
function projectOptions(props: ProjectCode): BundleOptions {
  return {
    path: projectPath(props),
    packageName: props.packageName,
    // A runtime that is no Python goes to the core as it is, which knows what to say about it.
    pythonVersion: (props.runtime ?? defaultRuntime(props)).name.replace(/^python/, ''),
    architecture: (props.architecture ?? DEFAULT_ARCHITECTURE).name as BundleOptions['architecture'],
  };
}

/** The options that are the container's. All others are the core's, which also knows what to say about misspelt ones. */
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
