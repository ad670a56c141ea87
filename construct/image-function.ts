import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AssetStaging, Stack, Stage } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { checkFit, projectAsset, showWarnings } from './asset';
import type { ProjectAsset } from './asset';
import { callCore } from './core';
import { functionProject } from './project';
import type { PythonLambdaImageFunctionProps } from './types';

/** The size of an image that Lambda takes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html. */
const LARGEST_IMAGE = '10 GB';

/**
 * A Lambda function whose code is a package of a uv project, as a container image: for what is larger than the 250 MB that Lambda
 * takes as a zip.
 *
 * The bundle is the one that `PythonLambdaFunction` builds. While the app is synthesised, it is written into a folder with a
 * Dockerfile, without Docker; `cdk deploy` builds the image. The same contents have the same asset hash.
 *
 * @example
 * new PythonLambdaImageFunction(this, 'Model', {
 *   packageName: 'demo-lambda1',
 *   memorySize: 3008,
 * });
 */
export class PythonLambdaImageFunction extends lambda.DockerImageFunction {
  /** @throws {BundleError} as `PythonLambdaFunction` does. */
  constructor(scope: Construct, id: string, props: PythonLambdaImageFunctionProps = {}) {
    const { project, others } = functionProject(props);
    const { runtime, architecture, handler, bundling } = project;
    const { baseImage = `public.ecr.aws/lambda/python:${runtime.name.replace(/^python/, '')}`, ...functionOptions } =
      others;
    const maxSize = { unzipped: LARGEST_IMAGE, zipped: LARGEST_IMAGE, ...bundling?.maxSize };
    const asset = projectAsset({ ...project, bundling: { ...bundling, maxSize } });
    const folder = new ImageFolder(scope, id, asset, { baseImage, handler });
    const platform = architecture.name === 'arm64' ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64;

    super(scope, id, {
      ...functionOptions,
      architecture,
      code: lambda.DockerImageCode.fromImageAsset(folder.path, { platform }),
    });
    folder.remove();
    showWarnings(this, asset.local);
    checkFit(this.node.defaultChild as lambda.CfnFunction, asset.core);
  }
}

/** A folder with a Dockerfile and the files of a bundle, until CDK has staged it. */
class ImageFolder {
  readonly path: string;
  readonly #isStaged: boolean;

  constructor(scope: Construct, id: string, asset: ProjectAsset, image: { baseImage: string; handler: string }) {
    const bundle = new AssetStaging(scope, `${id}Bundle`, { sourcePath: asset.sourcePath, ...asset.options });
    const dockerfile = dockerfileOf(image);
    // By what is in it: within one process, CDK takes a folder of the same path for the same asset.
    const hash = createHash('sha256').update(`${bundle.assetHash} ${dockerfile}`).digest('hex');
    this.path = join(Stage.of(scope)?.assetOutdir ?? '.', `uv-lambda-cdk-image.${hash}`);
    this.#isStaged = scope.node.tryGetContext('aws:cdk:disable-asset-staging') === undefined;

    const files = join(this.path, 'files');
    rmSync(this.path, { recursive: true, force: true });
    mkdirSync(files, { recursive: true });
    writeFileSync(join(this.path, 'Dockerfile'), dockerfile);
    if (!Stack.of(scope).bundlingRequired) {
      // Other stacks were chosen: CDK bundles nothing, and does not use the image.
    } else if (bundle.isArchive) {
      callCore((core) => core.unpackZip(bundle.absoluteStagedPath, files));
    } else {
      // A command of the app in the container left loose files.
      cpSync(bundle.absoluteStagedPath, files, { recursive: true });
    }
  }

  /** Removes the folder, unless CDK uses it where it is. */
  remove(): void {
    if (this.#isStaged) {
      rmSync(this.path, { recursive: true, force: true });
    }
  }
}

function dockerfileOf({ baseImage, handler }: { baseImage: string; handler: string }): string {
  return [`FROM ${baseImage}`, 'COPY files/ ${LAMBDA_TASK_ROOT}/', `CMD [${JSON.stringify(handler)}]`, ''].join('\n');
}
