// The programs that the benchmark needs and the machine may lack, and the folders that it works in.

import * as fs from 'node:fs';
import * as path from 'node:path';
import {
  fullVersion as versionOf,
  hasProgram,
  preferredPython,
  root,
  run,
  uvOnPathOrEnsured,
} from '../__test__/support/tools.mjs';

const AWS_LAMBDA_BUILDERS = 'aws-lambda-builders==1.68.0';
const PEX = 'pex==2.105.2';

/** The library with which the `cdk` command zips. The command cannot be asked to zip only. */
const YAZL = 'yazl@3.3.1';

/** The folder of workspaces, environments, stores and results; ignored by git. Its cache of uv stays between runs. */
export const work = path.join(root, 'benches/.work');

/** A new, empty folder in `work`. */
export function emptyFolder(...names) {
  const folder = path.join(work, ...names);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  return folder;
}

/** Installs a tool into a folder of `.tools`, once. Returns why that failed; `undefined` if it is installed. */
function ensure(folder, install) {
  const ready = path.join(folder, 'ready');
  if (fs.existsSync(ready)) {
    return undefined;
  }
  try {
    install();
    fs.writeFileSync(ready, '');
    return undefined;
  } catch (error) {
    return error.message.trim().split('\n').at(-1);
  }
}

function ensurePythonTool(requirement, { uv, python, fullVersion }) {
  const folder = path.join(root, `.tools/benchmark-${requirement.replace('==', '-')}-python-${fullVersion}`);
  const missing = ensure(folder, () => {
    run(uv, ['venv', '--quiet', '--clear', '--python', python, folder]);
    run(uv, ['pip', 'install', '--quiet', '--python', path.join(folder, 'bin/python'), requirement]);
  });
  return { name: requirement.replace('==', ' '), bin: path.join(folder, 'bin'), missing };
}

function ensureYazl() {
  const folder = path.join(root, `.tools/benchmark-${YAZL.replace('@', '-')}`);
  const missing = ensure(folder, () => {
    fs.mkdirSync(folder, { recursive: true });
    run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', YAZL]);
  });
  return { name: YAZL.replace('@', ' '), module: path.join(folder, 'node_modules/yazl/index.js'), missing };
}

/**
 * The tools, and the environment of all contenders: the same uv, the same Python, the same cache of uv.
 *
 * @param thirdParty whether to get the tools of the contenders other than uv
 */
export function ensureTools({ thirdParty }) {
  const uv = uvOnPathOrEnsured();
  const [pythonVersion, python] = preferredPython(uv);
  const fullVersion = versionOf(python);
  fs.mkdirSync(work, { recursive: true });
  // aws-lambda-builders looks for a Python by its version, and takes the uv on PATH.
  const folders = [...(uv === 'uv' ? [] : [path.dirname(uv)]), path.dirname(python), process.env.PATH];
  const environment = {
    ...process.env,
    PATH: folders.join(path.delimiter),
    UV_CACHE_DIR: path.join(work, 'uv-cache'),
    VIRTUAL_ENV: undefined,
  };
  // The recipe installs for this machine, so all of them do.
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  const tools = { uv, python, pythonVersion, fullVersion, architecture, environment };
  return {
    ...tools,
    yazl: ensureYazl(),
    builders: thirdParty ? ensurePythonTool(AWS_LAMBDA_BUILDERS, tools) : undefined,
    pex: thirdParty ? ensurePythonTool(PEX, tools) : undefined,
  };
}

/** The name of the program of `zipFolder`. */
export const zipName = hasProgram('zip') ? '`zip -r`' : "Python's `zipfile`, for want of `zip`,";

/** Zips everything in a folder, without entries for folders and without times and owners. */
export function zipFolder(folder, target, { python }, level = 6) {
  fs.rmSync(target, { force: true });
  const [program, args] = hasProgram('zip')
    ? ['zip', ['-r', '-q', '-X', '-D', `-${level}`, target, '.']]
    : [python, [path.join(root, 'benches/zip_folder.py'), folder, target, String(level)]];
  run(program, args, { cwd: folder });
  return target;
}
