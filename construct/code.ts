import { Code } from 'aws-cdk-lib/aws-lambda';
import type { AssetCode } from 'aws-cdk-lib/aws-lambda';
import { projectAsset } from './asset';
import { bundledLayers } from './layer';
import type { PythonLambdaCodeProps } from '../index';

/** The code of a uv project for constructs that take `lambda.Code`. */
export class PythonLambdaCode {
  static fromProject(props: PythonLambdaCodeProps = {}): AssetCode {
    const { sourcePath, options } = projectAsset({ ...props, layers: bundledLayers(props.layers) });
    return Code.fromAsset(sourcePath, options);
  }
}
