// The constructs against the real CDK. Nothing here installs a package: a stand-in for Docker only pretends to build. The
// bundles themselves are tested end to end elsewhere.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { AssetStaging, DockerImage } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { PythonLambdaCode, PythonLambdaFunction, UvBundler } from '../index.js';
import { containerEngine, noEngine } from './support/container-engine.mjs';
import { assertRefused } from './support/errors.mjs';
import { temporaryFolder } from './support/files.mjs';
import { NO_BUNDLING, newStack } from './support/stacks.mjs';
import { codeKeys, runApp } from './support/synth.mjs';
import { workspace } from './support/workspaces.mjs';

/** A test whose stand-in for Docker is a script, which Windows does not start. */
const containerTest = (name, body) => test(name, { skip: noEngine }, body);

const stackWithoutBundling = (t) => newStack(t, { context: NO_BUNDLING });

describe('the template', () => {
  test('has the function as its props say, with the defaults of the contract', (t) => {
    const stack = stackWithoutBundling(t);
    const props = { path: workspace(t), packageName: 'one', handler: 'one.handler' };
    new PythonLambdaFunction(stack, 'Default', { ...props, description: 'default' });
    const pinned = workspace(t);
    fs.writeFileSync(path.join(pinned, '.python-version'), '3.12\n');
    new PythonLambdaFunction(stack, 'Pinned', { ...props, path: pinned, description: 'pinned' });
    new PythonLambdaFunction(stack, 'Chosen', {
      ...props,
      description: 'chosen',
      runtime: lambda.Runtime.PYTHON_3_12,
      architecture: lambda.Architecture.ARM_64,
      memorySize: 512,
      environment: { STAGE: 'test' },
    });
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Description: 'default',
      Handler: 'one.handler',
      Runtime: 'python3.13',
      Architectures: ['x86_64'],
    });
    template.hasResourceProperties('AWS::Lambda::Function', { Description: 'pinned', Runtime: 'python3.12' });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Description: 'chosen',
      Runtime: 'python3.12',
      Architectures: ['arm64'],
      MemorySize: 512,
      Environment: { Variables: { STAGE: 'test' } },
    });
  });

  test('has the code of PythonLambdaCode in any construct that takes code', (t) => {
    const stack = stackWithoutBundling(t);
    new lambda.Function(stack, 'Plain', {
      handler: 'two.handler',
      runtime: lambda.Runtime.PYTHON_3_13,
      code: PythonLambdaCode.fromProject({ path: workspace(t), packageName: 'two' }),
    });
    Template.fromStack(stack).hasResourceProperties('AWS::Lambda::Function', {
      Code: { S3Key: Match.stringLikeRegexp('\\.zip$') },
    });
  });
});

describe('without bundling', () => {
  containerTest('nothing is built, pulled or said, and the template is whole', (t) => {
    const engine = containerEngine(t);
    const folder = workspace(t);
    const one = (docker) =>
      `{ path: ${JSON.stringify(folder)}, packageName: 'one', handler: 'one.handler', bundling: { docker: '${docker}' } }`;
    const { status, stdout, stderr, assets, template } = runApp(t, {
      functions: `{ Fallback: ${one('fallback')}, Always: ${one('always')}, Never: ${one('never')} }`,
      context: NO_BUNDLING,
      env: { CDK_DOCKER: engine.program },
      synthesise: true,
    });
    assert.equal(status, 0, stderr);
    assert.equal(stdout + stderr, '');
    assert.equal(codeKeys(template).length, 3);
    assert.deepEqual(assets, []);
    assert.deepEqual(engine.calls(), []);
  });

  test('a wrong project is still an error', (t) => {
    const bundling = { docker: 'never' };
    const props = { path: temporaryFolder(t), packageName: 'one', handler: 'one.handler', bundling };
    assert.throws(() => new PythonLambdaFunction(stackWithoutBundling(t), 'Fn', props), { code: 'NO_LOCKFILE' });
  });
});

