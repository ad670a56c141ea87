import { basename } from 'node:path';
import type { BundlingOptions, ILocalBundling } from 'aws-cdk-lib';
import { bundleError, callCore, inLanguageOfApp } from './core';
import type { ErrorCode } from './codes';
import type { Bundle, BundleOptions, BundleWarning, UvBundlerSettings } from './types';

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

/** The warnings about this machine that this process has said. */
const said = new Set<string>();

/**
 * Whether a warning has to be said. Those about this machine would be the same for each zip, so they are said once.
 *
 * @internal
 */
export function isNew({ code, message }: BundleWarning, said: Set<string>): boolean {
  if (code !== 'PYTHON_NOT_PINNED') {
    return true;
  }
  const isNew = !said.has(message);
  said.add(message);
  return isNew;
}

/** What this process built, by digest: CDK builds equal bundles once, for the first of their constructs. */
const built = new Map<string, Bundle>();

/**
 * Builds the zip of one package on this machine, for CDK's asset machinery. `UvBundling.create` makes complete bundling options
 * with a bundler.
 *
 * CDK serialises a bundler as a digest of its options, without paths and secrets. Two bundlers have the same digest exactly if
 * they build the same zip.
 */
export class UvBundler implements ILocalBundling {
  /**
   * Digest of the options, in hex. CDK sees nothing else of them.
   */
  // The only field that CDK can see. Within one process, two bundlers with equal enumerable fields are the same for CDK, and the
  // second function gets the code of the first. CDK also writes the fields into some asset hashes.
  readonly digest: string;

  #reason: string | undefined;

  readonly #options: BundleOptions;
  readonly #docker: UvBundlerSettings['docker'];

  /** @throws {BundleError} with the code `INVALID_OPTIONS` or `UNKNOWN_RUNTIME` where an option is wrong. */
  constructor(options: BundleOptions, settings: UvBundlerSettings = {}) {
    this.digest = callCore((core) => core.optionsDigest(options));
    this.#options = options;
    this.#docker = settings.docker;
  }

  /**
   * Builds the zip into `outputDir`. Blocks until it is done; writes only to stderr.
   *
   * @param outputDir The folder for the zip.
   * @param _options CDK's options for a container, which have no effect on this machine.
   * @returns `true` with exactly one zip in `outputDir`; `false`, after one line on stderr with the reason, where
   * this machine cannot build it and a container could.
   * @throws {BundleError} where a container would fail as well.
   */
  tryBundle(outputDir: string, _options: BundlingOptions): boolean {
    const { bundle, unavailable } = callCore((core) => core.attemptSync(this.#options, outputDir)) as Attempt;
    if (bundle) {
      const warnings = bundle.warnings.map(({ code, message }) => ({ code, message: inLanguageOfApp(message) }));
      built.set(this.digest, { ...bundle, warnings });
      this._report(warnings);
      this.#say(summary(bundle));
      return true;
    }

    const { code, message } = unavailable as Reason;
    if (this.#docker === 'never') {
      throw bundleError(code, message);
    }
    this.#reason = inLanguageOfApp(message);
    this.#say(`${this.#reason}; falling back to Docker`);
    return false;
  }

  /**
   * Why the last attempt was left to a container; `undefined` if it was not. Not for CDK, which sees fields, not getters.
   *
   * @internal
   */
  get _reason(): string | undefined {
    return this.#reason;
  }

  /**
   * Size of the unpacked bundle in bytes; `undefined` before it is built, and if a container builds it.
   *
   * @internal
   */
  get _unzippedBytes(): number | undefined {
    return built.get(this.digest)?.unzippedBytes;
  }

  /**
   * The warnings of the build; none before it is built, and if a container builds it.
   *
   * @internal
   */
  get _warnings(): readonly BundleWarning[] {
    return built.get(this.digest)?.warnings ?? [];
  }

  /**
   * Says the warnings of a build.
   *
   * @internal
   */
  _report(warnings: readonly BundleWarning[]): void {
    for (const warning of warnings) {
      if (isNew(warning, said)) {
        this.#say(`warning: ${warning.message}`);
      }
    }
  }

  /** One line on stderr: stdout belongs to the app, whose template may be piped from it. */
  #say(text: string): void {
    const subject = this.#options.packageName ?? basename(this.#options.path);
    process.stderr.write(`uv-lambda-cdk: ${subject}: ${text.trim().replace(/\s*\n\s*/g, ' ')}\n`);
  }
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
