// The program that `store-servers.mjs` starts a server with. It keeps the server for as long as standard input is open, and
// then ends it and removes its folder. The end of the test's process closes standard input too, however it ends.
//
//   node store-server-process.mjs FOLDER PROGRAM ARGUMENT...

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';

const [folder, program, ...args] = process.argv.slice(2);
const log = path.join(folder, 'log');
// A file: the test's process may be too busy to read a pipe.
const output = fs.openSync(log, 'w');
const server = spawn(program, args, { cwd: folder, stdio: ['ignore', output, output] });
let isStopped = false;
const stop = () => {
  isStopped = true;
  server.kill('SIGKILL');
};
process.stdin.on('close', stop).resume();
process.on('SIGTERM', stop);
try {
  const [code, signal] = await once(server, 'exit');
  if (!isStopped) {
    process.stderr.write(`it ended (${signal ?? `exit code ${code}`})\n${fs.readFileSync(log, 'utf8').slice(-4000)}`);
  }
} catch (error) {
  process.stderr.write(error.message);
}
fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
process.exit();
