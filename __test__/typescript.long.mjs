// The types of the package for its users: with the compilers and settings that they have, with CDK and without it, and without
// `skipLibCheck`.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { copyPackage, temporaryFolder, write } from './support/files.mjs';
import { ensureNodeProject, root } from './support/tools.mjs';

/** The last compiler in JavaScript, which most projects still have, beside the one of this checkout. */
const OLDER = '5.9.3';

/** The path of the compiler of a version from npm. */
function compiler(version) {
  const folder = path.join(root, '.tools', `typescript-${version}`);
  return path.join(ensureNodeProject(folder, { dependencies: { typescript: version } }), 'typescript/bin/tsc');
}

const WITHOUT_CDK = `
  import { bundle, UvBundler, type Bundle, type BundleOptions, type ErrorCode } from 'uv-lambda-cdk';
  const options: BundleOptions = { path: '.', runtime: 'python3.13', maxSize: { unzipped: '80 MB' } };
  export const built: Promise<Bundle> = bundle(options, 'dist');
  export const { digest } = new UvBundler(options);
  export const code: ErrorCode = 'NO_WHEEL';
  // @ts-expect-error a misspelt option is found
  export const misspelt: BundleOptions = { path: '.', pakageName: 'app' };
`;

const WITH_CDK = `${WITHOUT_CDK}
  import { Stack } from 'aws-cdk-lib';
  import * as lambda from 'aws-cdk-lib/aws-lambda';
  import { PythonLambdaFunction, PythonLambdaLayer } from 'uv-lambda-cdk';
  export class Snippet extends Stack {
    readonly function: lambda.IFunction = new PythonLambdaFunction(this, 'Fn', {
      runtime: lambda.Runtime.PYTHON_3_13,
      layers: [new PythonLambdaLayer(this, 'Layer')],
    });
  }
  // @ts-expect-error an option of another type is found
  export const wrong: ConstructorParameters<typeof PythonLambdaFunction>[2] = { packageName: 1 };
`;

/** A project that has the package installed, and CDK if it is said. */
function project(t, { hasCdk }) {
  const folder = temporaryFolder(t);
  copyPackage(path.join(folder, 'node_modules/uv-lambda-cdk'));
  for (const name of hasCdk ? ['aws-cdk-lib', 'constructs', '@types'] : []) {
    fs.symlinkSync(path.join(root, 'node_modules', name), path.join(folder, 'node_modules', name));
  }
  write(path.join(folder, 'app.ts'), hasCdk ? WITH_CDK : WITHOUT_CDK);
  return folder;
}

const SETTINGS = [
  { module: 'commonjs', moduleResolution: 'node10', version: OLDER },
  { module: 'node16', moduleResolution: 'node16', version: OLDER },
  { module: 'esnext', moduleResolution: 'bundler', version: OLDER },
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'esnext', moduleResolution: 'bundler' },
];

for (const { version, ...modules } of SETTINGS) {
  for (const hasCdk of [true, false]) {
    const name = `TypeScript ${version ?? 'of this checkout'}, ${modules.moduleResolution}, ${hasCdk ? 'with' : 'without'} CDK`;
    test(name, (t) => {
      const folder = project(t, { hasCdk });
      const compilerOptions = {
        ...{ strict: true, noEmit: true, target: 'es2022', skipLibCheck: false, types: hasCdk ? ['node'] : [] },
        ...modules,
      };
      write(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
      const program = version === undefined ? path.join(root, 'node_modules/typescript/bin/tsc') : compiler(version);
      const { status, stdout } = spawnSync(process.execPath, [program, '--project', '.'], {
        cwd: folder,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stdout);
    });
  }
}
