// One workspace, bundled by Node of every platform that runs here, from the packed npm packages: the bytes of a zip, and the
// template of an app, depend neither on the system, nor on the CPU, nor on the C library, nor on the version of Node. Only macOS is missing.
// Longer than `npm test` may take: `npm run release:pack`, then `npm run test:long`.

import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { edit, sha256, temporaryFolder } from './support/files.mjs';
import { bundleElsewhere, startPythonForWine, whyNotForeign } from './support/foreign-node.mjs';
import { interpreter, runtimeName } from './support/toolchain.mjs';
import { INDEX_DAY, fixture, lock } from './support/workspaces.mjs';

/** The Nodes of each platform. PyPI has no Node 20 for musl on arm64, and Node 24 ends when it starts on Wine 8. */
const NODES = {
  'linux-x64-gnu': ['20.20.2', '22.23.5', '24.22.3'],
  'linux-arm64-gnu': ['20.20.2', '22.23.5', '24.22.3'],
  'linux-x64-musl': ['20.18.0', '22.20.0', '24.19.0'],
  'linux-arm64-musl': ['22.20.0', '24.19.0'],
  'win32-x64-msvc': ['20.20.2', '22.23.3'],
};

const ARCHITECTURES = ['x86_64', 'arm64'];

/** Each bundle twice: the second one is the zip that the first one left in the cache. */
const REQUESTS = ARCHITECTURES.flatMap((architecture) =>
  [1, 2].map(() => ({ packageName: 'app', runtime: runtimeName, architecture })),
);

/** The digests of the zips of the first Node, one for each request: those of all others have to equal them. */
let expected;

/** The template of an app that the first Node made, in which CDK names the zips. */
let expectedTemplate;

/** The fixture, locked with a package that has other files for each CPU. It needs wheels, a build by `hatchling`, and the index. */
function workspace(t) {
  const folder = fixture(t);
  edit(path.join(folder, 'packages/app/pyproject.toml'), '"acme-greeting"', '"acme-greeting", "orjson"');
  edit(path.join(folder, 'pyproject.toml'), 'package = false', `package = false\nexclude-newer = "${INDEX_DAY}"`);
  return lock(folder);
}

for (const [platform, versions] of Object.entries(NODES)) {
  describe(platform, { skip: whyNotForeign(platform, versions) ?? false }, () => {
    if (platform.startsWith('win32')) {
      let stop;
      before(async () => (stop = await startPythonForWine(interpreter)));
      after(() => stop?.());
    }

    for (const version of versions) {
      test(`the zips of Node ${version} for ${platform} are those of the first Node`, (t) => {
        const work = temporaryFolder(t);
        // Loading CDK takes most of a minute on an emulated CPU.
        const withApp = version === versions.at(-1);
        const report = bundleElsewhere({
          platform,
          version,
          work,
          workspace: workspace(t),
          requests: REQUESTS,
          withApp,
          interpreter,
        });
        const { node, platform: system, cpu, addOns, bundles } = report;
        assert.deepEqual([node, `${system}-${cpu}`], [`v${version}`, platform.split('-').slice(0, 2).join('-')]);
        assert.deepEqual(
          addOns.map((file) => file.split(/[\\/]/).slice(-3).join('/')),
          [`@uv-lambda-cdk/binding-${platform}/uv-lambda-cdk.${platform}.node`],
        );
        assert.deepEqual(
          bundles.map(({ warnings, reused }) => [warnings, reused]),
          ARCHITECTURES.flatMap(() => [
            [[], false],
            [[], true],
          ]),
        );

        const digests = REQUESTS.map((_, number) => sha256(path.join(work, 'zips', String(number), 'app.zip')));
        assert.deepEqual(
          bundles.map(({ sha256 }) => sha256),
          digests,
        );
        const [intel, intelAgain, arm, armAgain] = digests;
        assert.deepEqual([intelAgain, armAgain], [intel, arm]);
        // Equal ones would not show that the CPU of the bundle was heeded.
        assert.notEqual(intel, arm);
        expected ??= digests;
        assert.deepEqual(digests, expected);
        if (withApp) {
          const template = readFileSync(path.join(work, 'cdk.out/Stack.template.json'), 'utf8');
          expectedTemplate ??= template;
          assert.equal(template, expectedTemplate);
        }
      });
    }
  });
}
