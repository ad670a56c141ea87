// Compiles `construct/` by jsii: JavaScript and declarations beside the sources, and `.jsii`, which the packages of other languages
// are made from.

import * as fs from 'node:fs';
import path from 'node:path';
import { PACKAGE, runJsii } from '../__test__/support/jsii.mjs';
import { ensureNodeProject, root } from '../__test__/support/tools.mjs';

/** Copies files of the checkout into the package. */
export function copyIntoPackage(names) {
  for (const name of names) {
    fs.cpSync(path.join(root, name), path.join(PACKAGE, name), { recursive: true });
  }
}

/** Makes the package, and installs the Node packages that it is compiled with. */
export function ensurePackage() {
  const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const oldest = Object.fromEntries(
    Object.entries(manifest.peerDependencies).map(([name, range]) => [name, range.replace('^', '')]),
  );
  const devDependencies = { ...oldest, '@types/node': manifest.devDependencies['@types/node'] };
  ensureNodeProject(PACKAGE, { ...manifest, devDependencies, scripts: undefined, workspaces: undefined });
}

/** Declarations that also compile in a project without CDK: what needs it is `any` there. */
function withoutCdk(declarations) {
  return declarations.replaceAll(
    /^import .* from '(?:aws-cdk-lib|constructs)(?:\/.*)?';$/gm,
    (statement) => `// @ts-ignore: CDK is an optional peer dependency.\n${statement}`,
  );
}

export function compileConstructs() {
  ensurePackage();
  const constructs = path.join(root, 'construct');
  const compiled = path.join(PACKAGE, 'construct');
  const isSource = (name) => name.endsWith('.ts') && !name.endsWith('.d.ts');
  fs.rmSync(compiled, { recursive: true, force: true });
  copyIntoPackage([
    ...['LICENSE', 'binding.d.ts', 'index.d.ts', 'rosetta', 'tsconfig.build.json'],
    ...fs
      .readdirSync(constructs)
      .filter(isSource)
      .map((name) => `construct/${name}`),
  ]);
  // PyPI shows it.
  fs.copyFileSync(path.join(root, 'docs/python.md'), path.join(PACKAGE, 'README.md'));
  runJsii('jsii', ['--tsconfig', 'tsconfig.build.json', '--validate-tsconfig', 'minimal', '--fail-on-warnings']);
  for (const name of fs.readdirSync(compiled).filter((name) => !isSource(name))) {
    const text = fs.readFileSync(path.join(compiled, name), 'utf8');
    fs.writeFileSync(path.join(constructs, name), name.endsWith('.d.ts') ? withoutCdk(text) : text);
  }
  fs.cpSync(path.join(PACKAGE, '.jsii'), path.join(root, '.jsii'));
}
