// The documents are right: snippets compile against the contract; commands, files, options and codes exist.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { root } from './support/tools.mjs';

const DOCUMENTS = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'docs/cache.md',
  'docs/migrating.md',
];

/** The text of a file, without the HTML comments of a document. */
const read = (name) => fs.readFileSync(path.join(root, name), 'utf8').replace(/^<!--.*?-->$/gms, '');
const exists = (name) => fs.existsSync(path.join(root, name));

/** The fenced blocks of a document, as `{ language, text }`. */
function blocks(document) {
  return [...document.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text }));
}

/** The texts between single backticks outside of fenced blocks. */
function inlineCode(document) {
  const prose = document.replace(/^```.*?^```$/gms, '');
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, text]) => text);
}

/** A snippet as a module: its imports, then the rest in a place where `this` is a stack and `await` is allowed. */
function asModule(snippet) {
  const imports = [...snippet.matchAll(/^import .*?;\n/gms)].map(([text]) => text);
  const rest = imports.reduce((text, statement) => text.replace(statement, ''), snippet);
  return `${imports.join('')}import { Stack as StackOfTheSnippet } from 'aws-cdk-lib';

export class Snippet extends StackOfTheSnippet {
  async run() {
${rest}
  }
}
`;
}

test('every TypeScript snippet compiles', (t) => {
  const documents = ['README.md', 'docs/migrating.md'].map(read).join('\n');
  const snippets = blocks(documents).filter(({ language }) => ['ts', 'js'].includes(language));
  assert.ok(snippets.length >= 3);

  // In an ignored folder of the checkout, so that packages are found.
  fs.mkdirSync(path.join(root, '.tools'), { recursive: true });
  const folder = fs.mkdtempSync(path.join(root, '.tools/readme-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  snippets.forEach(({ text }, index) => {
    fs.writeFileSync(path.join(folder, `snippet-${index + 1}.ts`), asModule(text));
  });
  const compilerOptions = { noUnusedLocals: false, noEmit: true };
  // The modules of the reader that a snippet imports.
  fs.copyFileSync(path.join(root, 'examples-ts/lib/demo-stack.ts'), path.join(folder, 'demo-stack.ts'));
  fs.writeFileSync(
    path.join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'], exclude: [] }),
  );

  const compiler = path.join(root, 'node_modules/.bin/tsc');
  const { status, stdout, stderr } = spawnSync(compiler, ['--project', folder], { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
});

test('every command exists', () => {
  const { scripts, bin = {} } = JSON.parse(read('package.json'));
  for (const name of DOCUMENTS) {
    const document = read(name);
    const fromBlocks = blocks(document).filter(({ language }) => language === 'sh');
    const commands = [...fromBlocks.map(({ text }) => text), ...inlineCode(document)].join('\n');
    for (const [command, script] of commands.matchAll(/npm run ([\w:-]+)/g)) {
      assert.ok(scripts[script], `${name}: \`${command}\``);
    }
    for (const [command, file] of commands.matchAll(/node (\S+\.mjs)/g)) {
      assert.ok(exists(file), `${name}: \`${command}\``);
    }
    if (/npx uv-lambda-cdk/.test(commands)) {
      assert.ok(bin['uv-lambda-cdk'], `${name}: \`npx uv-lambda-cdk\``);
    }
  }
});

test('every file exists, and every link leads somewhere', () => {
  const folders = 'src|construct|container|scripts|__test__|tests|examples-ts|examples-python|benches|\\.ci';
  const inRepository = new RegExp(`^(?:${folders})(?:/[\\w./-]*)?$`);
  for (const name of DOCUMENTS) {
    const document = read(name);
    for (const file of inlineCode(document).filter((text) => inRepository.test(text))) {
      assert.ok(exists(file), `${name}: \`${file}\``);
    }
    const headings = [...document.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchor(heading));
    for (const [, target] of document.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (target.startsWith('#')) {
        assert.ok(headings.includes(target.slice(1)), `${name}: ${target}`);
      } else if (!target.includes('://')) {
        assert.ok(exists(path.join(path.dirname(name), target.split('#')[0])), `${name}: ${target}`);
      }
    }
  }
});

/** How GitHub names a heading in an address. */
function anchor(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

test('every option of the contract is mentioned', () => {
  const contract = read('construct/types.ts');
  const mentioned = inlineCode(read('README.md')).join(' ').split(/\W+/);
  const interfaces = [
    'BundleOptions',
    'BuildSettings',
    'PythonBundlingOptions',
    'PythonProjectProps',
    'UvBundlerSettings',
  ];
  for (const name of interfaces) {
    const [, body] = contract.match(new RegExp(`^export interface ${name}\\b.*?\\{\\n(.*?)^\\}`, 'ms'));
    const options = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, option]) => option);
    assert.ok(options.length > 0, name);
    for (const option of options) {
      assert.ok(mentioned.includes(option), `README.md does not mention \`${option}\` of ${name}`);
    }
  }
});

test('every code is one of the contract, and every reason for a container is told', () => {
  const contract = read('construct/codes.ts');
  const codes = [...contract.matchAll(/'([A-Z_]{2,})'/g)].map(([, code]) => code);
  // Names of environment variables and of files look the same; those are in the sources.
  const sources = ['src', 'construct'].flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true })
      .filter((name) => /\.(rs|ts)$/.test(name))
      .map((name) => read(path.join(folder, name))),
  );
  const words = new Set(sources.flatMap((text) => text.match(/[A-Z][A-Z_]+/g) ?? []));
  // The guide for movers names the variables of other tools.
  for (const name of DOCUMENTS.filter((document) => document !== 'docs/migrating.md')) {
    for (const code of inlineCode(read(name)).filter((text) => /^[A-Z][A-Z_]+$/.test(text))) {
      assert.ok(codes.includes(code) || words.has(code), `${name}: \`${code}\` is no code of the contract`);
    }
  }
  const readme = inlineCode(read('README.md'));
  const [, forContainers] = contract.split('A container could help with the next ones');
  for (const [, code] of forContainers.split('export type')[0].matchAll(/^ \* \| `([A-Z_]+)` \|/gm)) {
    assert.ok(readme.includes(code), `README.md does not tell of \`${code}\``);
  }
});
