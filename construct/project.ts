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

/** The props of a construct, with the facts about its layers. */
export type ProjectProps = Omit<PythonLambdaCodeProps, 'layers'> & { readonly layers?: BundledLayer[] };

/** The runtime that the project's `.python-version` names; an error if it names none. */
export function defaultRuntime(props: PythonProjectProps, isLayer = false): Runtime {
  const name = callCore((core) => core.defaultRuntime(projectPath(props), props.packageName, isLayer));
  // Lambda may have a Python that this CDK does not know. It gets what CDK says of all Pythons since 3.12.
  const since312 = { supportsInlineCode: true, supportsCodeGuruProfiling: true, supportsSnapStart: true };
  return Runtime.ALL.find((runtime) => runtime.name === name) ?? new Runtime(name, RuntimeFamily.PYTHON, since312);
}

/** The handler of a function. It is known before anything is built, because the template needs it. */
export function handlerOf(props: ProjectProps): string {
  return props.handler ?? callCore((core) => core.defaultHandler(projectOptions(props)));
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
