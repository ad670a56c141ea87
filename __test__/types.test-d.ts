// Compiled, never run: the contract holds what its users write, and the code keeps the contract.

import { AssetHashType, BundlingFileAccess, DockerImage, type ILocalBundling, type Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import type * as binding from '../binding';
import type * as contract from '../index';
import {
  PythonLambdaCode,
  PythonLambdaFunction,
  PythonLambdaImageFunction,
  UvBundler,
  UvBundling,
  bundle,
  bundleSync,
  type Bundle,
  type BundleError,
  type BundleOptions,
  type ErrorCode,
  type PythonBundlingOptions,
} from '../index';

// ----------------------------------------------------------------------------------------- the core keeps the contract

/** Compiles where a value of the type `Code` can be used as the contract says. */
type Keeps<Contract, Code extends Contract> = [Contract, Code];

export type Kept = [
  Keeps<ILocalBundling, contract.UvBundler>,
  // Both ways: a field that only one of them has is a mistake.
  Keeps<keyof Bundle, keyof binding.Bundle>,
  Keeps<keyof binding.Bundle, keyof Bundle>,
  Keeps<keyof contract.Verification, keyof binding.Verification>,
  Keeps<keyof binding.Verification, keyof contract.Verification>,
  Keeps<keyof contract.Diff, keyof binding.Diff>,
  Keeps<keyof binding.Diff, keyof contract.Diff>,
];

// ------------------------------------------------------------------------------------------------- what users write

declare const stack: Stack;

const options: BundleOptions = { path: '.', runtime: 'python3.13', architecture: 'arm64' };
export const least: BundleOptions = { path: '.' };

new PythonLambdaFunction(stack, 'Least');
new PythonLambdaFunction(stack, 'NoHandler', { packageName: 'one' });
const fn: lambda.Function = new PythonLambdaFunction(stack, 'Most', {
  path: '..',
  packageName: 'demo-lambda1',
  handler: 'demo_lambda1.lambda_function.lambda_handler',
  runtime: lambda.Runtime.PYTHON_3_14,
  architecture: lambda.Architecture.ARM_64,
  memorySize: 512,
  layers: [],
  bundling: {
    docker: 'never',
    python: '3.14.1',
    uv: '/opt/uv',
    extras: ['web'],
    groups: ['production'],
    excludePackages: ['boto3'],
    include: ['generated/'],
    exclude: ['docs/'],
    image: DockerImage.fromRegistry('mine'),
    environment: { UV_INDEX_PASSWORD: 'secret' },
    volumes: [{ hostPath: '/a', containerPath: '/b' }],
    volumesFrom: ['other'],
    network: 'host',
    user: '1000:1000',
    workingDirectory: '/work',
    entrypoint: ['/bin/sh'],
    command: ['-c', 'true'],
    platform: 'linux/arm64',
    securityOpt: 'no-new-privileges',
    bundlingFileAccess: BundlingFileAccess.VOLUME_COPY,
    assetHash: 'mine',
    maxSize: { unzipped: '80 MB', zipped: 20_000_000, onExceed: 'warn' },
  },
});
fn.addEnvironment('STAGE', 'test');

const code: lambda.AssetCode = PythonLambdaCode.fromProject();
new lambda.Function(stack, 'Plain', { runtime: lambda.Runtime.PYTHON_3_13, handler: 'app.handler', code });

new Asset(stack, 'Asset', {
  path: '.',
  assetHashType: AssetHashType.OUTPUT,
  bundling: { local: new UvBundler(options, { docker: 'never' }), image: DockerImage.fromRegistry('mine') },
});
new Asset(stack, 'Complete', {
  path: '.',
  assetHashType: AssetHashType.OUTPUT,
  bundling: UvBundling.create(options, { docker: 'fallback', network: 'none' }),
});

const image: lambda.DockerImageFunction = new PythonLambdaImageFunction(stack, 'Image', {
  packageName: 'demo-lambda1',
  architecture: lambda.Architecture.ARM_64,
  baseImage: 'public.ecr.aws/lambda/python@sha256:0',
  bundling: { maxSize: { unzipped: '2 GB' } },
});
image.addEnvironment('STAGE', 'test');

const built: boolean = new UvBundler(options).tryBundle('dist', { image: DockerImage.fromRegistry('mine') });
const { sha256, packages }: Bundle = bundleSync(options, 'dist');
const later: Promise<Bundle> = bundle(options, 'dist');

try {
  bundleSync(options, 'dist');
} catch (error) {
  const { code, message } = error as BundleError;
  const known: ErrorCode = code;
  console.error(known, message, built, sha256, packages[0]?.version, later);
}

// ------------------------------------------------------------------------------------------------ what is refused

// @ts-expect-error the code is the project's
new PythonLambdaFunction(stack, 'Code', { handler: 'app.handler', code: lambda.Code.fromInline('') });

// @ts-expect-error a runtime is one of CDK's
new PythonLambdaFunction(stack, 'Runtime', { handler: 'app.handler', runtime: 'python3.13' });

// @ts-expect-error a misspelt option
export const misspelt: PythonBundlingOptions = { pyhton: '3.13.5' };

// @ts-expect-error an end that does not exist
export const maxSize: PythonBundlingOptions = { maxSize: { unzipped: '80 MB', onExceed: 'error' } };

// @ts-expect-error a Docker mode that does not exist
export const mode: PythonBundlingOptions = { docker: 'sometimes' };

// @ts-expect-error a bundler that may not fall back, and must
new UvBundler(options, { docker: 'always' });

// @ts-expect-error the constructs say `local` themselves
export const local: PythonBundlingOptions = { local: new UvBundler(options) };

// @ts-expect-error the CPU has Lambda's name
export const architecture: BundleOptions = { ...options, architecture: 'aarch64' };

// @ts-expect-error a runtime has Lambda's name
export const runtime: BundleOptions = { ...options, runtime: 3.13 };

// @ts-expect-error there is no project without a path outside of an app
export const noPath: BundleOptions = { runtime: 'python3.13', architecture: 'arm64' };
