// Random uv workspaces over an index of random wheels. The same seed gives the same workspace.

import * as path from 'node:path';
import { temporaryFolder, writeAll } from './files.mjs';
import { interpreter, uv } from './toolchain.mjs';
import { writeWheel } from './wheels.mjs';
import { lock } from './workspaces.mjs';

/** A source of random choices (mulberry32). */
function randomFrom(seed) {
  let state = seed;
  const number = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit) => Math.floor(number() * limit);
  const one = (list) => list[below(list.length)];
  return {
    below,
    one,
    happens: (share) => number() < share,
    some: (list, most) =>
      list.length === 0 ? [] : [...new Set(Array.from({ length: below(most + 1) }, () => one(list)))],
  };
}

const MARKERS = [
  "sys_platform == 'linux'",
  "sys_platform == 'win32'",
  "platform_machine == 'aarch64'",
  "platform_machine == 'x86_64' or sys_platform == 'darwin'",
  "python_full_version < '3.11'",
  "python_version >= '3.12' and platform_machine != 'arm64'",
  "python_full_version >= '3.12.1' and python_full_version < '3.14'",
  "implementation_name == 'pypy'",
  "os_name != 'nt' and platform_system == 'Linux'",
];

const WHEELS = Array.from({ length: 14 }, (_, number) => `wheel-${number}`);
/** The wheel of which a lock may have both versions. */
const SPLIT = WHEELS[0];

/** The extras of each wheel, and those of each member. */
const EXTRAS = ['fast', 'full'];
const MEMBER_EXTRAS = ['one', 'two'];
const VERSIONS = ['1.0', '2.0'];

/** A requirement: a name, perhaps with an extra, a version and a marker. */
function requirement(random, name, { extras = [], versions = {} } = {}) {
  const extra = extras.length > 0 && random.happens(0.3) ? `[${random.one(extras)}]` : '';
  const version = versions[name] && random.happens(0.2) ? `==${versions[name]}` : '';
  const marker = random.happens(0.4) ? `; ${random.one(MARKERS)}` : '';
  return `${name}${extra}${version}${marker}`;
}

/** Writes the wheels: each needs some of the wheels with higher numbers, and now and then a lower one, which makes a circle. */
function writeIndex(folder, seed) {
  const random = randomFrom(seed);
  WHEELS.forEach((name, number) => {
    for (const version of VERSIONS) {
      const others = WHEELS.slice(number + 1).concat(random.happens(0.2) ? WHEELS.slice(0, number) : []);
      const requires = random.some(others, 3).map((other) => requirement(random, other, { extras: EXTRAS }));
      for (const extra of EXTRAS) {
        for (const other of random.some(others, 1)) {
          const [needed, marker] = requirement(random, other).split('; ');
          requires.push(`${needed}; ${marker === undefined ? '' : `(${marker}) and `}extra == '${extra}'`);
        }
      }
      const metadata = EXTRAS.map((extra) => `Provides-Extra: ${extra}`);
      writeWheel(folder, name, { [`${name.replace('-', '_')}.py`]: '' }, { version, metadata, requires });
    }
  });
}

/** A list of requirements as TOML. An object stands for itself: an included group. */
const list = (items) =>
  `[${items.map((item) => (typeof item === 'string' ? JSON.stringify(item) : `{ include-group = "${item.include}" }`)).join(', ')}]`;
const table = (name, lists) =>
  [`[${name}]`, ...Object.entries(lists).map(([key, items]) => `${key} = ${list(items)}`), ''].join('\n');

/** The extra `one` of each member excludes the extra `two` of each. */
const conflictsOf = (names) => {
  const pairs = names.flatMap((one) => names.map((two) => [one, two]));
  const sets = pairs.map(
    ([one, two]) => `[{ package = "${one}", extra = "one" }, { package = "${two}", extra = "two" }]`,
  );
  return `conflicts = [${sets.join(', ')}]`;
};

