import * as path from 'node:path';
import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { PythonLambdaFunction } from 'uv-lambda-cdk';

export interface DemoStackProps extends StackProps {
  /**
   * The runtime of both functions.
   *
   * @default - the runtime of the Python in `.python-version`
   */
  readonly runtime?: lambda.Runtime;
}

/** Two functions of one uv workspace: one `uv.lock`, one shared library, two zips. */
export class DemoStack extends Stack {
  constructor(scope: Construct, id: string, props: DemoStackProps = {}) {
    super(scope, id, props);

    const workspace = path.join(__dirname, '..');
    const { runtime } = props;

    const readings = new PythonLambdaFunction(this, 'Readings', {
      path: workspace,
      packageName: 'demo-lambda1',
      handler: 'demo_lambda1.lambda_function.lambda_handler',
      runtime,
      description: 'Sums up a list of readings',
    });

    const orders = new PythonLambdaFunction(this, 'Orders', {
      path: workspace,
      packageName: 'demo-lambda2',
      handler: 'demo_lambda2.lambda_function.lambda_handler',
      runtime,
      description: 'Checks an order and prices it',
      memorySize: 512,
      timeout: Duration.seconds(10),
    });

    for (const fn of [readings, orders]) {
      const url = fn.addFunctionUrl({ authType: lambda.FunctionUrlAuthType.AWS_IAM });
      new CfnOutput(this, `${fn.node.id}Url`, { value: url.url });
    }
  }
}
