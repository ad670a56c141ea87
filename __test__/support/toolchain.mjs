// The real tools of the end-to-end tests: uv, an interpreter, AWS's runtime interface client. Importing this file
// installs those that are missing.

import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { defaultTools, ensureRuntimeClient } from './tools.mjs';

// Tests neither use nor fill the cache of the user who runs them.
process.env.UV_LAMBDA_CDK_CACHE_DIR = fs.mkdtempSync(path.join(os.tmpdir(), 'cache of the tests '));
process.on('exit', () => fs.rmSync(process.env.UV_LAMBDA_CDK_CACHE_DIR, { recursive: true, force: true }));

// A test that does not choose a Python gets one of this machine, and waits for no download.
process.env.UV_PYTHON_DOWNLOADS ??= 'never';

/** uv, the version of Python that the tests bundle for (as `3.13`), and an interpreter of it. */
export const { uv, pythonVersion, python: interpreter } = defaultTools();

/** Lambda's name of the runtime of that Python, as `python3.13`. */
export const runtimeName = `python${pythonVersion}`;

/** The interpreter of an environment that has AWS's runtime interface client. */
export const runtimeClient = ensureRuntimeClient(interpreter, uv);

/** The path of a module's bytecode in a bundle, such as `app/__pycache__/main.cpython-313.pyc`. */
export function bytecodeOf(folder, module) {
  return `${folder}/__pycache__/${module}.cpython-${pythonVersion.replace('.', '')}.pyc`;
}

/** Options that bundle the member `app` of a fixture, without the cache. */
export function options(workspace, others = {}) {
  return {
    path: workspace,
    packageName: 'app',
    runtime: runtimeName,
    architecture: 'x86_64',
    uv,
    python: interpreter,
    cache: false,
    ...others,
  };
}
