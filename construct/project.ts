// What the props of a construct say of the project: which package, for which runtime and CPU.

import { resolve } from 'node:path';
import { Architecture, Runtime, RuntimeFamily } from 'aws-cdk-lib/aws-lambda';
import { callCore } from './core';
import type {
  BuildSettings,
  BundledLayer,
  BundleOptions,
  LambdaArchitecture,
  LayerContents,
  PythonLambdaCodeProps,
  PythonProjectProps,
} from './types';

/** The CPU of a function that names none. */
export const DEFAULT_ARCHITECTURE = Architecture.X86_64;

/** The props of a construct that are about its project. */
type PropsWithoutLayers = Omit<PythonLambdaCodeProps, 'layers'>;

/** The same, with the facts about its layers. */
export type ProjectProps = PropsWithoutLayers & { readonly layers?: BundledLayer[] };

/** The runtime that the project's `.python-version` names; an error if it names none. */
export function defaultRuntime(props: PythonProjectProps, isLayer = false): Runtime {
  const name = callCore((core) => core.defaultRuntime(projectPath(props), props.packageName, isLayer));
  // Lambda may have a Python that this CDK does not know. It gets what CDK says of all Pythons since 3.12.
  const since312 = { supportsInlineCode: true, supportsCodeGuruProfiling: true, supportsSnapStart: true };
  return Runtime.ALL.find((runtime) => runtime.name === name) ?? new Runtime(name, RuntimeFamily.PYTHON, since312);
}

/** What a function says of its project: its props where it has them, and the defaults. */
interface FunctionProject extends PropsWithoutLayers {
  readonly runtime: Runtime;
  readonly architecture: Architecture;
  /** Known before anything is built, because the template needs it. */
  readonly handler: string;
}

/** The props of a function: those about its project, with the defaults, and the others. */
export function functionProject<Props extends PropsWithoutLayers>(
  props: Props,
): {
  project: FunctionProject;
  others: Omit<Props, keyof PropsWithoutLayers>;
} {
  const {
    path,
    packageName,
    bundling,
    runtime = defaultRuntime(props),
    architecture = DEFAULT_ARCHITECTURE,
    handler = callCore((core) => core.defaultHandler(projectOptions({ path, packageName, runtime, architecture }))),
    ...others
  } = props;
  return { project: { path, packageName, bundling, runtime, architecture, handler }, others };
}

/** The options of the core for a construct: the project, and the refinements of the build. */
export function bundleOptions(props: ProjectProps, build: BuildSettings, layer?: LayerContents): BundleOptions {
  const { handler, layers } = props;
  return { ...build, ...projectOptions(props), handler, layers, layer };
}

function projectOptions(props: ProjectProps): BundleOptions {
  return {
    path: projectPath(props),
    packageName: props.packageName,
    // A runtime that is not a Python goes to the core as it is, which reports it.
    runtime: (props.runtime ?? defaultRuntime(props)).name,
    architecture: (props.architecture ?? DEFAULT_ARCHITECTURE).name as LambdaArchitecture,
  };
}

function projectPath({ path }: PythonProjectProps): string {
  return resolve(path ?? callCore((core) => core.findWorkspaceRoot(process.cwd())));
}
