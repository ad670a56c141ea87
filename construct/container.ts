import { execFileSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DockerImage } from 'aws-cdk-lib';
import type { DockerRunOptions, DockerVolume } from 'aws-cdk-lib';
import type { ContainerPlan, Handover } from '../binding';
import { bundleError, callCore } from './core';
import { CONTAINER, folderOfExecutable } from './executables';
import type { UvBundler } from './uv-bundler';
import type { BundleOptions } from './types';

/**
 * The container that builds where this machine cannot, as the image that CDK runs.
 *
 * It is planned only when CDK runs it, so an app whose zips are built on this machine, or not built at all, neither
 * pulls an image nor plans a container. The settings are fields of this class and not CDK's own options, because CDK
 * writes those into some asset hashes, and settings have secrets (`environment`) and paths of this machine (`volumes`).
 */
export class BuildContainer extends DockerImage {
  /** The digest of the options. CDK sees it: otherwise two containers with the same image would be the same for CDK. */
  readonly digest: string;

  /**
   * Differs between containers of this process with different secrets or paths, which the digest leaves out. A keyed digest, so that
   * nobody can guess secrets from it.
   */
  readonly variant: string;

  readonly #options: BundleOptions;
  readonly #local: UvBundler;
  readonly #image: DockerImage | undefined;
  readonly #settings: DockerRunOptions;

  /**
   * @param local tries to build on this machine first; its digest, free of paths and secrets, stands for `options`
   * @param image the app's own image, if it has one
   * @param settings the app's own settings; they win over the plan
   */
  constructor(options: BundleOptions, local: UvBundler, image: DockerImage | undefined, settings: DockerRunOptions) {
    super(image?.image ?? `uv-lambda-cdk/${options.runtime}-${options.architecture}`);
    this.digest = local.digest;
    this.#local = local;
    // The digest tells layers apart, and not by their names, which differ between stages.
    this.variant = variantOf([{ ...options, layers: undefined }, image?.toJSON(), settings]);
    this.#options = options;
    this.#image = image;
    this.#settings = settings;
  }

  /** The text that CDK puts into the hash of an asset whose hash is not that of its zip. */
  override toJSON(): string {
    return `${this.#image?.toJSON() ?? this.image} ${this.digest}`;
  }

  /**
   * Runs the container with CDK's options. The plan overrides them, and the app's settings override both. Volumes and
   * variables are combined.
   */
  override run(asked: DockerRunOptions = {}): void {
    const plan = callCore((core) => core.containerPlan(this.#options));
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
        this.#withHandover((handover) => run(execution(plan, settings, asked, handover)));
      }
    } catch (error) {
      throw isMissingProgram(error)
        ? this.#withoutEngine()
        : withoutOptions(withoutValues(error, settings.environment), plan);
    }
  }

  /**
   * Calls `run` with a file of credentials for the project's indexes and of the app's own variables, and removes the
   * file afterwards.
   */
  #withHandover(run: (handover: Handover) => void): void {
    const { entrypoint, environment } = this.#settings;
    // An entrypoint of the app runs before our executable, and could not read the file.
    const handover = callCore((core) =>
      core.handOver(this.#options, entrypoint === undefined ? (environment ?? {}) : {}),
    );
    try {
      run(handover);
    } finally {
      handover.remove();
    }
  }

