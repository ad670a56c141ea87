// Runs a Lambda zip as Lambda does: AWS's own runtime interface client loads the handler and fetches events from the
// Lambda runtime API. That API is the one thing that only exists inside Lambda, so a small server stands in for it.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from './tools.mjs';

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
    run(runtimeClient, ['-m', 'zipfile', '-e', zip, task]);
    // Lambda's /var/task is read-only.
    run('chmod', ['-R', 'a-w', task]);
    return await converse({ task, handler, events, runtimeClient, environment });
  } finally {
    run('chmod', ['-R', 'u+w', work]);
    rmSync(work, { recursive: true, force: true });
  }
}

function converse({ task, handler, events, runtimeClient, environment }) {
  return new Promise((resolve, reject) => {
    const answers = [];
    let child;
    let said = '';

    const finish = (settle) => {
      clearTimeout(alarm);
      server.close();
      server.closeAllConnections();
      child?.kill('SIGKILL');
      settle();
    };
    const alarm = setTimeout(() => finish(() => reject(new Error(`no answer within a minute\n${said}`))), 60_000);

    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) {
        body += chunk;
      }
      if (request.url.endsWith('/invocation/next')) {
        if (answers.length === events.length) {
          return; // Lambda freezes the process here; the last answer has been given.
        }
        response.setHeader('Lambda-Runtime-Aws-Request-Id', `request-${answers.length}`);
        response.setHeader('Lambda-Runtime-Deadline-Ms', String(Date.now() + 60_000));
        response.setHeader(
          'Lambda-Runtime-Invoked-Function-Arn',
          'arn:aws:lambda:eu-west-1:123456789012:function:local',
        );
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify(events[answers.length]));
        return;
      }
      response.statusCode = 202;
      response.end('{}');
      if (request.url.endsWith('/response')) {
        answers.push(JSON.parse(body));
        if (answers.length === events.length) {
          finish(() => resolve(answers));
        }
      } else {
        finish(() => reject(new Error(`the function failed: ${body}\n${said}`)));
      }
    });

    server.listen(0, '127.0.0.1', () => {
      child = spawn(runtimeClient, ['-m', 'awslambdaric', handler], {
        cwd: task,
        env: {
          PATH: process.env.PATH,
          LAMBDA_TASK_ROOT: task,
          PYTHONPATH: task,
          AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${server.address().port}`,
          AWS_LAMBDA_FUNCTION_NAME: 'local',
          AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
          AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
          AWS_REGION: 'eu-west-1',
          _HANDLER: handler,
          ...environment,
        },
      });
      child.stdout.on('data', (chunk) => (said += chunk));
      child.stderr.on('data', (chunk) => (said += chunk));
      child.on('error', (error) => finish(() => reject(error)));
      child.on('exit', (code) => {
        if (answers.length < events.length) {
          finish(() => reject(new Error(`the runtime client ended with exit code ${code}\n${said}`)));
        }
      });
    });
  });
}