describe('one workspace, several functions', () => {
  const builds = (t, functions) => {
    const engine = containerEngine(t);
    const { status, stderr, stdout, assets } = runApp(t, { functions, env: { CDK_DOCKER: engine.program } });
    assert.equal(status, 0, stderr);
    assert.equal(stdout, '');
    return { calls: engine.calls(), assets };
  };

  containerTest('two packages are built, however alike their Docker options are', (t) => {
    const folder = JSON.stringify(workspace(t));
    const bundling = `bundling: { docker: 'always', network: 'none' }`;
    const { calls } = builds(
      t,
      `{
        One: { path: ${folder}, packageName: 'one', handler: 'index.handler', ${bundling} },
        Two: { path: ${folder}, packageName: 'two', handler: 'index.handler', ${bundling} },
      }`,
    );
    assert.equal(calls.length, 2);
  });

  containerTest('two packages named by their folders are built', (t) => {
    const folder = workspace(t);
    const member = (name) => JSON.stringify(path.join(folder, 'packages', name));
    const { calls } = builds(
      t,
      `{
        One: { path: ${member('one')}, handler: 'index.handler', bundling: { docker: 'always' } },
        Two: { path: ${member('two')}, handler: 'index.handler', bundling: { docker: 'always' } },
      }`,
    );
    assert.equal(calls.length, 2);
  });

  containerTest('what differs only in a setting of the container is built for each', (t) => {
    const folder = JSON.stringify(workspace(t));
    const one = (environment) =>
      `{ path: ${folder}, packageName: 'one', handler: 'one.handler', bundling: { docker: 'always', environment: ${environment} } }`;
    const { calls, assets } = builds(
      t,
      `{ A: ${one('{ MODE: "a" }')}, B: ${one('{ MODE: "b" }')}, AgainA: ${one('{ MODE: "a" }')} }`,
    );
    assert.equal(calls.length, 2);
    assert.equal(assets.length, 2);
  });

  containerTest('what is the same twice is built once', (t) => {
    const one = `{ path: ${JSON.stringify(workspace(t))}, packageName: 'one', handler: 'one.handler', bundling: { docker: 'always' } }`;
    const { calls, assets } = builds(t, `{ A: ${one}, B: ${one} }`);
    assert.equal(calls.length, 1);
    assert.equal(assets.length, 1);
  });
});

