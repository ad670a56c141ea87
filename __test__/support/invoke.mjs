// Runs a Lambda zip as Lambda does: AWS's own runtime interface client loads the handler and fetches events from the
// Lambda runtime API. That API exists only inside Lambda, so a small server stands in for it.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startPodman } from './containers.mjs';
import { listen } from './servers.mjs';
import { run } from './tools.mjs';
import { unpackZip } from './zips.mjs';

/**
 * Unpacks a zip and invokes its handler once for each event.
 *
 * @param zip the bundle
 * @param handler as in the function's configuration
 * @param events the events, in order
 * @param runtimeClient the interpreter of an environment with `awslambdaric`
 * @returns the answers, in order; throws what the function or its start-up reports as an error
 */
export async function invoke({ zip, handler, events, runtimeClient, environment = {} }) {
  const work = mkdtempSync(path.join(tmpdir(), 'invoke-'));
  const task = path.join(work, 'task');
  try {
    unpackZip(zip, task, runtimeClient);
    // Lambda's /var/task is read-only.
    run('chmod', ['-R', 'a-w', task]);
    return await converse({
      events,
      start: (host) =>
        spawn(runtimeClient, ['-m', 'awslambdaric', handler], {
          cwd: task,
          env: {
            PATH: process.env.PATH,
            LAMBDA_TASK_ROOT: task,
            PYTHONPATH: task,
            ...runtimeVariables(host),
            AWS_REGION: 'eu-west-1',
            _HANDLER: handler,
            ...environment,
          },
        }),
    });
  } finally {
    run('chmod', ['-R', 'u+w', work]);
    rmSync(work, { recursive: true, force: true });
  }
}

/** The variables by which Lambda tells the runtime client of the function, and where the runtime API is. */
function runtimeVariables(host) {
  return {
    AWS_LAMBDA_RUNTIME_API: host,
    AWS_LAMBDA_FUNCTION_NAME: 'local',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
  };
}

/** Invokes an image whose entry point is the runtime client, once for each event, in podman. Returns the answers, in order. */
export function invokeImage({ image, events }) {
  const start = (host) => {
    const variables = Object.entries(runtimeVariables(host)).map(([name, value]) => `--env=${name}=${value}`);
    return startPodman(['run', '--rm', '--network=host', '--read-only', ...variables, image]);
  };
  return converse({ events, start });
}

/** Answers the runtime client that `start` starts, given the address of the runtime API, until all events have their answer. */
async function converse({ events, start }) {
  let resolve;
  let reject;
  const promise = new Promise((...settle) => ([resolve, reject] = settle));
  const answers = [];
  let output = '';
  const fail = (text) => reject(new Error(`${text}\n${output}`));

  const answerRequest = async (request, response) => {
    let body = '';
    for await (const chunk of request) {
      body += chunk;
    }
    if (request.url.endsWith('/invocation/next')) {
      if (answers.length === events.length) {
        return; // Lambda freezes the process here: the last event has its answer.
      }
      response.writeHead(200, {
        'Lambda-Runtime-Aws-Request-Id': `request-${answers.length}`,
        'Lambda-Runtime-Deadline-Ms': String(Date.now() + 60_000),
        'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:eu-west-1:123456789012:function:local',
        'Content-Type': 'application/json',
      });
      response.end(JSON.stringify(events[answers.length]));
      return;
    }
    response.writeHead(202).end('{}');
    if (!request.url.endsWith('/response')) {
      fail(`the function failed: ${body}`);
      return;
    }
    answers.push(JSON.parse(body));
    if (answers.length === events.length) {
      resolve(answers);
    }
  };

  const { host, close } = await listen(answerRequest);
  const child = start(host);
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => (output += chunk));
  }
  child.on('error', reject);
  child.on('exit', (code) => fail(`the runtime client ended with exit code ${code}`));
  const alarm = setTimeout(() => fail('no answer within a minute'), 60_000);
  try {
    return await promise;
  } finally {
    clearTimeout(alarm);
    close();
    child.kill('SIGKILL');
  }
}
