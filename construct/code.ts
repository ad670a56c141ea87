import type { AssetCode } from 'aws-cdk-lib/aws-lambda';
import { BundledCode, projectAsset } from './asset';
import { bundledLayers } from './layer';
import type { PythonLambdaCodeProps } from './types';

/**
 * The code of a uv project for constructs that take `lambda.Code`: a plain `lambda.Function`, `SingletonFunction`,
 * `triggers.TriggerFunction` and others.
 */
export class PythonLambdaCode {
  /**
   * The code of one package of a uv project, as a Lambda zip.
   *
   * Give the construct the same `handler`, `runtime` and `architecture`: code cannot pass them on.
   *
   * @throws {BundleError} as `PythonLambdaFunction` does.
   *
   * @example
   * const runtime = lambda.Runtime.PYTHON_3_13;
   * const handler = 'demo_lambda1.lambda_function.lambda_handler';
   * new lambda.Function(this, 'Api', {
   *   runtime,
   *   handler,
   *   code: PythonLambdaCode.fromProject({ packageName: 'demo-lambda1', handler, runtime }),
   * });
   */
  static fromProject(props: PythonLambdaCodeProps = {}): AssetCode {
    return new BundledCode(projectAsset({ ...props, layers: bundledLayers(props.layers) }));
  }
}
