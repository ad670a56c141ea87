// The core, as the constructs call it: an app in Python finds the names of options as it writes them.

import * as binding from '../binding';
import type { BundleError } from './types';
import type { ErrorCode } from './codes';
import { remoteCacheHelper } from './executables';

let isReady = false;

/** The core, ready to build: it knows its executable, and finishes its work when the process ends. */
export function readyCore(): typeof binding {
  if (!isReady) {
    isReady = true;
    const helper = remoteCacheHelper();
    if (helper !== undefined) {
      binding.setExecutable(helper);
    }
    process.once('exit', () => {
      for (const warning of binding.finish()) {
        process.stderr.write(`uv-lambda-cdk: warning: ${warning}\n`);
      }
    });
  }
  return binding;
}

/** Calls the core. Names of options in an error are spelled as in the language of the app. */
export function callCore<Result>(call: (core: typeof binding) => Result): Result {
  try {
    return call(readyCore());
  } catch (error) {
    if (error instanceof Error) {
      error.message = inLanguageOfApp(error.message);
    }
    throw error;
  }
}

/** An error like those of the core, for the few problems that only the construct layer can find. */
export function bundleError(code: ErrorCode, message: string): BundleError {
  return Object.assign(new Error(`${code}: ${inLanguageOfApp(message)}`), { code });
}

/**
 * A message with the names of options as the app writes them: in Python, `package_name` for `packageName`. jsii's runtimes name
 * themselves in a variable.
 */
export function inLanguageOfApp(message: string): string {
  if (!process.env.JSII_AGENT?.startsWith('Python')) {
    return message;
  }
  const names = binding.optionNames().join('|');
  // Options stand in backticks, alone or as a part of a path of options: `bundling.maxSize.onExceed`.
  return message.replaceAll(new RegExp(`(?<=\`(?:\\w+\\.)*)(?:${names})(?=(?:\\.\\w+)*\`)`, 'g'), (name) =>
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  );
}
