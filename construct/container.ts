import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { DockerImage } from 'aws-cdk-lib';
import type { DockerRunOptions, DockerVolume } from 'aws-cdk-lib';
import { containerPlan } from '../binding';
import type { ContainerPlan } from '../binding';
import type { BundleOptions } from '../index';

/**
 * The container that builds where this machine cannot, as the image that CDK runs.
 *
 * Everything about it is settled only when CDK runs it, so an app whose zips are built on this machine, or not built at
 * all, neither pulls an image nor plans a container. The settings travel in here and not in CDK's own options because
 * CDK writes those into some asset hashes, and settings hold secrets (`environment`) and paths of this machine
 * (`volumes`).
 */
export class BuildContainer extends DockerImage {
  /** What is built. Seen by CDK, which otherwise takes two containers with the same image for the same. */
  readonly digest: string;

  /** Tells apart, while the app runs, what the digest must not: secrets, and paths of this machine. Says none of them. */
  readonly variant: number;

  readonly #options: BundleOptions;
  readonly #image: DockerImage | undefined;
  readonly #settings: DockerRunOptions;

  /**
   * @param digest hash of `options`, free of paths and secrets
   * @param image the app's own image, if it has one
   * @param settings the app's own settings; they win over the plan
   */
  constructor(options: BundleOptions, digest: string, image: DockerImage | undefined, settings: DockerRunOptions) {
    super(image?.image ?? `uv-lambda-cdk/python${options.pythonVersion}-${options.architecture}`);
    this.digest = digest;
    this.variant = variantOf([options, image?.toJSON(), settings]);
    this.#options = options;
    this.#image = image;
    this.#settings = settings;
  }

  /** What enters the hash of an asset whose hash is not that of its zip. */
  override toJSON(): string {
    return `${this.#image?.toJSON() ?? this.image} ${this.digest}`;
  }

  /** Runs with what CDK asks for, under what the plan and then the app say. Volumes and variables add up. */
  override run(asked: DockerRunOptions = {}): void {
    const plan = containerPlan(this.#options);
    // CDK takes the volumes of a helper container where the daemon is on another machine, which cannot mount folders.
    const [helper] = asked.volumesFrom ?? [];
    const settings = this.#settings;
    const image = this.#image ?? runtimeImage(plan, settings);
    // The app's own command needs nothing of ours.
    const ours = settings.command
      ? { volumes: [] }
      : helper === undefined
        ? mountedCommand(plan)
        : copiedCommand(plan, helper);
    image.run({
      ...asked,
      platform: plan.platform,
      ...ours,
      ...settings,
      environment: {
        ...asked.environment,
        ...(helper === undefined ? plan.environment : { HOME: '/tmp' }),
        ...settings.environment,
      },
      volumes: [...(asked.volumes ?? []), ...ours.volumes, ...(settings.volumes ?? [])],
      volumesFrom: [...(asked.volumesFrom ?? []), ...(settings.volumesFrom ?? [])],
    });
  }

  override cp(imagePath: string, outputPath?: string): string {
    const image = this.#image ?? runtimeImage(containerPlan(this.#options), this.#settings);
    return image.cp(imagePath, outputPath);
  }
}

/** The folder of this package with the executables that build inside a container (`npm run build:executables`). */
const EXECUTABLES = join(__dirname, '../container');

/** The folder of the Dockerfile, alone: whatever lies beside it would be part of the image's identity. */
const IMAGE = join(EXECUTABLES, 'image');

/** The build image of the runtime, with uv. Made when it is first run. */
function runtimeImage(plan: ContainerPlan, { platform = plan.platform, network }: DockerRunOptions): DockerImage {
  return DockerImage.fromBuild(IMAGE, {
    buildArgs: { BASE: plan.baseImage, UV_VERSION: plan.uvVersion },
    platform,
    // Nothing of an image without network can be pulled, so only a network with a name is passed on.
    ...(network === undefined || network === 'none' ? {} : { network }),
  });
}

/** What to run where this machine's folders can be mounted: the executable, the cache of uv, folders beside the workspace. */
function mountedCommand(plan: ContainerPlan): Pick<DockerRunOptions, 'command'> & { volumes: DockerVolume[] } {
  const mounted = `/uv-lambda-cdk/bin`;
  return {
    command: [`${mounted}/${plan.executable}`, ...plan.arguments],
    volumes: [{ hostPath: EXECUTABLES, containerPath: mounted }, ...plan.volumes],
  };
}

/** What to run where folders are copied: the executable travels in the copy of the workspace. */
function copiedCommand(
  plan: ContainerPlan,
  helper: string,
): Pick<DockerRunOptions, 'command'> & { volumes: DockerVolume[] } {
  // The core knows this name, and takes it for nobody's source.
  const copied = '/asset-input/.uv-lambda-cdk';
  execFileSync(process.env.CDK_DOCKER ?? 'docker', ['cp', join(EXECUTABLES, plan.executable), `${helper}:${copied}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return { command: [copied, ...plan.arguments], volumes: [] };
}

/** What was to be built in this process so far, and how, in order. */
const variants: string[] = [];

function variantOf(everything: unknown): number {
  const text = JSON.stringify(everything);
  if (!variants.includes(text)) {
    variants.push(text);
  }
  return variants.indexOf(text);
}
