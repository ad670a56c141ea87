// Compares the packages that bundles reach in a lock with those of `uv export`, for every runtime and CPU.

import * as path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { PYTHON, ensureUv, root, run } from './tools.mjs';

/** The environments in which the reach is compared. */
const ENVIRONMENTS = ['3.9', '3.10', '3.11', '3.12', '3.13', '3.14', '3.15'].flatMap((version) =>
  ['x86_64', 'arm64'].map((architecture) => ({ version, architecture, python: `${version}.1` })),
);

/** The values of markers in an environment, by their names in PEP 508. */
const markersOf = ({ version, architecture, python }) => ({
  implementation_name: 'cpython',
  implementation_version: python,
  os_name: 'posix',
  platform_machine: architecture === 'arm64' ? 'aarch64' : 'x86_64',
  platform_python_implementation: 'CPython',
  platform_release: '',
  platform_system: 'Linux',
  platform_version: '',
  python_full_version: python,
  python_version: version,
  sys_platform: 'linux',
});

/** What a program answers to questions, one line of JSON each. */
function answers(program, args, questions) {
  const input = questions.map((question) => `${JSON.stringify(question)}\n`).join('');
  const output = run(program, args, { input, stdio: 'pipe', maxBuffer: 2 ** 30, cwd: root });
  return output.trimEnd().split('\n').map(JSON.parse);
}

/**
 * The `pylock.toml` that uv exports for a choice. The newest uv exports the locks of older ones too: the export of uv 0.8.0 itself lacks
 * the marker of an extra that one dependency activates only where a marker holds, and another not at all.
 */
function exported({ folder, member, extras = [], groups = [] }) {
  const chosen = [...extras.map((extra) => `--extra=${extra}`), ...groups.map((group) => `--group=${group}`)];
  const flags = ['--frozen', '--quiet', '--no-default-groups', '--format', 'pylock.toml', '--package', member];
  return run(ensureUv(), ['export', ...flags, ...chosen], { cwd: folder });
}

/** The program that says what the core reaches. `cargo test` has built it. */
const reachedBy = (questions) => {
  run('cargo', ['build', '--quiet', '--example', 'reached'], { cwd: root });
  return answers(path.join(root, 'target/debug/examples/reached'), [], questions);
};

/**
 * Compares choices of packages for every runtime and CPU. Returns how many bundles were compared, the differences as sentences, and a
 * function that says the packages of one of the choices for a runtime and a CPU.
 *
 * @param choices objects of a locked project (`folder`), a `member`, and its `extras` and `groups`
 */
export function compareReach(choices) {
  const expected = answers(
    PYTHON,
    [path.join(root, '__test__/support/exported.py')],
    choices.map((choice) => [exported(choice), ENVIRONMENTS.map(markersOf)]),
  );
  const reached = reachedBy(
    choices.flatMap(({ folder: project, member, extras = [], groups = [] }) =>
      ENVIRONMENTS.map(({ version, architecture, python }) => ({
        ...{ project, member, extras, groups, architecture, python },
        runtime: `python${version}`,
      })),
    ),
  );
  const differences = choices.flatMap(({ folder, member, extras = [], groups = [] }, index) =>
    ENVIRONMENTS.flatMap(({ version, architecture }, place) => {
      const [ours, uvs] = [reached[index * ENVIRONMENTS.length + place], expected[index][place]];
      const missing = uvs.filter((name) => !ours.includes(name));
      const surplus = ours.filter((name) => !uvs.includes(name));
      const bundle = `${member} [${extras}] [${groups}] of ${folder} for python${version} on ${architecture}`;
      return missing.length + surplus.length === 0 ? [] : [`${bundle}: lacks [${missing}], has [${surplus}] too much`];
    }),
  );
  const reachedFor = ({ version, architecture, ...choice }) => {
    const index = choices.findIndex((other) => isDeepStrictEqual(other, choice));
    const place = ENVIRONMENTS.findIndex((one) => one.version === version && one.architecture === architecture);
    return reached[index * ENVIRONMENTS.length + place];
  };
  return { compared: reached.length, differences, reached: reachedFor };
}