/** The manifest of a member that may need its siblings. With `conflicts`, its extras exclude each other. */
function memberManifest(random, name, siblings, { conflicts, versions }) {
  const needs = (most) =>
    random.some(WHEELS, most).map((wheel) => requirement(random, wheel, { extras: EXTRAS, versions }));
  const others = random.some(siblings, 2);
  const ofOthers = others.map((other) => requirement(random, other, { extras: conflicts ? [] : MEMBER_EXTRAS }));
  const extras = conflicts
    ? { one: [...needs(2), `${SPLIT}==1.0`], two: [...needs(1), `${SPLIT}==2.0`] }
    : { one: needs(2), two: needs(1), all: [`${name}[one,two]`] };
  const split = [`${SPLIT}==1.0; python_full_version < '3.12'`, `${SPLIT}==2.0; python_full_version >= '3.12'`];
  return [
    `[project]\nname = "${name}"\nversion = "1.0"\nrequires-python = ">=3.${9 + random.below(3)}"`,
    `dependencies = ${list([...needs(4), ...ofOthers, ...(!conflicts && random.happens(0.3) ? split : [])])}\n`,
    table('project.optional-dependencies', extras),
    table('dependency-groups', { dev: needs(2), base: needs(2), production: [...needs(1), { include: 'base' }] }),
    `[tool.uv.sources]\n${others.map((other) => `${other} = { workspace = true }\n`).join('')}`,
    random.happens(0.6) ? '[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n' : '',
  ].join('\n');
}

/**
 * Writes a workspace of random members, and returns the choices of packages that it offers: a member, extras and groups.
 *
 * @param index the folder of `writeIndex`
 */
function writeWorkspace(folder, seed, index) {
  const random = randomFrom(seed);
  const names = ['app', 'library', 'worker', 'tools'].slice(0, 2 + random.below(3));
  const conflicts = random.happens(0.4);
  // One version of each wheel, so that the members agree. Several versions of one wheel get into the lock by other ways.
  const versions = Object.fromEntries(
    WHEELS.filter((name) => name !== SPLIT).map((name) => [name, random.one(VERSIONS)]),
  );
  names.forEach((name, number) => {
    const siblings = names.slice(number + 1).concat(random.happens(0.2) ? names.slice(0, number) : []);
    writeAll(path.join(folder, 'packages', name), {
      'pyproject.toml': memberManifest(random, name, siblings, { conflicts, versions }),
      [`src/${name}/__init__.py`]: '',
    });
  });
  const [overridden, constrained] = [random.one(WHEELS.slice(1)), random.one(WHEELS.slice(1))];
  writeAll(folder, {
    'pyproject.toml': [
      '[tool.uv]',
      conflicts ? conflictsOf(names) : '',
      random.happens(0.3) ? `override-dependencies = ["${overridden}==${random.one(VERSIONS)}"]` : '',
      random.happens(0.3) ? `constraint-dependencies = ["${constrained}<=${versions[constrained]}"]` : '',
      '[tool.uv.workspace]\nmembers = ["packages/*"]',
      `[[tool.uv.index]]\nname = "wheels"\nurl = ${JSON.stringify(index)}\nformat = "flat"\ndefault = true\n`,
    ].join('\n'),
  });
  const extras = random.one(conflicts ? [['one'], ['two']] : [['one'], ['one', 'two'], ['all']]);
  const groups = random.one([[], ['production'], ['dev', 'base']]);
  return names.flatMap((member) => [{ member }, { member, extras, groups }]);
}

/** Locks the random workspaces of some seeds, and returns all their choices of packages, for `compareReach`. */
export function randomChoices(test, { from, to }) {
  const seeds = Array.from({ length: to - from + 1 }, (_, number) => from + number);
  return seeds.flatMap((seed) => {
    const folder = temporaryFolder(test);
    const index = path.join(folder, 'wheels');
    const workspace = path.join(folder, 'workspace');
    writeIndex(index, seed);
    const choices = writeWorkspace(workspace, seed, index);
    lock(workspace, { uv, python: interpreter, env: { UV_OFFLINE: '1' } });
    return choices.map((choice) => ({ folder: workspace, ...choice }));
  });
}
