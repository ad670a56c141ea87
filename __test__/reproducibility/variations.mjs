// The variations. Each takes a scene and returns another scene, in which the same bundle must be built.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { runInContainer, whyNoContainers } from '../support/containers.mjs';
import { findOtherBuild, whyNoProgram } from '../support/prepared.mjs';
import { ensureUv, fullVersion, isRoot, run } from '../support/tools.mjs';
import { build, copyFolder, copyExecutable, newFolder, whyNoOtherUser } from './scene.mjs';

/** A user without rights on any machine. */
const NOBODY = 65534;

/** Variables of Python's that change what it compiles, where it looks for modules, or whether it starts at all. */
export function hostilePythonVariables(place) {
  const poisoned = path.join(place, 'poisoned');
  fs.mkdirSync(poisoned);
  for (const name of ['sitecustomize', 'marshal', 'struct', 'encodings', 'platform', 'hatchling', 'importlib']) {
    fs.writeFileSync(path.join(poisoned, `${name}.py`), 'raise SystemExit("a poisoned module was imported")\n');
  }
  const startup = path.join(poisoned, 'sitecustomize.py');
  return {
    PYTHONHASHSEED: '12345',
    PYTHONOPTIMIZE: '2',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONNODEBUGRANGES: '1',
    PYTHONPYCACHEPREFIX: path.join(place, 'elsewhere'),
    PYTHONPATH: poisoned,
    PYTHONSTARTUP: startup,
    PYTHONHOME: poisoned,
    PYTHONUSERBASE: poisoned,
    PYTHONPLATLIBDIR: 'lib64',
    PYTHONWARNINGS: 'error',
    PYTHONIOENCODING: 'utf-16',
    PYTHONUTF8: '0',
    PYTHONCOERCECLOCALE: '0',
    PYTHONVERBOSE: '1',
    PYTHONINSPECT: '1',
    PYTHONDEVMODE: '1',
    PYTHONINTMAXSTRDIGITS: '640',
    PYTHONPROFILEIMPORTTIME: '1',
    SOURCE_DATE_EPOCH: '444444444',
    VIRTUAL_ENV: poisoned,
    CONDA_PREFIX: poisoned,
    PIP_NO_BINARY: ':all:',
    HATCH_BUILD_HOOKS_ENABLE: 'true',
  };
}

/** Variables of uv's that change what it installs, how, and where. */
export function hostileUvVariables(place) {
  const nowhere = path.join(place, 'nowhere');
  return {
    UV_COMPILE_BYTECODE: '1',
    UV_NO_BINARY: '1',
    UV_NO_BUILD_ISOLATION: '1',
    UV_PROJECT: nowhere,
    UV_PROJECT_ENVIRONMENT: nowhere,
    UV_WORKING_DIRECTORY: nowhere,
    UV_WORKING_DIR: nowhere,
    UV_PYTHON: '2.7',
    UV_FROZEN: '1',
    UV_LOCKED: '1',
    UV_NO_SYNC: '1',
    UV_NO_CACHE: '1',
    UV_NO_EDITABLE: '0',
    UV_NO_DEV: '0',
    UV_DEV: '1',
    UV_NO_SOURCES: '1',
    UV_BUILD_CONSTRAINT: path.join(nowhere, 'constraints.txt'),
    UV_CONSTRAINT: path.join(nowhere, 'constraints.txt'),
    UV_OVERRIDE: path.join(nowhere, 'overrides.txt'),
    UV_ENV_FILE: path.join(nowhere, '.env'),
    UV_LINK_MODE: 'symlink',
    UV_SYSTEM_PYTHON: '1',
    UV_BREAK_SYSTEM_PACKAGES: '1',
    UV_TORCH_BACKEND: 'cpu',
    UV_PREVIEW: '1',
    UV_NO_INSTALLER_METADATA: '0',
    UV_NO_VERIFY_HASHES: '1',
    UV_REQUIRE_HASHES: '1',
  };
}

const withEnvironment = (variables) => (scene, place) => ({
  ...scene,
  environment: { ...scene.environment, ...(typeof variables === 'function' ? variables(place) : variables) },
});

const behind =
  (...prefix) =>
  (scene) => ({ ...scene, prefix: [...scene.prefix, ...prefix] });

/** Adds to a change the conditions that a build must then see. */
const seen = (change, what, holds) => (scene, place) => {
  const changed = change(scene, place);
  return { ...changed, checks: [...changed.checks, { what, holds }] };
};

const underUmask = (umask) =>
  seen(
    behind('sh', '-c', `umask ${umask}; exec "$@"`, 'sh'),
    `umask ${umask}`,
    (surroundings) => surroundings.umask === Number.parseInt(umask, 8),
  );

const withUv = (version) => (scene, place) => ({
  ...scene,
  uv: copyExecutable(ensureUv(version), path.join(place, 'uv')),
});

