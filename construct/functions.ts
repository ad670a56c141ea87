// The plain functions: the same work without CDK. jsii skips functions, so they are for TypeScript and JavaScript alone.

import { readyCore } from './core';
import type { Bundle, BundleOptions, BundleRequest, Diff, Explanation, Verification, VerifySettings } from './types';

/**
 * Builds the zip of one package into `outputDir`. The event loop stays free meanwhile.
 *
 * @param outputDir The folder for the zip; created if it is missing.
 * @throws {BundleError} The promise is rejected where the zip cannot be built on this machine.
 *
 * @example
 * const { path, zipBytes, packages } = await bundle(
 *   { path: '.', packageName: 'demo-lambda1', runtime: 'python3.13', architecture: 'arm64' },
 *   'dist',
 * );
 */
export function bundle(options: BundleOptions, outputDir: string): Promise<Bundle> {
  return readyCore().bundle(options, outputDir) as Promise<Bundle>;
}

/**
 * Builds the zip of one package into `outputDir`, and blocks until it is done.
 *
 * @param outputDir The folder for the zip; created if it is missing.
 * @throws {BundleError} where the zip cannot be built on this machine.
 */
export function bundleSync(options: BundleOptions, outputDir: string): Bundle {
  return readyCore().bundleSync(options, outputDir) as Bundle;
}

/**
 * Builds many zips at once, on all cores. A package that several of them need is built once. The event loop stays free meanwhile.
 *
 * @returns The bundles, in the order of the requests.
 * @throws {BundleError} The promise is rejected, after all are done, with the first error in the order of the requests.
 *
 * @example
 * const functions = ['demo-lambda1', 'demo-lambda2'];
 * const bundles = await bundleAll(
 *   functions.map((packageName) => ({
 *     options: { path: '.', packageName, runtime: 'python3.13', architecture: 'arm64' },
 *     outputDir: 'dist',
 *   })),
 * );
 */
export async function bundleAll(requests: readonly BundleRequest[]): Promise<Bundle[]> {
  const bundles = readyCore().bundleAllOf(
    requests.map(({ options }) => options),
    requests.map(({ outputDir }) => outputDir),
  );
  return bundles as Promise<Bundle[]>;
}

/**
 * Says why each package and file would be in a zip, and why others are left out. Installs and builds the packages that are
 * not cached, as a bundle does, but writes no zip.
 *
 * @throws {BundleError} The promise is rejected where the zip could not be built on this machine.
 *
 * @example
 * const { packages, leftOut } = await explain({ path: '.', packageName: 'demo-lambda1' });
 * // packages: [{ name: 'orjson', reason: 'demo-lambda1 -> demo-common -> orjson', ... }, ...]
 * // leftOut: [{ kind: 'package', name: 'pytest', reason: 'it is in the dependency group `dev` (...)' }, ...]
 */
export async function explain(options: BundleOptions): Promise<Explanation> {
  return JSON.parse(await readyCore().explain(options)) as Explanation;
}

/** The same as `explain`, but blocks until it is done. */
export function explainSync(options: BundleOptions): Explanation {
  return JSON.parse(readyCore().explainSync(options)) as Explanation;
}

/**
 * Builds the zip of one package twice, the second time under different conditions, and compares the bytes. The event loop
 * stays free meanwhile.
 *
 * The second build has another working folder, another number of workers, the sources in reverse order, an empty uv cache,
 * and begins two seconds later. Conditions that are fixed in every build, such as Python's hash seed, are the same in both.
 *
 * @throws {BundleError} The promise is rejected where the zip cannot be built. Different bytes are not an error.
 *
 * @example
 * const { same, difference } = await verify({ path: '.', runtime: 'python3.13', architecture: 'arm64' });
 * if (!same) {
 *   throw new Error(difference?.message); // `app/build.txt` differs at byte 6: ...
 * }
 */
export function verify(options: BundleOptions, settings?: VerifySettings): Promise<Verification> {
  return readyCore().verify(options, settings) as Promise<Verification>;
}

/**
 * Builds the zip of one package twice, as `verify` does, and blocks until it is done.
 *
 * @throws {BundleError} where the zip cannot be built. Different bytes are not an error.
 */
export function verifySync(options: BundleOptions, settings?: VerifySettings): Verification {
  return readyCore().verifySync(options, settings) as Verification;
}

/**
 * Lists the changes from one Lambda zip to another. Any tool may have built the zips.
 *
 * @param before The path of a zip.
 * @param after The path of another.
 * @throws {BundleError} where one of them cannot be read (`IO`) or is no zip (`BAD_ZIP`).
 */
export function diffSync(before: string, after: string): Diff {
  return readyCore().diffSync(before, after) as Diff;
}