describe('where this machine has no uv', () => {
  const props = (folder, bundling) =>
    `{ Fn: { path: ${JSON.stringify(folder)}, packageName: 'one', handler: 'one.handler', bundling: ${bundling} } }`;

  containerTest('a container stands in, after one line that says why', (t) => {
    const engine = containerEngine(t);
    const folder = workspace(t);
    const { status, stdout, stderr } = runApp(t, {
      functions: props(folder, '{}'),
      env: { CDK_DOCKER: engine.program },
    });
    assert.equal(status, 0, stderr);
    assert.equal(stdout, '');
    const [bundling, reason, container, ...rest] = stderr.trim().split('\n');
    assert.match(bundling, /^Bundling asset Stack\/Fn\//);
    assert.match(reason, /^uv-lambda-cdk: one: .*`uv`.*; falling back to Docker$/);
    assert.equal(container, 'the container engine runs');
    assert.deepEqual(rest, []);

    const [call] = engine.calls();
    assert.ok(call.includes(`${folder}:/asset-input:delegated`), call.join(' '));
    assert.deepEqual(call.slice(call.indexOf('--platform'), call.indexOf('--platform') + 2), [
      '--platform',
      'linux/amd64',
    ]);
  });

  containerTest('the last words are the reason, and what to do, where there is no Docker either', (t) => {
    const { status, stdout, stderr } = runApp(t, {
      functions: props(workspace(t), '{}'),
      env: { CDK_DOCKER: '/no/such/docker' },
    });
    assert.notEqual(status, 0);
    assert.equal(stdout, '');
    // Node quotes a line of CDK's source above the message: that line does not count.
    const error = stderr.split('\n').find((line) => line.includes('Failed to bundle asset Stack/Fn'));
    assert.match(
      error,
      /DOCKER_NOT_FOUND: `uv` is not on PATH: install it .* There is no container to build in either: `\/no\/such\/docker` is not on PATH; install Docker/,
    );
    assert.ok(!stderr.includes('ENOENT'), stderr);
  });

  containerTest('`never` makes the reason the error', (t) => {
    const engine = containerEngine(t);
    const { status, stdout, stderr } = runApp(t, {
      functions: props(workspace(t), `{ docker: 'never' }`),
      env: { CDK_DOCKER: engine.program },
    });
    assert.notEqual(status, 0);
    assert.equal(stdout, '');
    assert.match(stderr, /Failed to bundle asset Stack\/Fn\/.*`uv`/);
    assert.doesNotMatch(stderr, /falling back/);
    assert.deepEqual(engine.calls(), []);
  });

  containerTest('`always` does not even try', (t) => {
    const engine = containerEngine(t);
    const { status, stderr } = runApp(t, {
      functions: props(workspace(t), `{ docker: 'always' }`),
      env: { CDK_DOCKER: engine.program },
    });
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stderr, /uv-lambda-cdk/);
    assert.equal(engine.calls().length, 1);
  });

  containerTest('UvBundler itself returns false, or throws with the code', (t) => {
    const options = { path: workspace(t), packageName: 'one', runtime: 'python3.13', architecture: 'arm64' };
    const { PATH } = process.env;
    t.after(() => (process.env.PATH = PATH));
    process.env.PATH = temporaryFolder(t);
    assert.throws(() => new UvBundler(options, { docker: 'never' }).tryBundle(temporaryFolder(t)), {
      code: 'UV_NOT_FOUND',
    });
    const output = temporaryFolder(t);
    assert.equal(new UvBundler(options).tryBundle(output), false);
    assert.deepEqual(fs.readdirSync(output), []);
  });
});

