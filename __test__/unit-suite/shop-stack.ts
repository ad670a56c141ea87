// An app as somebody might have it: twenty functions of one workspace.

import * as path from 'node:path';
import { Duration, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { PythonLambdaFunction } from 'uv-lambda-cdk';

const workspace = path.join(__dirname, '../../tests/fixtures/workspace');

export class ShopStack extends Stack {
  readonly functions: PythonLambdaFunction[];

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const queue = new sqs.Queue(this, 'Orders');
    this.functions = Array.from({ length: 20 }, (_, number) => {
      const fn = new PythonLambdaFunction(this, `Function${number}`, {
        path: workspace,
        packageName: number % 2 === 0 ? 'app' : 'other',
        handler: number % 2 === 0 ? 'app.main.handler' : 'other.handler',
        runtime: lambda.Runtime.PYTHON_3_13,
        architecture: number % 3 === 0 ? lambda.Architecture.X86_64 : lambda.Architecture.ARM_64,
        timeout: Duration.seconds(number + 1),
        environment: { QUEUE_URL: queue.queueUrl },
      });
      queue.grantSendMessages(fn);
      return fn;
    });
  }
}
