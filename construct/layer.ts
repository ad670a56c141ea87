import { Names } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { BundledCode, projectAsset } from './asset';
import { callCore } from './core';
import { DEFAULT_ARCHITECTURE, defaultRuntime } from './project';
import type { BundledLayer, LambdaArchitecture, PythonLambdaLayerProps } from './types';

/** Marks our layers. An app may have two copies of this package, so `instanceof` would not tell. */
const BUNDLED = Symbol.for('uv-lambda-cdk.bundled-layer');

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
export class PythonLambdaLayer extends lambda.LayerVersion {
  /** The facts about the layer that its functions need. */
  readonly bundled: BundledLayer;

  /** @throws {BundleError} where an option is wrong, or `packages` names a package that no member needs. */
  constructor(scope: Construct, id: string, props: PythonLambdaLayerProps = {}) {
    const {
      path,
      packageNames = [],
      packages = [],
      bundling,
      runtime = defaultRuntime({ path, packageName: packageNames[0] }, true),
      architecture = DEFAULT_ARCHITECTURE,
      ...layerOptions
    } = props;
    const project = { path, packageName: packageNames[0], runtime, architecture, bundling };
    const asset = projectAsset(project, { packageNames, packages });

    super(scope, id, {
      ...layerOptions,
      compatibleRuntimes: [runtime],
      compatibleArchitectures: [architecture],
      code: new BundledCode(asset),
    });
    this.bundled = {
      name: Names.uniqueId(this),
      runtime: runtime.name,
      architecture: architecture.name as LambdaArchitecture,
      packages: callCore(({ layerPackages }) => layerPackages(asset.core)),
      // Known once the layer is bundled, which CDK does before it makes the functions with the layer.
      get unzippedBytes() {
        return asset.local._unzippedBytes;
      },
    };
    Object.defineProperty(this, BUNDLED, { value: this.bundled });
  }
}

/** The facts about the layers that this package makes. Other layers are skipped. */
export function bundledLayers(layers: lambda.ILayerVersion[] | undefined): BundledLayer[] | undefined {
  const bundled = (layers ?? []).flatMap((layer) => (layer as { [BUNDLED]?: BundledLayer })[BUNDLED] ?? []);
  return bundled.length > 0 ? bundled : undefined;
}
