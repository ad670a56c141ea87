// Packs a release from what is built, into `dist/npm` and `dist/python`:
//
// - `uv-lambda-cdk`: everything that is the same on all platforms;
// - `@uv-lambda-cdk/binding-<platform>`: the add-on of a platform. npm installs the one that fits. Those of macOS and Windows also have
//   the executable that reaches a remote cache;
// - `@uv-lambda-cdk/container`: the executables for Linux, which build in containers: a machine of any platform may start one;
// - the wheel: all of it, since the kernel of jsii runs no npm.
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
import { EXECUTABLES, executableRecipe } from '../native/add-ons.mjs';
import { ADD_ONS_FOLDER } from '../native/inspect-add-ons.mjs';
import { ALL_ADD_ONS, COMMON_FILES, executable, wrongArtefacts } from './artefacts.mjs';

const isComplete = process.argv.includes('--complete');
const isBuiltHere = (name) => executableRecipe(name, process.platform) !== undefined;
const executables = Object.keys(EXECUTABLES);
const packed = executables.filter((name) => isComplete || isBuiltHere(name) || fs.existsSync(executable(name)));
const absent = executables.filter((name) => !packed.includes(name));

const wrong = wrongArtefacts(ALL_ADD_ONS, packed.map(executable));
if (wrong.length > 0) {
  console.error(
    `${wrong.join('\n')}\nRun \`npm run build\`, \`npm run build:all\` and \`npm run build:executables -- ${packed.join(' ')}\`.`,
  );
  process.exit(1);
}

/**
 * What a user may have to download, in bytes. Two thirds are executables, of 7 to 11 MB each: npm brings those for containers, and that of
 * macOS or Windows beside them, the wheel has all five.
 */
const LIMITS = { npm: 32e6, pip: 70e6 };

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

/** Whether the executable of this name builds in containers. */
const isForContainers = (name) => EXECUTABLES[name].startsWith('linux');

/** Copies executables into the package in a folder. */
function addExecutables(folder, names) {
  for (const name of names) {
    const copy = path.join(folder, name);
    fs.copyFileSync(executable(name), copy);
    fs.chmodSync(copy, 0o755);
  }
  const { files, ...manifest } = readManifest(folder);
  writeManifest(folder, { ...manifest, files: [...files, ...names] });
}

/** The package of the executables for Linux. It takes the common fields from `manifest`. Returns its folder. */
function stageContainer({ name, version, license, author, repository, engines }) {
  const folder = path.join(staging, 'npm/container');
  fs.mkdirSync(folder, { recursive: true });
  writeManifest(folder, {
    name: `@${name}/container`,
    version,
    description: `The executables of ${name} for Linux, which build in containers and reach a remote cache`,
    ...{ license, author, repository, engines },
    files: [],
    // A container engine mounts the folder, so the files may not stay in an archive, as Yarn would have it.
    preferUnplugged: true,
  });
  fs.writeFileSync(
    path.join(folder, 'README.md'),
    `# \`@${name}/container\`\n\nThe executables of [${name}](https://www.npmjs.com/package/${name}) for Linux. They build in containers, and reach a remote cache.\n`,
  );
  addExecutables(folder, packed.filter(isForContainers));
  return folder;
}

/** The packages of all platforms, and the main package, which names them. */
function stage() {
  for (const name of COMMON_FILES) {
    fs.cpSync(path.join(root, name), path.join(staging, name), { recursive: true });
  }
  // What only a checkout needs.
  const { scripts, devDependencies, workspaces, ...manifest } = readManifest(root);
  const container = stageContainer(manifest);
  const dependencies = { [readManifest(container).name]: manifest.version };
  writeManifest(staging, { ...manifest, dependencies });
  napi('create-npm-dirs');
  for (const name of packed.filter((each) => !isForContainers(each))) {
    addExecutables(path.join(staging, 'npm', EXECUTABLES[name]), [name]);
  }
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
  const [bindings, common] = [true, false].map((isBinding) =>
    files(tarballs, '.tgz').filter((file) => file.includes('-binding-') === isBinding),
  );
  for (const binding of bindings) {
    checkSize('npm', [binding, ...common], LIMITS.npm);
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
