// The program of `startFaultProxyProcess` in fault-proxy.mjs. It writes its endpoint to standard output and each request to a
// file, and ends when standard input is closed, which the end of the test's process does too.

import * as fs from 'node:fs';
import { startFaultProxy } from './fault-proxy.mjs';

const { target, latency, log } = JSON.parse(process.argv[2]);
const onRequest = (request) => fs.appendFileSync(log, `${JSON.stringify(request)}\n`);
const { endpoint } = await startFaultProxy(target, { latency, onRequest });
process.stdin.on('close', () => process.exit()).resume();
console.log(endpoint);
