import { basename } from 'node:path';
import type { ILocalBundling } from 'aws-cdk-lib';
import { attemptSync, optionsDigest, rememberLastSynth } from '../binding';
import type { Bundle, BundleError, BundleOptions, ErrorCode, UvBundlerSettings } from '../index';

/** Why this machine cannot build what a container could. */
interface Reason {
  code: ErrorCode;
  message: string;
}

/** The core's answer: one of the two fields. */
interface Attempt {
  bundle?: Bundle;
  unavailable?: Reason;
}

/** Builds the zip of one package on this machine, for CDK's asset machinery. */
export class UvBundler implements ILocalBundling {
  /**
   * The only field that CDK can see. Within one process, two bundlers with equal enumerable fields are the same for
   * CDK, and the second function gets the code of the first. CDK also writes the fields into some asset hashes.
   */
  readonly digest: string;

  #reason: string | undefined;
  #unzippedBytes: number | undefined;

  readonly #options: BundleOptions;
  readonly #docker: UvBundlerSettings['docker'];

  constructor(options: BundleOptions, settings: UvBundlerSettings = {}) {
    this.digest = optionsDigest(options);
    this.#options = options;
    this.#docker = settings.docker;
  }

  tryBundle(outputDir: string): boolean {
    rememberAtExit();
    const { bundle, unavailable } = attemptSync(this.#options, outputDir) as Attempt;
    if (bundle) {
      this.#unzippedBytes = bundle.unzippedBytes;
      for (const { message } of bundle.warnings) {
        this.#say(`warning: ${message}`);
      }
      this.#say(summary(bundle));
      return true;
    }

    const { code, message } = unavailable as Reason;
    if (this.#docker === 'never') {
      throw bundleError(code, message);
    }
    this.#reason = message;
    this.#say(`${message}; falling back to Docker`);
    return false;
  }

  /** Why the last attempt was left to a container. Not for CDK, which sees fields, not getters. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Size of the unpacked bundle in bytes; `undefined` before it is built, and if a container builds it. */
  get unzippedBytes(): number | undefined {
    return this.#unzippedBytes;
  }

  /** One line on stderr: stdout belongs to the app, whose template may be piped from it. */
  #say(text: string): void {
    const subject = this.#options.packageName ?? basename(this.#options.path);
    process.stderr.write(`uv-lambda-cdk: ${subject}: ${text.trim().replace(/\s*\n\s*/g, ' ')}\n`);
  }
}

let remembers = false;

/** The next synth prepares the bundles of this one in the background. Their list is complete when the app ends. */
function rememberAtExit(): void {
  if (!remembers) {
    remembers = true;
    process.once('exit', rememberLastSynth);
  }
}

/** An error like those of the core, for the few problems that only the construct layer can find. */
export function bundleError(code: ErrorCode, message: string): BundleError {
  return Object.assign(new Error(message), { code });
}

function summary({ zipBytes, unzippedBytes, packages, python, reused, seconds }: Bundle): string {
  return [
    `${megabytes(zipBytes)} zipped, ${megabytes(unzippedBytes)} unzipped`,
    `${packages.length} ${packages.length === 1 ? 'package' : 'packages'}`,
    `Python ${python}`,
    `${reused ? 'unchanged, ' : ''}${seconds.toFixed(1)} s`,
  ].join(', ');
}

/** A size in the units of Lambda: its 250 MB are 262,144,000 bytes. */
function megabytes(bytes: number): string {
  return `${(bytes / (1024 * 1024)).toFixed(1)} MB`;
}