describe('the container', () => {
  const run = (t, bundling) => {
    const engine = containerEngine(t);
    const folder = workspace(t);
    const functions = `{ Fn: { path: ${JSON.stringify(folder)}, packageName: 'one', handler: 'one.handler',
      architecture: lambda.Architecture.ARM_64, bundling: { docker: 'always', ...${bundling} } } }`;
    const { status, stderr } = runApp(t, { functions, env: { CDK_DOCKER: engine.program } });
    assert.equal(status, 0, stderr);
    return engine;
  };

  containerTest('is for the CPU of the function, with the image of its runtime', (t) => {
    const engine = run(t, '{}');
    const build = engine.builds()[0].join(' ');
    assert.ok(build.includes('--platform linux/arm64'), build);
    assert.ok(build.includes('--build-arg BASE=public.ecr.aws/sam/build-python3.13:latest-arm64'), build);
    const ran = engine.calls()[0].join(' ');
    assert.ok(ran.includes('--platform linux/arm64'), ran);
    assert.match(ran, /--env HOME=\/tmp .*cdk-[0-9a-f]+ \/uv-lambda-cdk\/bin\/uv-lambda-cdk-arm64 bundle --options \{/);
  });

  containerTest('takes the settings of the app over the plan, and adds its volumes to the workspace', (t) => {
    const [call] = run(
      t,
      `{
        image: DockerImage.fromRegistry('example.com/mine:1'),
        entrypoint: ['/entry'],
        command: ['build', 'it'],
        environment: { UV_INDEX_PASSWORD: 'hunter2' },
        volumes: [{ hostPath: '/host', containerPath: '/container' }],
        volumesFrom: ['other'],
        network: 'none',
        user: '1:2',
        workingDirectory: '/work',
        securityOpt: 'no-new-privileges',
        platform: 'linux/riscv64',
      }`,
    ).calls();
    const text = call.join(' ');
    for (const expected of [
      '--entrypoint /entry',
      'example.com/mine:1 build it',
      '--env UV_INDEX_PASSWORD=hunter2',
      '-v /host:/container:delegated',
      ':/asset-input:delegated',
      ':/asset-output:delegated',
      '--volumes-from other',
      '--network none',
      '-u 1:2',
      '-w /work',
      '--security-opt no-new-privileges',
      '--platform linux/riscv64',
    ]) {
      assert.ok(text.includes(expected), `${expected}: ${text}`);
    }
  });

  containerTest('keeps its network and its user where files are copied to a daemon elsewhere', (t) => {
    const calls = run(
      t,
      `{ bundlingFileAccess: BundlingFileAccess.VOLUME_COPY, network: 'host', user: '7:8', image: DockerImage.fromRegistry('mine') }`,
    ).calls();
    const build = calls.find((call) => call.includes('mine'));
    assert.ok(build.join(' ').includes('--network host'), build.join(' '));
    assert.ok(build.join(' ').includes('-u 7:8'), build.join(' '));
    assert.ok(build.includes('--volumes-from'), build.join(' '));
    // The executable is in the copy of the workspace.
    const copied = calls.find((call) => call[0] === 'cp' && call[2].endsWith(':/asset-input/.uv-lambda-cdk'));
    assert.ok(copied?.[1].endsWith('container/uv-lambda-cdk-arm64'), JSON.stringify(calls));
    assert.ok(build.includes('/asset-input/.uv-lambda-cdk'), build.join(' '));
    assert.ok(
      calls.some((call) => call.join(' ').includes('chown -R 7:8')),
      JSON.stringify(calls),
    );
  });
});

describe('what CDK sees of the options', () => {
  /** An object as CDK normalises it for its cache. */
  const copied = (value) =>
    typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(
          Object.keys(value)
            .sort()
            .map((key) => [key, copied(value[key])]),
        )
      : value;

  const bundlingOf = (folder, bundling = {}) =>
    PythonLambdaCode.fromProject({ path: folder, packageName: 'one', bundling }).options.bundling;

  test('is a digest, and one field', (t) => {
    const options = { path: workspace(t), packageName: 'one', runtime: 'python3.13', architecture: 'arm64' };
    const bundler = new UvBundler(options);
    assert.deepEqual(Object.keys(bundler), ['digest']);
    assert.match(bundler.digest, /^[0-9a-f]{64}$/);
    assert.equal(JSON.stringify(bundler), JSON.stringify({ digest: bundler.digest }));
    assert.notEqual(bundler.digest, new UvBundler({ ...options, packageName: 'two' }).digest);
    assert.notEqual(bundler.digest, new UvBundler({ ...options, architecture: 'x86_64' }).digest);
    assert.equal(bundler.digest, new UvBundler({ ...options, path: workspace(t) }).digest);
  });

  test('holds no path and no secret', (t) => {
    const folder = workspace(t);
    const bundling = bundlingOf(folder, {
      uv: '/somewhere/uv',
      python: '/somewhere/python',
      environment: { UV_INDEX_PASSWORD: 'hunter2' },
      volumes: [{ hostPath: '/somewhere/cache', containerPath: '/cache' }],
    });
    for (const text of [JSON.stringify(bundling), JSON.stringify(copied(bundling))]) {
      assert.doesNotMatch(text, /hunter2|somewhere|null/);
      assert.ok(!text.includes(folder) && !text.includes(JSON.stringify(folder).slice(1, -1)), text);
    }
  });

  test('makes the same asset of the same assetHash, wherever the project is and whatever the secret', (t) => {
    const key = (environment) => {
      const stack = stackWithoutBundling(t);
      const bundling = { assetHash: 'mine', environment };
      new PythonLambdaFunction(stack, 'Fn', {
        path: workspace(t),
        packageName: 'one',
        handler: 'one.handler',
        bundling,
      });
      return codeKeys(Template.fromStack(stack).toJSON());
    };
    assert.deepEqual(key({ PASSWORD: 'one' }), key({ PASSWORD: 'two' }));
  });

  test('is asked for by the hash of the zip, unless the app has a hash of its own', (t) => {
    const folder = workspace(t);
    const options = (bundling) => PythonLambdaCode.fromProject({ path: folder, packageName: 'one', bundling }).options;
    assert.equal(options({}).assetHashType, 'output');
    assert.equal(options({ assetHash: 'mine' }).assetHashType, 'custom');
    assert.equal(options({ assetHash: 'mine' }).assetHash, 'mine');
  });

  test("is the app's own image by its own name", (t) => {
    const bundling = bundlingOf(workspace(t), { image: DockerImage.fromRegistry('example.com/mine:1') });
    assert.ok(bundling.image instanceof DockerImage);
    assert.equal(bundling.image.image, 'example.com/mine:1');
  });
});

describe('path', () => {
  containerTest('is by default the workspace around the working directory of the app', (t) => {
    const engine = containerEngine(t);
    const folder = workspace(t);
    const cwd = path.join(folder, 'infrastructure', 'bin');
    fs.mkdirSync(cwd, { recursive: true });
    const functions = `{ Fn: { packageName: 'one', handler: 'one.handler', bundling: { docker: 'always' } } }`;
    const { status, stderr } = runApp(t, { functions, cwd, env: { CDK_DOCKER: engine.program } });
    assert.equal(status, 0, stderr);
    assert.ok(engine.calls()[0].includes(`${folder}:${AssetStaging.BUNDLING_INPUT_DIR}:delegated`));
  });

  containerTest('counts from the working directory of the app where it is relative', (t) => {
    const engine = containerEngine(t);
    const folder = workspace(t);
    const functions = `{ Fn: { path: 'workspace/packages', packageName: 'one', handler: 'one.handler', bundling: { docker: 'always' } } }`;
    const { status, stderr } = runApp(t, { functions, cwd: path.dirname(folder), env: { CDK_DOCKER: engine.program } });
    assert.equal(status, 0, stderr);
    assert.ok(engine.calls()[0].includes(`${folder}:${AssetStaging.BUNDLING_INPUT_DIR}:delegated`));
  });
});

describe('bad input', () => {
  const refused = (t, props, expected) => {
    const good = { path: workspace(t), packageName: 'one', handler: 'one.handler' };
    const make = () => new PythonLambdaFunction(stackWithoutBundling(t), 'Fn', { ...good, ...props });
    assertRefused(make, expected.code, expected.message);
  };

  test('a path that does not exist', (t) => {
    refused(t, { path: path.join(temporaryFolder(t), 'missing') }, { code: 'PATH_NOT_FOUND', message: /missing`/ });
  });

  test('a path that is a file', (t) => {
    const file = path.join(workspace(t), 'uv.lock');
    refused(t, { path: file }, { code: 'PATH_NOT_A_FOLDER', message: /uv\.lock`/ });
  });

  test('a path without a lockfile above it', (t) => {
    refused(t, { path: temporaryFolder(t) }, { code: 'NO_LOCKFILE', message: /`uv\.lock`/ });
  });

  test('a runtime that is no Python', (t) => {
    refused(t, { runtime: lambda.Runtime.NODEJS_20_X }, { code: 'UNKNOWN_RUNTIME', message: /`nodejs20\.x`/ });
  });

  test('a Python that Lambda does not have', (t) => {
    const runtime = new lambda.Runtime('python3.99', lambda.RuntimeFamily.PYTHON);
    refused(t, { runtime }, { code: 'UNKNOWN_RUNTIME', message: /`python3\.99`/ });
  });

  test('a misspelt option of the bundling', (t) => {
    refused(t, { bundling: { pyhton: '3.13.5' } }, { code: 'INVALID_OPTIONS', message: /`pyhton`.*`python`/ });
  });

  test('an option of the bundling with a wrong type', (t) => {
    refused(t, { bundling: { python: 3.13 } }, { code: 'INVALID_OPTIONS', message: /`python`/ });
  });

  test('a Docker mode that does not exist', (t) => {
    refused(t, { bundling: { docker: 'sometimes' } }, { code: 'INVALID_OPTIONS', message: /`sometimes`.*`fallback`/ });
  });
});
