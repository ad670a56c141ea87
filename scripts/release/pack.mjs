// Packs a release from what is built, into `dist/npm` and `dist/python`:
//
// - `uv-lambda-cdk`: everything that is the same on all platforms;
// - `@uv-lambda-cdk/binding-<platform>`: the add-on of a platform. npm installs the one that fits;
// - `@uv-lambda-cdk/container`: the executables that build in containers, which a machine of any platform may start;
// - `@uv-lambda-cdk/remote-cache-<platform>`: the executable that reaches a remote cache, and `@uv-lambda-cdk/remote-cache`, which brings
//   the one that fits. Nothing depends on them: who has no remote cache need not download them;
// - the wheel: all of it but the remote cache, since the kernel of jsii runs no npm.
//
// It builds nothing, and fails if something is missing or was built from other sources.
//
//   node scripts/release/pack.mjs [--complete]
//
// Without `--complete`, executables may be missing that this machine cannot build. Such packages are for trying, not for publishing: the
// workflow of a release packs with the flag.

import * as fs from 'node:fs';
import path from 'node:path';
import { root, run } from '../../__test__/support/tools.mjs';
import { buildWheel } from '../python-package.mjs';
import { CONTAINER_EXECUTABLES, EXECUTABLES, executableRecipe, reachesRemoteCache } from '../native/add-ons.mjs';
import { ADD_ONS_FOLDER, executable } from '../native/inspect-add-ons.mjs';
import { ALL_ADD_ONS, COMMON_FILES, wrongArtefacts } from './artefacts.mjs';

const isComplete = process.argv.includes('--complete');
const isBuiltHere = (name) => executableRecipe(name, process.platform) !== undefined;
const executables = Object.keys(EXECUTABLES);
const packed = executables.filter((name) => isComplete || isBuiltHere(name) || fs.existsSync(executable(name)));
const absent = executables.filter((name) => !packed.includes(name));

const wrong = wrongArtefacts(ALL_ADD_ONS, packed);
if (wrong.length > 0) {
  console.error(
    `${wrong.join('\n')}\nRun \`npm run build\`, \`npm run build:all\` and \`npm run build:executables -- ${packed.join(' ')}\`.`,
  );
  process.exit(1);
}

/** What a user may have to download, in bytes; `remoteCache` is what a remote cache adds. */
const LIMITS = { npm: 12e6, pip: 40e6, remoteCache: 12e6 };

const staging = path.join(root, 'dist/staging');
const tarballs = path.join(root, 'dist/npm');
for (const folder of [staging, tarballs]) {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
}

