import { Names } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { layerPackages } from '../binding';
import { DEFAULT_ARCHITECTURE, defaultRuntime, projectAsset } from './asset';
import type { BundledLayer, PythonLambdaLayerProps } from '../index';

/** A Lambda layer with the third-party packages of a uv project. */
export class PythonLambdaLayer extends lambda.LayerVersion {
  /** The facts about the layer that functions with it need. */
  readonly bundled: BundledLayer;

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
    const { sourcePath, options, core, local } = projectAsset(project, { packageNames, packages });

    super(scope, id, {
      ...layerOptions,
      compatibleRuntimes: [runtime],
      compatibleArchitectures: [architecture],
      code: lambda.Code.fromAsset(sourcePath, options),
    });
    this.bundled = {
      name: Names.uniqueId(this),
      pythonVersion: runtime.name.replace(/^python/, ''),
      architecture: architecture.name as BundledLayer['architecture'],
      packages: layerPackages(core),
      // Known once the layer is bundled, which CDK does before it makes the functions with the layer.
      get unzippedBytes() {
        return local.unzippedBytes;
      },
    };
  }
}

/** The facts about the layers that this package makes. Other layers are skipped. */
export function bundledLayers(layers: readonly lambda.ILayerVersion[] | undefined): BundledLayer[] | undefined {
  const bundled = layers?.filter((layer) => layer instanceof PythonLambdaLayer).map((layer) => layer.bundled);
  return bundled?.length ? bundled : undefined;
}
