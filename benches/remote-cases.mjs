// The cases of a remote cache: what a CI runner with an empty cache gains from it. The store is an S3 server on this machine, behind a
// proxy that adds 20 ms to each request.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { startFaultProxyProcess, startSilentPort } from '../__test__/support/fault-proxy.mjs';
import { median, sum } from '../__test__/support/numbers.mjs';
import { startMinistack } from '../__test__/support/store-servers.mjs';
import { root, run } from '../__test__/support/tools.mjs';
import { bundleAllInNode, bundleInApp, takeTurns } from './measure.mjs';
import { emptyFolder } from './tools.mjs';
import { duration, durations, factor, megabytes } from './wording.mjs';

/** How long each request takes on its way, in milliseconds. */
const LATENCY = 20;

/** Builds the executable that reaches remote caches from this machine; `npm run build` does not. */
function buildExecutable() {
  run('node', [path.join(root, 'scripts/native/build-helper.mjs')], { show: true });
}

/** An S3 server behind a proxy, and the tools with the variables that make a cache of it. */
async function startStore(tools) {
  const store = await startMinistack();
  const proxy = await startFaultProxyProcess(store, { latency: LATENCY });
  const address = (endpoint) =>
    `s3://${store.bucket}/bench?region=${store.region}&endpoint=${encodeURIComponent(endpoint)}`;
  return {
    requests: () => proxy.requests().length,
    bytes: async () => sum((await store.list()).map(({ size }) => size)),
    /** The tools with this store; `mode` as in `UV_LAMBDA_CDK_REMOTE_CACHE_MODE`. */
    tools: (mode, endpoint = proxy.endpoint) => ({
      ...tools,
      environment: {
        ...tools.environment,
        ...store.environment,
        UV_LAMBDA_CDK_REMOTE_CACHE: address(endpoint),
        UV_LAMBDA_CDK_REMOTE_CACHE_MODE: mode,
      },
    }),
    async stop() {
      await proxy.stop();
      await store.stop();
    },
  };
}

/** The bars of a case: reading from the store against making everything. */
function fasterThanMaking(name, { making, reading }, fetched) {
  const [made, read] = [making, reading].map(median);
  return {
    name,
    ratio: factor(read / made),
    ours: durations(reading),
    other: `making them: ${duration(made)}; fetched: ${megabytes(fetched)}`,
    bar: 'at most 0.35 times',
    isMet: read <= 0.35 * made,
  };
}

/** The panel of the chart for a case. */
const panel = (what, { making, reading }) => ({
  title: `A new machine, ${what}`,
  bars: [
    { name: 'with a remote cache', seconds: median(reading) },
    { name: 'without', seconds: median(making) },
  ],
});

/** Five functions, with pandas and scikit-learn among them. */
export async function remoteFive({ tools, five, rounds }) {
  buildExecutable();
  const store = await startStore(tools);
  const build = (settings) =>
    bundleAllInNode({
      workspace: five,
      functions: five.functions,
      store: emptyFolder('stores', 'remote'),
      tools: settings,
    });
  build(store.tools('read-write'));
  const fetched = await store.bytes();
  const runs = takeTurns(rounds.slow, { making: () => build(tools), reading: () => build(store.tools('read')) });
  await store.stop();
  return {
    rows: [fasterThanMaking('remote cache full, our store empty, five functions', runs, fetched)],
    panels: [panel('five functions', runs)],
  };
}

/** A hundred functions. */
export async function remoteHundred({ tools, hundred, rounds }) {
  buildExecutable();
  const store = await startStore(tools);
  const silent = await startSilentPort();
  const job = (settings, folder = emptyFolder('stores', 'remote')) => ({
    contender: 'ours',
    workspace: hundred,
    functions: hundred.functions,
    store: folder,
    tools: settings,
  });
  const all = (settings) => bundleAllInNode(job(settings));
  // As the `cdk` command starts an app: with its context.
  const app = (settings, folder) => {
    const started = { ...settings, environment: { ...settings.environment, CDK_CONTEXT_JSON: '{}' } };
    return sum(bundleInApp(job(started, folder)).functions.map(({ tryBundleSeconds }) => tryBundleSeconds));
  };
  all(store.tools('read-write'));
  app(store.tools('read-write'));
  const fetched = await store.bytes();
  const runs = takeTurns(rounds.slow, {
    making: () => all(tools),
    reading: () => all(store.tools('read')),
    dead: () => all(store.tools('read', silent.endpoint)),
    makingInApp: () => app(tools),
    readingInApp: () => app(store.tools('read')),
  });

  const folder = emptyFolder('stores', 'remote');
  app(store.tools('read'), folder);
  const before = store.requests();
  app(store.tools('read'), folder);
  const requests = store.requests() - before;
  silent.stop();
  await store.stop();
  fs.rmSync(folder, { recursive: true, force: true });

  const [making, dead] = [runs.making, runs.dead].map(median);
  return {
    rows: [
      fasterThanMaking('remote cache full, our store empty, 100 functions by `bundleAll`', runs, fetched),
      fasterThanMaking(
        'the same in a CDK app, one after the other',
        { making: runs.makingInApp, reading: runs.readingInApp },
        fetched,
      ),
      {
        name: 'remote cache that does not answer, 100 functions by `bundleAll`',
        ratio: `+${duration(Math.max(0, dead - making))}`,
        ours: durations(runs.dead),
        other: `without a remote cache: ${duration(making)}`,
        bar: 'at most 2 s more',
        isMet: dead - making <= 2,
      },
      {
        name: 'remote cache, nothing changed, requests for 100 functions',
        ratio: '',
        ours: `${requests}`,
        other: '',
        bar: 'none',
        isMet: requests === 0,
      },
    ],
    panels: [panel('100 functions', runs)],
    notes: [`Remote cache: an S3 server on the same machine, with ${LATENCY} ms added to each request.`],
  };
}
