import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DockerImage } from 'aws-cdk-lib';
import type { DockerRunOptions, DockerVolume } from 'aws-cdk-lib';
import { containerPlan, handOver } from '../binding';
import type { ContainerPlan, Handover } from '../binding';
import { bundleError } from './uv-bundler';
import type { UvBundler } from './uv-bundler';
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
    const image = () => this.#image ?? runtimeImage(plan, settings);
    const run = ({ command, environment, volumes }: Execution) =>
      image().run({
        ...asked,
        platform: plan.platform,
        ...(command === undefined ? {} : { command }),
        ...settings,
        environment: { ...asked.environment, ...environment },
        volumes: [...(asked.volumes ?? []), ...volumes, ...(settings.volumes ?? [])],
        volumesFrom: [...(asked.volumesFrom ?? []), ...(settings.volumesFrom ?? [])],
      });
    try {
      if (settings.command !== undefined) {
        // The app's own command needs nothing of ours.
        run({ environment: settings.environment ?? {}, volumes: [] });
      } else {
        this.#handingOver((handover) => run(execution(plan, settings, asked, handover)));
      }
    } catch (error) {
      throw isMissingProgram(error)
        ? this.#withoutEngine()
        : withoutOptions(withoutValues(error, settings.environment), plan);
    }
  }

  /**
   * Gives `run` what the container needs to open the project's indexes, and the app's own variables with it, as a file. It
   * is gone when this ends.
   */
  #handingOver(run: (handover: Handover) => void): void {
    const { entrypoint, environment } = this.#settings;
    // A program of the app's that runs before ours could not read the file.
    const handover = handOver(this.#options, entrypoint === undefined ? (environment ?? {}) : {});
    try {
      run(handover);
    } finally {
      handover.remove();
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

/** The error without the values of variables: CDK quotes the whole command line, which has them. */
function withoutValues(error: unknown, variables: Record<string, string> = {}): unknown {
  if (error instanceof Error) {
    for (const [name, value] of Object.entries(variables)) {
      // As they are, and as CDK writes them.
      for (const text of [`${name}=${value}`, JSON.stringify(`${name}=${value}`).slice(1, -1)]) {
        error.message = error.message.replaceAll(text, `${name}=****`);
        error.stack = error.stack?.replaceAll(text, `${name}=****`);
      }
    }
  }
  return error;
}

/**
 * The error without the options of the bundle: CDK quotes the whole command line, and the commands of the app among them are
 * not for everybody who reads the log of a build.
 */
function withoutOptions(error: unknown, { arguments: [, , options] }: ContainerPlan): unknown {
  if (error instanceof Error) {
    const quoted = JSON.stringify(options);
    error.message = error.message.replaceAll(quoted, "'{...}'");
    error.stack = error.stack?.replaceAll(quoted, "'{...}'");
  }
  return error;
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

function execution(
  plan: ContainerPlan,
  settings: DockerRunOptions,
  asked: DockerRunOptions,
  handover: Handover,
): Execution {
  const executable = join(EXECUTABLES, plan.executable);
  if (!existsSync(executable)) {
    // A published package has it; a checkout may not, and the engine would only say that it found no such file.
    process.stderr.write(`uv-lambda-cdk: \`${executable}\` is missing: run \`npm run build:executables\`\n`);
  }
  // CDK takes the volumes of a helper container where the daemon is on another machine, which cannot mount folders.
  const [helper] = asked.volumesFrom ?? [];
  const way = helper === undefined ? mounted(plan, settings, handover) : copied(plan, executable, helper, handover);
  const own = settings.entrypoint === undefined ? {} : settings.environment;
  return { ...way, environment: { ...way.environment, ...own } };
}

/** Where folders of this machine can be mounted: those of the plan, that of the executable, and what is handed over. */
function mounted(plan: ContainerPlan, { user }: DockerRunOptions, handover: Handover): Execution {
  const folder = '/uv-lambda-cdk/bin';
  // Another user than the one who runs this could not write into the cache.
  const cache = user === undefined ? plan.cache : undefined;
  const handed = handover.folder && { hostPath: handover.folder, containerPath: '/uv-lambda-cdk/handover' };
  return {
    command: [`${folder}/${plan.executable}`, ...plan.arguments],
    environment: {
      ...plan.environment,
      ...(cache && { UV_CACHE_DIR: cache.containerPath }),
      ...(handed && { [handover.variable]: `${handed.containerPath}/${handover.file}` }),
    },
    volumes: [
      { hostPath: EXECUTABLES, containerPath: folder },
      ...plan.volumes,
      ...(cache ? [cache] : []),
      ...(handed ? [handed] : []),
    ],
  };
}

/** Where folders are copied: the executable and what is handed over travel in the copy of the workspace. */
function copied(plan: ContainerPlan, executable: string, helper: string, handover: Handover): Execution {
  // The core knows these names, and takes them for nobody's source.
  const copy = '/asset-input/.uv-lambda-cdk';
  const handed = `${copy}-handover`;
  copyInto(helper, executable, copy);
  if (handover.folder) {
    // The executable removes it when it has read it: CDK leaves the copy where a build fails.
    copyInto(helper, handover.folder, handed);
  }
  return {
    command: [copy, ...plan.arguments],
    environment: {
      ...plan.environment,
      ...(handover.folder && { [handover.variable]: `${handed}/${handover.file}` }),
    },
    volumes: [],
  };
}

function copyInto(container: string, from: string, to: string): void {
  execFileSync(process.env.CDK_DOCKER ?? 'docker', ['cp', from, `${container}:${to}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
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
