import { DockerImage } from 'aws-cdk-lib';
import type { DockerRunOptions } from 'aws-cdk-lib';
import { containerPlan } from '../binding';
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

  /** Runs with what CDK asks for, under what the plan and then the app say. Volumes add up: CDK's carry the workspace. */
  override run(asked: DockerRunOptions = {}): void {
    const { image, ...planned } = containerPlan(this.#options);
    (this.#image ?? DockerImage.fromRegistry(image)).run({
      ...asked,
      ...planned,
      ...this.#settings,
      volumes: [...(asked.volumes ?? []), ...(this.#settings.volumes ?? [])],
      volumesFrom: [...(asked.volumesFrom ?? []), ...(this.#settings.volumesFrom ?? [])],
    });
  }

  override cp(imagePath: string, outputPath?: string): string {
    return (this.#image ?? DockerImage.fromRegistry(containerPlan(this.#options).image)).cp(imagePath, outputPath);
  }
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