function writeManifest(folder, manifest) {
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

function readManifest(folder) {
  return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
}

/** Runs a command of napi in the staging folder. */
function napi(...args) {
  const program = path.join(root, 'node_modules/@napi-rs/cli/dist/cli.js');
  run(process.execPath, [program, ...args, '--npm-dir', 'npm'], { cwd: staging });
}

/** Stages a package of executables, and returns its folder. `manifest` is that of the main package, `own` are the fields that differ. */
function stageExecutables({ name, version, license, author, repository, engines }, own, about, names) {
  const folder = path.join(staging, 'npm', own.name);
  fs.mkdirSync(folder, { recursive: true });
  writeManifest(folder, {
    ...{ version, license, author, repository, engines },
    ...own,
    name: `@${name}/${own.name}`,
    description: about,
    files: names,
    // A container engine mounts the folder, and the system starts the file: it may not stay in an archive, as Yarn would have it.
    preferUnplugged: true,
  });
  const project = `[${name}](https://www.npmjs.com/package/${name})`;
  fs.writeFileSync(path.join(folder, 'README.md'), `# \`@${name}/${own.name}\`\n\n${about.replace(name, project)}.\n`);
  for (const file of names) {
    const copy = path.join(folder, file);
    fs.copyFileSync(executable(file), copy);
    fs.chmodSync(copy, 0o755);
  }
  return folder;
}

/** The packages of the executables that reach a remote cache, and the one that brings that of the platform. */
function stageRemoteCache(manifest) {
  const { name, version } = manifest;
  const platforms = packed.filter(reachesRemoteCache).map((file) => {
    const [os, cpu] = EXECUTABLES[file].split('-');
    const own = { name: `remote-cache-${os}-${cpu}`, os: [os], cpu: [cpu] };
    stageExecutables(manifest, own, `Reaches a remote cache of ${name} from ${os}-${cpu}`, [file]);
    return own.name;
  });
  const optionalDependencies = Object.fromEntries(platforms.map((platform) => [`@${name}/${platform}`, version]));
  stageExecutables(manifest, { name: 'remote-cache', optionalDependencies }, `The remote cache of ${name}`, []);
}

/** The packages of all platforms, and the main package, which names them. */
function stage() {
  for (const name of COMMON_FILES) {
    fs.cpSync(path.join(root, name), path.join(staging, name), { recursive: true });
  }
  // What only a checkout needs.
  const { scripts, devDependencies, workspaces, ...manifest } = readManifest(root);
  const about = `The executables of ${manifest.name} that build in containers`;
  const container = stageExecutables(manifest, { name: 'container' }, about, CONTAINER_EXECUTABLES);
  const dependencies = { [readManifest(container).name]: manifest.version };
  writeManifest(staging, { ...manifest, dependencies });
  stageRemoteCache(manifest);
  napi('create-npm-dirs');
  napi('artifacts', '--output-dir', ADD_ONS_FOLDER);
  // napi copies them into the main package too.
  for (const addOn of ALL_ADD_ONS) {
    fs.rmSync(path.join(staging, path.basename(addOn)));
  }
  napi('pre-publish', '--skip-optional-publish');
}

/** Packs a staged package. */
function pack(folder) {
  fs.copyFileSync(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'));
  run('npm', ['pack', '--silent', '--pack-destination', tarballs], { cwd: folder });
}

/** Shows what a user has to download. Throws if it is more than the limit. */
function checkSize(user, files, limit) {
  const shown = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  const sizes = files.map((file) => [path.basename(file), fs.statSync(file).size]);
  const whole = sizes.reduce((sum, [, size]) => sum + size, 0);
  console.log(`${user}: ${shown(whole)} (${sizes.map(([name, size]) => `${name} ${shown(size)}`).join(', ')})`);
  if (whole > limit) {
    throw new Error(`${user}: ${shown(whole)} to download, and ${shown(limit)} are allowed`);
  }
}

/** Shows what a user of each platform has to download, from npm and from PyPI. */
function checkSizes() {
  const files = (folder, end) =>
    fs
      .readdirSync(folder)
      .filter((name) => name.endsWith(end))
      .map((name) => path.join(folder, name));
  const has = (part) => (file) => path.basename(file).includes(part);
  const all = files(tarballs, '.tgz');
  const remote = all.filter(has('-remote-cache-'));
  const bindings = all.filter(has('-binding-'));
  const common = all.filter((file) => !remote.includes(file) && !bindings.includes(file));
  for (const binding of bindings) {
    checkSize('npm', [binding, ...common], LIMITS.npm);
  }
  for (const one of remote) {
    checkSize('npm, for a remote cache', [one], LIMITS.remoteCache);
  }
  checkSize('pip', files(path.join(root, 'dist/python'), '.whl'), LIMITS.pip);
}

stage();
const folders = fs.readdirSync(path.join(staging, 'npm')).map((name) => path.join(staging, 'npm', name));
for (const folder of [...folders, staging]) {
  pack(folder);
}
buildWheel({ addOns: ALL_ADD_ONS });
checkSizes();
if (absent.length > 0) {
  console.log(`Not for publishing: this machine cannot build ${absent.join(', ')}, so the packages are without.`);
}
