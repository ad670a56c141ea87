import type { BundlingOptions } from 'aws-cdk-lib';
import { BuildContainer } from './container';
import { bundleError } from './core';
import { UvBundler } from './uv-bundler';
import type { BundleOptions, ContainerOptions, DockerMode } from './types';

/** Complete bundling options for CDK's own asset constructs: this machine builds and, where it cannot, a container does. */
export class UvBundling {
  /**
   * The bundling options for the zip of one package. Give the asset the folder of the workspace, and the hash type `OUTPUT`.
   *
   * @throws {BundleError} with the code `INVALID_OPTIONS` or `UNKNOWN_RUNTIME` where an option is wrong.
   *
   * @param options What to build, and how.
   * @param container The container, and when it builds.
   *
   * @example
   * const options = { path: workspace, packageName: 'demo-lambda1', runtime: 'python3.13' };
   * new Asset(this, 'Code', {
   *   path: workspace,
   *   assetHashType: AssetHashType.OUTPUT,
   *   bundling: UvBundling.create(options),
   * });
   */
  static create(options: BundleOptions, container: ContainerOptions = {}): BundlingOptions {
    return bundlingWith(new UvBundler(options, bundlerSettings(container)), options, container);
  }
}

/** The settings of the bundler that goes with a container. */
export function bundlerSettings({ docker = 'fallback' }: ContainerOptions): { docker: 'fallback' | 'never' } {
  checkDockerMode(docker);
  return { docker: docker === 'never' ? 'never' : 'fallback' };
}

/** The bundling options with a bundler of the same options. */
export function bundlingWith(local: UvBundler, options: BundleOptions, container: ContainerOptions): BundlingOptions {
  const { docker, image, bundlingFileAccess, ...settings } = container;
  return {
    image: new BuildContainer(options, local, image, settings),
    // CDK needs these two: they decide how it makes the volumes, and who owns them.
    ...(bundlingFileAccess === undefined ? {} : { bundlingFileAccess }),
    ...(settings.user === undefined ? {} : { user: settings.user }),
    ...(docker === 'always' ? {} : { local }),
  };
}

function checkDockerMode(mode: DockerMode): void {
  if (!['fallback', 'always', 'never'].includes(mode)) {
    throw bundleError(
      'INVALID_OPTIONS',
      `the option \`bundling.docker\` is \`${mode}\`: write \`fallback\`, \`always\` or \`never\``,
    );
  }
}
