import { basename } from 'node:path';
import type { ILocalBundling } from 'aws-cdk-lib';
import { attemptSync, optionsDigest, rememberLastSynth } from '../binding';
import type { Bundle, BundleError, BundleOptions, ErrorCode, UvBundlerSettings } from '../index';

/** Why this machine cannot build what a container could. */
interface Reason {
  code: ErrorCode;
  message: string;
}

/** What the core answers, with the codes of the contract: one of the two. */
interface Attempt {
  bundle?: Bundle;
  unavailable?: Reason;
}

/** Builds the zip of one package on this machine, for CDK's asset machinery. */
export class UvBundler implements ILocalBundling {
  /**
   * The only field that CDK can see. Within one process it takes two bundlers for the same when their enumerable fields
   * are, and gives the second function the first one's code; for some hashes it also writes the fields down.
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

  /** Size of what was bundled, unpacked, in bytes; `undefined` before, and where a container bundles. */
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

/** The next synth prepares the bundles of this one in the background. Which ones they are is known when the app ends. */
function rememberAtExit(): void {
  if (!remembers) {
    remembers = true;
    process.once('exit', rememberLastSynth);
  }
}

/** An error as the core throws them, for the few things that only the construct layer can know. */
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

/** As Lambda counts them: its 250 MB are 262,144,000 bytes. */
function megabytes(bytes: number): string {
  return `${(bytes / (1024 * 1024)).toFixed(1)} MB`;
}
