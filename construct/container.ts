import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DockerImage } from 'aws-cdk-lib';
import type { DockerRunOptions, DockerVolume } from 'aws-cdk-lib';
import { containerPlan } from '../binding';
import type { ContainerPlan } from '../binding';
import { bundleError } from './bundler';
import type { UvBundler } from './bundler';
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
  readonly #local: UvBundler;
  readonly #image: DockerImage | undefined;
  readonly #settings: DockerRunOptions;

  /**
   * @param local what tries to build on this machine first; its digest, free of paths and secrets, stands for `options`
   * @param image the app's own image, if it has one
   * @param settings the app's own settings; they win over the plan
   */
  constructor(options: BundleOptions, local: UvBundler, image: DockerImage | undefined, settings: DockerRunOptions) {
    super(image?.image ?? `uv-lambda-cdk/python${options.pythonVersion}-${options.architecture}`);
    this.digest = local.digest;
    this.#local = local;
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
    const settings = this.#settings;
    // CDK takes the volumes of a helper container where the daemon is on another machine, which cannot mount folders.
    const [helper] = asked.volumesFrom ?? [];
    const { environment, volumes, ...command } = execution(plan, settings, helper);
    try {
      const image = this.#image ?? runtimeImage(plan, settings);
      image.run({
        ...asked,
        platform: plan.platform,
        ...command,
        ...settings,
        environment: { ...asked.environment, ...environment, ...settings.environment },
        volumes: [...(asked.volumes ?? []), ...volumes, ...(settings.volumes ?? [])],
        volumesFrom: [...(asked.volumesFrom ?? []), ...(settings.volumesFrom ?? [])],
      });
    } catch (error) {
      throw isMissingProgram(error) ? this.#withoutEngine() : error;
    }
  }

  /** What to say instead of `spawnSync docker ENOENT`. */
  #withoutEngine(): Error {
    const engine = process.env.CDK_DOCKER ?? 'docker';
    const reason = this.#local.reason;
    return bundleError(
      'DOCKER_NOT_FOUND',
      reason === undefined
        ? `\`${engine}\` is not on PATH, and \`docker: 'always'\` asks for a container: install Docker, or name another engine in CDK_DOCKER`
        : `${reason}. There is no container to build in either: \`${engine}\` is not on PATH; install Docker, or name another engine in CDK_DOCKER`,
    );
  }

  override cp(imagePath: string, outputPath?: string): string {
    const image = this.#image ?? runtimeImage(containerPlan(this.#options), this.#settings);
    return image.cp(imagePath, outputPath);
  }
}

function isMissingProgram(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
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

/** What a container runs, and what it needs for that. */
interface Execution {
  readonly command?: string[];
  readonly environment: Record<string, string>;
  readonly volumes: DockerVolume[];
}

function execution(plan: ContainerPlan, settings: DockerRunOptions, helper: string | undefined): Execution {
  if (settings.command !== undefined) {
    // The app's own command needs nothing of ours.
    return { environment: {}, volumes: [] };
  }
  const executable = join(EXECUTABLES, plan.executable);
  if (!existsSync(executable)) {
    // A published package has it; a checkout may not, and the engine would only say that it found no such file.
    process.stderr.write(`uv-lambda-cdk: \`${executable}\` is missing: run \`npm run build:executables\`\n`);
  }
  return helper === undefined ? mounted(plan, settings) : copied(plan, executable, helper);
}

/** Where folders of this machine can be mounted: those of the plan, and that of the executable. */
function mounted(plan: ContainerPlan, { user }: DockerRunOptions): Execution {
  const folder = '/uv-lambda-cdk/bin';
  // Another user than the one who runs this could not write into the cache.
  const cache = user === undefined ? plan.cache : undefined;
  return {
    command: [`${folder}/${plan.executable}`, ...plan.arguments],
    environment: { ...plan.environment, ...(cache && { UV_CACHE_DIR: cache.containerPath }) },
    volumes: [{ hostPath: EXECUTABLES, containerPath: folder }, ...plan.volumes, ...(cache ? [cache] : [])],
  };
}

/** Where folders are copied: the executable travels in the copy of the workspace. */
function copied(plan: ContainerPlan, executable: string, helper: string): Execution {
  // The core knows this name, and takes it for nobody's source.
  const copy = '/asset-input/.uv-lambda-cdk';
  execFileSync(process.env.CDK_DOCKER ?? 'docker', ['cp', executable, `${helper}:${copy}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return { command: [copy, ...plan.arguments], environment: plan.environment, volumes: [] };
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