  /** The error to throw instead of `spawnSync docker ENOENT`. */
  #withoutEngine(): Error {
    const engine = process.env.CDK_DOCKER ?? 'docker';
    const reason = this.#local._reason;
    return bundleError(
      'DOCKER_NOT_FOUND',
      reason === undefined
        ? `\`${engine}\` is not on PATH, and \`docker: 'always'\` asks for a container: install Docker, or name another engine in CDK_DOCKER`
        : `${reason}. There is no container to build in either: \`${engine}\` is not on PATH; install Docker, or name another engine in CDK_DOCKER`,
    );
  }

  override cp(imagePath: string, outputPath?: string): string {
    const image =
      this.#image ??
      runtimeImage(
        callCore((core) => core.containerPlan(this.#options)),
        this.#settings,
      );
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
 * The error without the options of the bundle: CDK quotes the whole command line, and not everybody who reads the log
 * of a build may see the commands of the app in it.
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

/** The folder of the Dockerfile, alone: whatever lies beside it would be part of the image's identity. */
const IMAGE = join(CONTAINER, 'image');

/** The folder of the executables that build inside a container. */
function executablesFolder(executable: string): string {
  const folder = folderOfExecutable(executable);
  if (folder === undefined) {
    // A published package has them; a checkout may not, and the engine would only say that it found no such file.
    process.stderr.write(
      `uv-lambda-cdk: \`${executable}\`, which builds in the container, is missing: install the package again; in a checkout, \`npm run build:executables\` makes it\n`,
    );
  }
  return folder ?? CONTAINER;
}

/** The build image of the runtime, with uv. Made when it is first run. */
function runtimeImage(plan: ContainerPlan, { platform = plan.platform, network }: DockerRunOptions): DockerImage {
  return DockerImage.fromBuild(IMAGE, {
    buildArgs: { BASE: plan.baseImage, UV_VERSION: plan.uvVersion },
    platform,
    // An image cannot be pulled without a network, so `none` is not passed on.
    ...(network === undefined || network === 'none' ? {} : { network }),
  });
}

/** The command of a container, with its variables and volumes. */
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
  const executables = executablesFolder(plan.executable);
  // If the daemon is on another machine, it cannot mount folders, and CDK uses the volumes of a helper container.
  const [helper] = asked.volumesFrom ?? [];
  const way =
    helper === undefined ? mounted(plan, executables, settings, handover) : copied(plan, executables, helper, handover);
  const own = settings.entrypoint === undefined ? {} : settings.environment;
  return { ...way, environment: { ...way.environment, ...own } };
}

/** For an engine that can mount folders of this machine: those of the plan, the executable and the handover. */
function mounted(plan: ContainerPlan, executables: string, { user }: DockerRunOptions, handover: Handover): Execution {
  const folder = '/uv-lambda-cdk/bin';
  // Another user than the one who runs this could not write into the cache.
  const cache = user === undefined ? plan.cache : undefined;
  const volume = handover.folder && { hostPath: handover.folder, containerPath: '/uv-lambda-cdk/handover' };
  return {
    command: [`${folder}/${plan.executable}`, ...plan.arguments],
    environment: {
      ...plan.environment,
      ...(cache && { UV_CACHE_DIR: cache.containerPath }),
      ...(volume && { [handover.variable]: `${volume.containerPath}/${handover.file}` }),
    },
    volumes: [
      { hostPath: executables, containerPath: folder },
      ...plan.volumes,
      ...(cache ? [cache] : []),
      ...(volume ? [volume] : []),
    ],
  };
}

/** For an engine that cannot: the executable and the handover are copied into the copy of the workspace. */
function copied(plan: ContainerPlan, executables: string, helper: string, handover: Handover): Execution {
  // The core knows these names, and does not treat the files as sources.
  const copy = '/asset-input/.uv-lambda-cdk';
  const folder = `${copy}-handover`;
  copyInto(helper, join(executables, plan.executable), copy);
  if (handover.folder) {
    // The executable removes the file after reading it: CDK does not remove the copy if a build fails.
    copyInto(helper, handover.folder, folder);
  }
  return {
    command: [copy, ...plan.arguments],
    environment: {
      ...plan.environment,
      ...(handover.folder && { [handover.variable]: `${folder}/${handover.file}` }),
    },
    volumes: [],
  };
}

function copyInto(container: string, from: string, to: string): void {
  execFileSync(process.env.CDK_DOCKER ?? 'docker', ['cp', from, `${container}:${to}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Made anew by each process. */
const VARIANT_KEY = randomBytes(32);

function variantOf(everything: unknown): string {
  return createHmac('sha256', VARIANT_KEY).update(JSON.stringify(everything)).digest('hex');
}
