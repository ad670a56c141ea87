import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { PythonLambdaCode } from './code';
import { functionProject } from './project';
import type { PythonLambdaFunctionProps } from './types';

/**
 * A Lambda function whose code is a package of a uv project.
 *
 * The zip is built while the app is synthesised, from `uv.lock`, on this machine and without Docker. It holds the
 * package, the workspace libraries that it uses and its third-party packages, compiled for the function's Python and
 * CPU. Its bytes depend on its contents alone, so a function that did not change is not deployed again.
 *
 * @example
 * new PythonLambdaFunction(this, 'Api', {
 *   packageName: 'demo-lambda1',
 *   handler: 'demo_lambda1.lambda_function.lambda_handler', // this is also the default
 *   runtime: lambda.Runtime.PYTHON_3_13,
 *   architecture: lambda.Architecture.ARM_64,
 *   memorySize: 512, // and every other option of `lambda.Function`
 * });
 */
export class PythonLambdaFunction extends lambda.Function {
  /**
   * @throws {BundleError} where an option or the project is wrong. CDK reports an error of the build itself as
   * `Failed to bundle asset ...: Error: <our message>`.
   */
  constructor(scope: Construct, id: string, props: PythonLambdaFunctionProps = {}) {
    const { project, others } = functionProject(props);
    const { runtime, architecture, handler } = project;
    const code = PythonLambdaCode.fromProject({ ...project, layers: props.layers });

    super(scope, id, { ...others, runtime, architecture, handler, code });
  }
}