/** Gives a scene a copy of its workspace, to be changed. */
function withOwnWorkspace(scene, place, name = 'workspace') {
  const workspace = path.join(place, name);
  fs.mkdirSync(path.dirname(workspace), { recursive: true });
  return { ...scene, workspace: copyFolder(scene.workspace, workspace) };
}

/** Gives a scene a copy of its cache of uv, so that nobody else finds it changed. */
function withOwnCache(scene, place) {
  return { ...scene, cache: copyFolder(scene.cache, path.join(place, 'cache')) };
}

const HOUR = 3_600_000;

/**
 * Removes the shared memory of libfaketime. It stays if its process is killed, as our compilers are after their work, and
 * libfaketime fails if a later process has the same number.
 */
function removeClocks() {
  for (const name of fs.readdirSync('/dev/shm')) {
    const number = /^(?:sem\.faketime_sem|faketime_shm)_(\d+)$/.exec(name)?.[1];
    if (number !== undefined && !fs.existsSync(`/proc/${number}`)) {
      fs.rmSync(path.join('/dev/shm', name), { force: true });
    }
  }
}

/**
 * Moves the clock of all processes. Ours starts uv and Python without `LD_PRELOAD`, so each gets a clock of its own.
 *
 * @param offset as faketime writes it, and in `hours`
 */
