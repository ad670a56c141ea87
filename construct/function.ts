import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { DEFAULT_ARCHITECTURE, defaultRuntime, handlerOf } from './asset';
import { PythonLambdaCode } from './code';
import type { PythonLambdaFunctionProps } from '../index';

/** A Lambda function whose code is a package of a uv project. */
export class PythonLambdaFunction extends lambda.Function {
  constructor(scope: Construct, id: string, props: PythonLambdaFunctionProps = {}) {
    const {
      path,
      packageName,
      bundling,
      runtime = defaultRuntime(props),
      architecture = DEFAULT_ARCHITECTURE,
      handler = handlerOf({ path: props.path, packageName: props.packageName, runtime, architecture }),
      ...functionOptions
    } = props;

    super(scope, id, {
      ...functionOptions,
      runtime,
      architecture,
      handler,
      code: PythonLambdaCode.fromProject({
        path,
        packageName,
        handler,
        runtime,
        architecture,
        bundling,
        layers: props.layers,
      }),
    });
  }
}
