// A registry of npm packages on loopback. It has what is published to it, and gets everything else from the registry of this machine.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureNodeProject, root, run } from '../../__test__/support/tools.mjs';

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Starts a registry whose files are in `folder`: `{ url, env, stop }`, where `env` has the variables of an npm that publishes there.
 *
 * @param scopes patterns of the packages that it takes from nowhere else
 */
export async function startRegistry(folder, scopes) {
  // It asks for a tag of `node-fetch`, which not every mirror has.
  const manifest = { dependencies: { verdaccio: '6.2.9' }, overrides: { 'node-fetch': '2.7.0' } };
  const packages = ensureNodeProject(path.join(root, '.tools/registry'), manifest);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const own = { access: '$all', publish: '$all' };
  const configuration = {
    storage: path.join(folder, 'storage'),
    auth: { htpasswd: { file: path.join(folder, 'htpasswd') } },
    uplinks: { upstream: { url: run('npm', ['config', 'get', 'registry']).trim(), cache: true } },
    packages: {
      ...Object.fromEntries(scopes.map((scope) => [scope, own])),
      '**': { access: '$all', proxy: 'upstream' },
    },
    max_body_size: '100mb',
    web: { enable: false },
    log: { type: 'stdout', format: 'pretty', level: 'warn' },
  };
  fs.mkdirSync(folder, { recursive: true });
  // JSON is YAML.
  const file = path.join(folder, 'config.yaml');
  fs.writeFileSync(file, JSON.stringify(configuration));
  const log = fs.openSync(path.join(folder, 'log'), 'w');
  const program = path.join(packages, 'verdaccio/bin/verdaccio');
  const server = spawn(process.execPath, [program, '--config', file, '--listen', `127.0.0.1:${port}`], {
    stdio: ['ignore', log, log],
  });
  for (let tries = 0; !(await isUp(url)); tries += 1) {
    if (tries === 150 || server.exitCode !== null) {
      server.kill();
      throw new Error(`the registry did not start\n${fs.readFileSync(path.join(folder, 'log'), 'utf8')}`);
    }
    await sleep(200);
  }
  // npm publishes only as somebody. Everybody may publish here.
  const settings = path.join(folder, 'npmrc');
  fs.writeFileSync(settings, `//127.0.0.1:${port}/:_authToken=anybody\n`);
  return {
    url,
    env: { npm_config_registry: url, npm_config_userconfig: settings },
    stop: () => server.kill(),
  };
}

async function isUp(url) {
  try {
    return (await fetch(`${url}-/ping`)).ok;
  } catch {
    return false;
  }
}
