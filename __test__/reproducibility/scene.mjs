// A scene: everything that surrounds one build of a bundle (its workspace, tools, cache, environment, user). A
// variation changes a scene; a build runs it in a new process, and reports the result.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { isRoot, run } from '../support/tools.mjs';

/** The program of the building process. It reads options and package, and writes the bundle and what it saw of the scene. */
const PROGRAM = `
  const fs = require('node:fs');
  const os = require('node:os');
  const { package: folder, options, output } = JSON.parse(process.argv[1]);
  const { sha256, zipPath, python, files, zipBytes, reused } = require(folder).bundleSync(options, output);
  const surroundings = {
    umask: process.umask(),
    user: process.getuid?.(),
    now: Date.now(),
    hostName: os.hostname(),
    kernel: os.release(),
    cores: os.availableParallelism(),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    isContainer: fs.existsSync('/run/.containerenv'),
    personality: fs.existsSync('/proc/self/personality') ? fs.readFileSync('/proc/self/personality', 'utf8') : '',
  };
  process.stdout.write(JSON.stringify({ sha256, zipPath, python, files, zipBytes, reused, surroundings }));
`;

/** A new folder in `parent` that other users can look into. */
export function newFolder(parent, prefix) {
  const folder = fs.mkdtempSync(path.join(parent, `${prefix}-`));
  fs.chmodSync(folder, 0o755);
  return folder;
}

/** Copies an executable to a place where every user may run it. */
export function copyExecutable(executable, into) {
  fs.copyFileSync(executable, into);
  fs.chmodSync(into, 0o755);
  return into;
}

/** Copies a folder with its links, modes and times. */
export function copyFolder(from, to) {
  run('cp', ['-a', from, to]);
  return to;
}

/**
 * The first scene, which every variation changes.
 *
 * @param work the folder that all scenes lie in
 * @param workspace the locked uv workspace
 * @param packageName the member to bundle, and `hooks` the commands of the user around it, where there are some
 * @param python an interpreter, and `pythonVersion` the version of it that Lambda has, as `3.11`
 * @param uv an executable of uv
 * @param cache the cache of uv
 * @param package the folder of this package, and `executable` its command line as a program, where there is one
 */
export function baseScene(scene) {
  return {
    architecture: 'x86_64',
    node: process.execPath,
    /** Programs before the command: they change its environment, and then start it in their place. */
    prefix: [],
    environment: {},
    /** The user and group that builds; those of the caller if undefined. */
    user: undefined,
    /** The output folder; a new one if undefined. */
    output: undefined,
    /** Starts the command in another way, as `spawnSync` would. */
    start: undefined,
    /** Conditions that the build must have seen, as `{ what, holds }`: a variation without effect proves nothing. */
    checks: [],
    /** The functions that undo the changes afterwards, the last one first. */
    cleanups: [],
    ...scene,
  };
}

/**
 * Builds the bundle of a scene. Of earlier builds, only the cache of uv is left: home and all other folders are new.
 *
 * @returns `{ sha256, zip, seconds, python, files, zipBytes }`
 */
export function build(scene) {
  const place = newFolder(scene.work, 'build');
  const [home, temporary, out] = ['home', 'temporary', 'out'].map((name) => path.join(place, name));
  for (const folder of [home, temporary, out]) {
    fs.mkdirSync(folder);
  }
  const output = scene.output ?? out;
  const environment = {
    ...process.env,
    HOME: home,
    TMPDIR: temporary,
    XDG_CACHE_HOME: path.join(home, '.cache'),
    UV_CACHE_DIR: scene.cache,
    UV_LAMBDA_CDK_CACHE_DIR: path.join(home, 'bundles'),
    ...scene.environment,
  };
  if (scene.user !== undefined) {
    fs.mkdirSync(output, { recursive: true });
    run('chown', ['-R', `${scene.user}:${scene.user}`, place, output, environment.UV_CACHE_DIR, environment.TMPDIR]);
  }
  const { packageName, hooks, pythonVersion, architecture, python, uv } = scene;
  const runtime = `python${pythonVersion}`;
  const options = { path: scene.workspace, packageName, hooks, runtime, architecture, python, uv };
  const call = JSON.stringify({ package: scene.package, options, output });
  const user = scene.user === undefined ? [] : becomeUser(scene.user);
  const [program, ...args] = [...scene.prefix, ...user, scene.node, '--eval', PROGRAM, call];

  const start = Date.now();
  const settings = { cwd: place, encoding: 'utf8', env: environment };
  const { status, signal, error, stdout, stderr } = (scene.start ?? spawnSync)(program, args, settings);
  const seconds = (Date.now() - start) / 1000;
  if (status !== 0) {
    throw new Error(
      `the build failed (${error?.message ?? signal ?? `exit code ${status}`}): ${essence(stderr ?? '')}`,
    );
  }
  const { zipPath: zip, reused, surroundings, ...others } = JSON.parse(stdout);
  if (reused) {
    throw new Error('the bundle was taken from an earlier build, which proves nothing');
  }
  for (const { what, holds } of scene.checks) {
    if (!holds(surroundings)) {
      throw new Error(`the variation did not take place: ${what}; the build saw ${JSON.stringify(surroundings)}`);
    }
  }
  fs.rmSync(temporary, { recursive: true, force: true });
  return { ...others, zip, seconds };
}

/** The message of an error of Node, without the program and the stack around it. */
function essence(stderr) {
  const lines = stderr.trim().split('\n');
  const first = lines.findIndex((line) => /Error: /.test(line));
  const last = lines.findIndex((line, number) => number > first && /^\s+at /.test(line));
  return (first === -1 ? lines : lines.slice(first, last === -1 ? undefined : last)).join('\n').slice(0, 2000);
}

function becomeUser(user) {
  return ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
}

/** Why no build can run as another user here; `undefined` if one can. */
export function whyNoOtherUser({ node, python }) {
  if (!isRoot) {
    return 'only root can become another user';
  }
  const closed = [node, python].find(
    (program) => spawnSync('setpriv', [...becomeUser(65534).slice(1), program, '--version']).status !== 0,
  );
  return closed && `${path.basename(closed)} lies where only its owner may look`;
}

/** Undoes the changes of a scene to this machine. */
export function cleanUp(scene) {
  for (const undo of scene.cleanups.toReversed()) {
    undo();
  }
}