const atTime = (offset, hours) => (scene, place) => {
  const clock = {
    LD_PRELOAD: '/usr/$LIB/faketime/libfaketimeMT.so.1',
    FAKETIME: offset,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  const noted = path.join(place, 'clock');
  const disguised = (program, name) => {
    const script = path.join(place, name);
    const settings = Object.entries(clock).map(([variable, value]) => `export ${variable}='${value}'`);
    fs.writeFileSync(
      script,
      `#!/bin/sh
${settings.join('\n')}
date +%s >> '${noted}-${name}'
exec '${program}' "$@"
`,
    );
    fs.chmodSync(script, 0o755);
    return script;
  };
  const isMoved = (time) => Math.abs(time - Date.now() - hours * HOUR) < 2 * HOUR;
  const noteIsMoved = (name) => isMoved(Number(fs.readFileSync(`${noted}-${name}`, 'utf8').split('\n')[0]) * 1000);
  removeClocks();
  const change = (unchanged) => ({
    ...unchanged,
    cleanups: [...unchanged.cleanups, removeClocks],
    uv: disguised(unchanged.uv, 'uv'),
    python: disguised(unchanged.python, 'python'),
    // Certificates are not valid at that time, so uv must find everything in its cache.
    environment: { ...unchanged.environment, ...clock, UV_OFFLINE: '1' },
  });
  const holds = ({ now }) => isMoved(now) && ['uv', 'python'].every(noteIsMoved);
  return seen(change, `the time is ${offset}`, holds)(scene, place);
};

/** Lists the files of every folder in a new order each time. */
function shuffled(scene, place) {
  const real = path.join(place, 'real');
  const view = path.join(place, 'view');
  for (const folder of [real, view, path.join(real, 'temporary')]) {
    fs.mkdirSync(folder);
  }
  copyFolder(scene.workspace, path.join(real, 'workspace'));
  copyFolder(scene.cache, path.join(real, 'cache'));
  run('disorderfs', ['--quiet', '--shuffle-dirents=yes', real, view]);
  // A file may still be open for a moment after the build.
  const unmount = () => run('umount', ['--lazy', view]);
  const list = () => run('find', [path.join(view, 'cache')]);
  return seen(
    () => ({
      ...scene,
      workspace: path.join(view, 'workspace'),
      cache: path.join(view, 'cache'),
      environment: { ...scene.environment, TMPDIR: path.join(view, 'temporary') },
      cleanups: [...scene.cleanups, unmount],
    }),
    'folders list their files in another order each time',
    () => list() !== list(),
  )();
}

function asNobody(scene, place) {
  const change = (own) => ({ ...withOwnCache(own, place), user: NOBODY });
  return seen(change, `the user is ${NOBODY}`, ({ user }) => user === NOBODY)(scene, place);
}

/** Files with all permissions for everybody, as on a mounted Windows disk, and with unusual times. */
function withOtherModesAndTimes(scene, place) {
  const changed = withOwnWorkspace(scene, place);
  let second = 1_000_000_000;
  for (const name of fs.readdirSync(changed.workspace, { recursive: true })) {
    const file = path.join(changed.workspace, name);
    fs.chmodSync(file, 0o777);
    fs.utimesSync(file, second, second);
    second += 86_461;
  }
  return changed;
}

/** A cache of uv that was filled under a strict file mode mask: its files have those modes. */
function withStrictCache(scene, place) {
  const cache = path.join(place, 'cache');
  build(underUmask('077')({ ...scene, cache }));
  return { ...scene, cache };
}

/** The cache of uv on another file system than the working folder: nothing can be linked. */
function withFarCache(scene) {
  const cache = fs.mkdtempSync('/dev/shm/uv-lambda-cdk-cache-');
  fs.chmodSync(cache, 0o755);
  run('cp', ['-a', `${scene.cache}/.`, cache]);
  const remove = () => fs.rmSync(cache, { recursive: true, force: true });
  return { ...scene, cache, cleanups: [...scene.cleanups, remove] };
}

/** A configuration file of the user's own that would change what uv installs. */
function withUserConfiguration(scene, place) {
  const folder = path.join(place, 'configuration');
  fs.mkdirSync(path.join(folder, 'uv'), { recursive: true });
  fs.writeFileSync(
    path.join(folder, 'uv/uv.toml'),
    'compile-bytecode = true\nlink-mode = "symlink"\npython-preference = "only-managed"\n',
  );
  return { ...scene, environment: { ...scene.environment, XDG_CONFIG_HOME: folder } };
}

/** The path of the folder of all scenes in a container. */
const IN_CONTAINER = '/elsewhere';

/** Moves a scene into a container: other paths, no network, another root file system. */
function moveIntoContainer(scene, place) {
  const inside = (text) => text.replaceAll(scene.work, IN_CONTAINER);
  const start = (program, args, { env }) => {
    const names = ['HOME', 'TMPDIR', 'XDG_CACHE_HOME', 'UV_CACHE_DIR', ...Object.keys(scene.environment)];
    const result = runInContainer({
      args: [program, ...args].map(inside),
      volumes: [
        { host: scene.work, container: IN_CONTAINER },
        { host: scene.node, container: scene.node, readOnly: true },
      ],
      env: { ...Object.fromEntries(names.map((name) => [name, inside(env[name])])), UV_OFFLINE: '1' },
      cwd: '/',
    });
    return { ...result, stdout: result.stdout.replaceAll(IN_CONTAINER, scene.work) };
  };
  return { ...withOwnCache(scene, place), start };
}

const inContainer = seen(moveIntoContainer, 'it is a container', ({ isContainer }) => isContainer);

/** Builds with the executable of this package instead of Node. */
function byExecutable(scene) {
  const start = (_program, args, settings) => {
    const { options, output } = JSON.parse(args.at(-1));
    const words = [
      'bundle',
      ...['--path', options.path, '--package', options.packageName, '--runtime', options.runtime],
      ...['--architecture', options.architecture, '--output', output],
      ...['--python', options.python, '--uv', options.uv, '--json'],
      ...(options.hooks?.beforeZip ?? []).flatMap((command) => ['--before-zip', command]),
    ];
    return (scene.start ?? spawnSync)(scene.executable, words, settings);
  };
  return { ...scene, start };
}

const hasExecutable = ({ executable }) => (executable === undefined ? 'the executable could not be built' : undefined);

function whyNoContainer({ python }) {
  const reason = whyNoContainers();
  if (reason !== undefined) {
    return reason;
  }
  const { stdout } = runInContainer({ args: [python, '--version'] });
  return stdout.trim() === `Python ${fullVersion(python)}`
    ? undefined
    : `the container has no CPython ${fullVersion(python)} at ${python}`;
}

const needsRoot = () => (isRoot ? undefined : 'only root may do this');
const needs = (program) => () => whyNoProgram(program);
const needsFaketime = needs('faketime');

/**
 * All variations. `change` returns the changed scene, `needs` the reason why this machine cannot run it. Those that are
 * `quick` are run if time is short. Those with an `order` are also run all at once, in that order.
 */
export const VARIATIONS = [
  {
    name: 'workspace at another path (spaces, unicode)',
    quick: true,
    order: 1,
    change: (scene, place) => withOwnWorkspace(scene, place, 'ein "Ordner" mit späces & $HOME/日本語'),
  },
  {
    name: 'bundle at another path',
    order: 2,
    change: (scene, place) => ({ ...scene, output: path.join(place, 'an öther/place') }),
  },
  {
    name: 'HOME, time zone, locale',
    quick: true,
    order: 3,
    change: seen(
      withEnvironment((place) => {
        const home = path.join(place, 'another home');
        fs.mkdirSync(home, { mode: 0o777 });
        fs.chmodSync(home, 0o777);
        return { HOME: home, TZ: 'Pacific/Kiritimati', LC_ALL: 'C', LANG: 'tr_TR.UTF-8', LANGUAGE: 'tr' };
      }),
      'the time zone is another',
      ({ timeZone }) => timeZone === 'Pacific/Kiritimati',
    ),
  },
  { name: 'umask 077', quick: true, change: underUmask('077') },
  { name: 'umask 002', order: 4, change: underUmask('002') },
  {
    name: 'sources with mode 0777, other times',
    quick: true,
    order: 5,
    change: withOtherModesAndTimes,
  },
  {
    name: 'hostile PYTHON* variables',
    quick: true,
    order: 6,
    change: withEnvironment(hostilePythonVariables),
  },
  { name: 'hostile UV_* variables', quick: true, order: 7, change: withEnvironment(hostileUvVariables) },
  { name: "uv.toml of the user's own", change: withUserConfiguration },
  ...['copy', 'hardlink', 'clone', 'symlink'].map((mode) => ({
    name: `UV_LINK_MODE=${mode}`,
    change: withEnvironment({ UV_LINK_MODE: mode }),
  })),
  {
    name: 'cold cache of uv',
    quick: true,
    change: (scene, place) => ({ ...scene, cache: path.join(place, 'cache') }),
  },
  { name: 'cache of uv filled under umask 077', quick: true, change: withStrictCache },
  {
    name: 'cache of uv on another file system',
    needs: () => (fs.existsSync('/dev/shm') ? undefined : 'no other file system here'),
    change: withFarCache,
  },
  { name: 'uv 0.9.30', change: withUv('0.9.30') },
  { name: 'uv 0.11.33', quick: true, order: 8, change: withUv('0.11.33') },
  {
    name: 'one core, one worker',
    quick: true,
    needs: needs('taskset'),
    change: seen(
      (scene, place) =>
        withEnvironment({ RAYON_NUM_THREADS: '1', UV_CONCURRENT_BUILDS: '1', UV_CONCURRENT_INSTALLS: '1' })(
          behind('taskset', '--cpu-list', '0')(scene),
          place,
        ),
      'one core',
      ({ cores }) => cores === 1,
    ),
  },
  {
    name: 'many workers',
    order: 9,
    change: withEnvironment({ RAYON_NUM_THREADS: '16', UV_CONCURRENT_BUILDS: '16', UV_CONCURRENT_INSTALLS: '16' }),
  },
  {
    name: 'files in another order (disorderfs)',
    needs: () => needsRoot() ?? whyNoProgram('disorderfs'),
    order: 10,
    change: shuffled,
  },
  {
    // Not at once with another kernel version: each call of setarch undoes the one before.
    name: 'no address space randomisation',
    needs: needs('setarch'),
    change: seen(
      behind('setarch', '--addr-no-randomize'),
      'addresses are fixed',
      ({ personality }) => (Number.parseInt(personality, 16) & 0x40000) !== 0,
    ),
  },
  {
    name: 'another kernel version (2.6)',
    needs: needs('setarch'),
    order: 11,
    change: seen(behind('setarch', '--uname-2.6'), 'the kernel is 2.6', ({ kernel }) => kernel.startsWith('2.6.')),
  },
  {
    name: 'another host name',
    needs: needsRoot,
    order: 12,
    change: seen(
      behind('unshare', '--uts', 'sh', '-c', 'hostname another-host; exec "$@"', 'sh'),
      'the host has another name',
      ({ hostName }) => hostName === 'another-host',
    ),
  },
  {
    name: 'another user',
    needs: (scene) => whyNoProgram('setpriv') ?? whyNoOtherUser(scene),
    change: asNobody,
  },
  { name: 'a day ago', needs: needsFaketime, change: atTime('-1d', -24) },
  { name: 'in 20 hours', quick: true, needs: needsFaketime, change: atTime('+20h', 20) },
  { name: 'in five years', needs: needsFaketime, order: 14, change: atTime('+5y', 5 * 365 * 24) },
  {
    name: 'another build of the same CPython',
    needs: ({ python }) => findOtherBuild(python).reason,
    order: 13,
    change: (scene) => ({ ...scene, python: findOtherBuild(scene.python).interpreter }),
  },
  { name: 'in a container', needs: whyNoContainer, change: inContainer },
  { name: 'by the executable, without Node', needs: hasExecutable, change: byExecutable },
  {
    name: 'in a container by the executable',
    needs: (scene) => hasExecutable(scene) ?? whyNoContainer(scene),
    change: (scene, place) => byExecutable(moveIntoContainer(scene, place)),
  },
];

/** All variations that can be combined, at once. */
export const ALL_AT_ONCE = {
  name: 'all at once',
  quick: true,
  change(scene, place) {
    // Another uv may have another cache format, and no index accepts a clock that is five years ahead.
    build(variation('uv 0.11.33').change(scene, newFolder(place, 'change')));
    const together = VARIATIONS.filter(({ order, needs: why }) => order !== undefined && why?.(scene) === undefined);
    return together
      .toSorted((left, right) => left.order - right.order)
      .reduce((changed, { change }) => change(changed, newFolder(place, 'change')), scene);
  },
};

/** The variation of a name. */
export function variation(name) {
  return VARIATIONS.find((known) => known.name === name);
}
