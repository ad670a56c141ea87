// The code of a construct: what CDK stages, and whether the function that gets it is the one that it was built for.

import { Annotations, AssetHashType, CfnResource, Stack } from 'aws-cdk-lib';
import { AssetCode } from 'aws-cdk-lib/aws-lambda';
import type { CfnFunction, CodeConfig, ResourceBindOptions } from 'aws-cdk-lib/aws-lambda';
import type { AssetOptions } from 'aws-cdk-lib/aws-s3-assets';
import type { Construct, IConstruct } from 'constructs';
import { bundleError, callCore } from './core';
import { bundleOptions } from './project';
import { bundlerSettings, bundlingWith } from './uv-bundling';
import { UvBundler, isNew } from './uv-bundler';
import type { ProjectProps } from './project';
import type { BuildSettings, BundleOptions, ContainerOptions, LayerContents, PythonBundlingOptions } from './types';

/** An asset as CDK wants it: the folder that a container sees as `/asset-input`, and how to make a zip from it. */
export interface ProjectAsset {
  readonly sourcePath: string;
  readonly options: AssetOptions;
  /** The options for the core. */
  readonly core: BundleOptions;
  /** Builds on this machine, if it can. */
  readonly local: UvBundler;
}

/** The asset that the props of a construct ask for. Builds nothing; the core checks the options. */
export function projectAsset(props: ProjectProps, layer?: LayerContents): ProjectAsset {
  const { assetHash, container, build } = split(props.bundling ?? {});
  const core = bundleOptions(props, build, layer);
  // First, because it checks all options: CDK would only say that it cannot find an asset.
  const local = new ConstructBundler(core, bundlerSettings(container));
  return {
    core,
    local,
    sourcePath: callCore(({ findWorkspaceRoot }) => findWorkspaceRoot(core.path)),
    options: {
      ...(assetHash === undefined
        ? { assetHashType: AssetHashType.OUTPUT }
        : { assetHashType: AssetHashType.CUSTOM, assetHash }),
      bundling: bundlingWith(local, core, container),
    },
  };
}

/** The bundler of a construct: its warnings become annotations of the construct (`showWarnings`). */
class ConstructBundler extends UvBundler {
  override _report(): void {}
}

/** The options for the container. All others go to the core, which also reports misspelt ones. */
const CONTAINER_OPTIONS: Record<keyof ContainerOptions, true> = {
  bundlingFileAccess: true,
  command: true,
  docker: true,
  entrypoint: true,
  environment: true,
  image: true,
  network: true,
  platform: true,
  securityOpt: true,
  user: true,
  volumes: true,
  volumesFrom: true,
  workingDirectory: true,
};

function split({ assetHash, ...others }: PythonBundlingOptions) {
  const given = Object.entries(others).filter(([, value]) => value !== undefined);
  const [container, build] = [true, false].map((wanted) =>
    Object.fromEntries(given.filter(([name]) => Object.hasOwn(CONTAINER_OPTIONS, name) === wanted)),
  );
  return { assetHash, container: container as ContainerOptions, build: build as BuildSettings };
}

/** The code of a bundle. A construct that gets it shows the warnings of the build, and has to be what the bundle was built for. */
export class BundledCode extends AssetCode {
  readonly #asset: ProjectAsset;

  constructor(asset: ProjectAsset) {
    super(asset.sourcePath, asset.options);
    this.#asset = asset;
  }

  override bind(scope: Construct): CodeConfig {
    // Here CDK bundles.
    const config = super.bind(scope);
    showWarnings(scope, this.#asset.local);
    return config;
  }

  override bindToResource(resource: CfnResource, options?: ResourceBindOptions): void {
    super.bindToResource(resource, options);
    checkFit(resource, this.#asset.core);
  }
}

/** The warnings about this machine that each app has shown. */
const shown = new WeakMap<IConstruct, Set<string>>();

/** Adds the warnings of a build to a construct, where `cdk synth --strict` and acknowledgements find them. */
export function showWarnings(scope: Construct, { _warnings: warnings }: UvBundler): void {
  const messages = shown.get(scope.node.root) ?? new Set();
  shown.set(scope.node.root, messages);
  for (const warning of warnings.filter((warning) => isNew(warning, messages))) {
    Annotations.of(scope).addWarningV2(`uv-lambda-cdk:${warning.code}`, warning.message);
  }
}

/**
 * Throws if a function is not what its bundle was built for. Looks again when the app is synthesised, since an Aspect may change
 * the function. Other resources, such as layers, are not checked.
 */
export function checkFit(resource: CfnResource, built: BundleOptions): void {
  if (resource.cfnResourceType !== 'AWS::Lambda::Function') {
    return;
  }
  const { runtime, handler, architectures } = resource as CfnFunction;
  const [difference] = differences(
    resource,
    { Runtime: runtime, Handler: handler, Architectures: architectures },
    built,
  );
  if (difference !== undefined) {
    throw bundleError('FUNCTION_MISMATCH', difference);
  }
  resource.node.addValidation({
    validate: () =>
      differences(resource, properties(resource), built).map(
        (found) => bundleError('FUNCTION_MISMATCH', found).message,
      ),
  });
}

/** In what a function differs from what its bundle was built for, in sentences. The function of an image has neither runtime nor handler. */
function differences(
  resource: CfnResource,
  { Runtime, Handler, Architectures }: Partial<Record<string, unknown>>,
  built: BundleOptions,
): string[] {
  const facts: [string, unknown, string | undefined][] = [
    ['architecture', Array.isArray(Architectures) ? Architectures[0] : 'x86_64', built.architecture],
    ['runtime', Runtime, built.runtime],
    ['handler', Handler, built.handler],
  ];
  return facts
    .filter(([, given, wanted]) => typeof given === 'string' && wanted !== undefined && given !== wanted)
    .map(
      ([name, given, wanted]) =>
        `the function \`${resource.node.scope?.node.path ?? resource.node.path}\` has the ${name} \`${String(given)}\`, and its code was built for \`${wanted}\`: give \`${name}\` to the construct that builds the code, and not to an Aspect, a property injector or the function alone`,
    );
}

/** The properties of a resource as the template has them, overrides included. */
function properties(resource: CfnResource): Partial<Record<string, unknown>> {
  // Internal to CDK, and the only place where overrides are applied.
  const { _toCloudFormation: toTemplate } = resource as unknown as { _toCloudFormation?: () => object };
  const template = Stack.of(resource).resolve(toTemplate?.call(resource) ?? {}) as {
    Resources?: Record<string, { Properties?: Partial<Record<string, unknown>> }>;
  };
  return Object.values(template.Resources ?? {})[0]?.Properties ?? {};
}
