// The handler: its default in the template, and the errors at synth about a handler that Lambda could not call.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { PythonLambdaFunction, bundleSync } from '../index.js';
import { temporaryFolder } from './support/files.mjs';
import { invoke } from './support/invoke.mjs';
import { NO_BUNDLING, functionsOf, newStack, runtimeOf, synthesise } from './support/stacks.mjs';
import { synthesisedFunctions } from './support/synth.mjs';
import { interpreter, options, pythonVersion, runtimeClient, uv } from './support/toolchain.mjs';
import { fixture, workspace } from './support/workspaces.mjs';

describe('the default handler', () => {
  test('is in the template before anything is built', (t) => {
    const folder = workspace(t);
    const lockfile = path.join(folder, 'uv.lock');
    const built = fs.readFileSync(lockfile, 'utf8').replace('virtual = "packages/one"', 'editable = "packages/one"');
    fs.writeFileSync(lockfile, built.replaceAll('"one"', '"the-one"'));
    const stack = newStack(t, { context: NO_BUNDLING });
    new PythonLambdaFunction(stack, 'Built', { path: folder, packageName: 'The_One' });
    new PythonLambdaFunction(stack, 'Copied', { path: path.join(folder, 'packages/two') });
    new PythonLambdaFunction(stack, 'Named', { path: folder, packageName: 'two', handler: 'two.handler' });
    assert.deepEqual(
      functionsOf(stack).map(({ Handler }) => Handler),
      ['the_one.lambda_function.lambda_handler', 'lambda_function.lambda_handler', 'two.handler'],
    );
  });

  test('needs to know the package', (t) => {
    assert.throws(() => new PythonLambdaFunction(newStack(t, { context: NO_BUNDLING }), 'Fn', { path: workspace(t) }), {
      code: 'PACKAGE_REQUIRED',
      message: /name one in the option `packageName` \(`one` and `two`\)/,
    });
  });

  test('is looked for in the zip, and answers there', async (t) => {
    const folder = fixture(t);
    const props = {
      path: folder,
      packageName: 'app',
      runtime: runtimeOf(pythonVersion),
      bundling: { uv, python: interpreter, docker: 'never' },
    };
    assert.throws(() => new PythonLambdaFunction(newStack(t), 'Missing', props), {
      message:
        /the handler `app\.lambda_function\.lambda_handler` needs the module `app\.lambda_function`, which is not/,
    });
    fs.writeFileSync(
      path.join(folder, 'packages/app/src/app/lambda_function.py'),
      'def lambda_handler(event, context):\n    return event["a"]\n',
    );
    const stack = newStack(t);
    new PythonLambdaFunction(stack, 'Found', props);
    const [{ zip, handler }] = synthesisedFunctions(synthesise(stack).outdir);
    assert.equal(handler, 'app.lambda_function.lambda_handler');
    assert.deepEqual(await invoke({ zip, handler, events: [{ a: 7 }], runtimeClient }), [7]);
  });
});

describe('a handler that Lambda could not call', () => {
  /** The messages about a handler, for this source of `app/main.py`. */
  function said(t, handler, source) {
    const folder = fixture(t);
    if (source !== undefined) {
      fs.writeFileSync(path.join(folder, 'packages/app/src/app/main.py'), source);
    }
    try {
      bundleSync(options(folder, { handler }), temporaryFolder(t));
      return 'nothing';
    } catch ({ message }) {
      return message;
    }
  }

  const cases = {
    'a function misspelt': [
      'app.main.handlr',
      undefined,
      'HANDLER_NOT_FOUND: the handler `app.main.handlr` needs `handlr` in `app/main.py`, which does not define it (did you mean `handler`?)',
    ],
    'a function of another name': [
      'app.main.handler',
      'def run(event, context):\n    return 1\n\ndef _help():\n    return 2\n',
      'HANDLER_NOT_FOUND: the handler `app.main.handler` needs `handler` in `app/main.py`, which does not define it: its functions are `run`',
    ],
    'a module without its function': [
      'app.main',
      undefined,
      'HANDLER_NOT_FOUND: the handler `app.main` needs `main` in `app/__init__.py`, which does not define it: it is a module; name a function in it, such as `app.main.lambda_handler`',
    ],
    'a value': [
      'app.main.TIMEOUT',
      'TIMEOUT = 30\n\ndef handler(event, context):\n    return TIMEOUT\n',
      'HANDLER_NOT_CALLABLE: the handler `app.main.TIMEOUT` is a value in `app/main.py`, which Lambda cannot call: name a function, such as `handler`',
    ],
    'a module with a syntax error': [
      'app.main.handler',
      'import json\n\ndef handler(event, context)\n    return 1\n',
      /^HANDLER_DOES_NOT_COMPILE: the handler `app\.main\.handler` is in `app\/main\.py`, which Python 3\.\d+\.\d+ cannot compile: .* \(line 3\)$/,
    ],
  };
  for (const [name, [handler, source, expected]] of Object.entries(cases)) {
    test(name, (t) => {
      if (typeof expected === 'string') {
        assert.equal(said(t, handler, source), expected);
      } else {
        assert.match(said(t, handler, source), expected);
      }
    });
  }

  test('is only refused where that is certain', (t) => {
    const source = 'from library import *\n';
    assert.equal(said(t, 'app.main.anything', source), 'nothing');
  });

  test('is not run', (t) => {
    const file = path.join(temporaryFolder(t), 'it-ran');
    const source = `open(${JSON.stringify(file)}, "w").close()\nraise SystemExit(1)\ndef handler(event, context):\n    pass\n`;
    assert.equal(said(t, 'app.main.handler', source), 'nothing');
    assert.ok(!fs.existsSync(file));
  });

  test('with its module as bytecode alone passes, and answers', async (t) => {
    const folder = fixture(t);
    const hooks = {
      beforeZip: [
        [interpreter, '-m', 'compileall', '-q', '-b', 'app/main.py'],
        ['mv', 'app/main.pyc', 'app/closed.pyc'],
        ['rm', 'app/main.py'],
      ],
    };
    const handler = 'app.closed.handler';
    const { zipPath: zip } = bundleSync(options(folder, { handler, hooks }), temporaryFolder(t));
    const [answer] = await invoke({ zip, handler, events: [{ name: 'Ada' }], runtimeClient });
    assert.equal(answer.greeting, 'Hello, Ada!');
  });
});
