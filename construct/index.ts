/**
 * Builds byte-reproducible AWS Lambda zips from uv projects.
 *
 * The constructs need `aws-cdk-lib` and `constructs`; everything else works without them.
 */

export { PythonLambdaCode } from './code';
export * from './codes';
export { PythonLambdaFunction } from './function';
export * from './functions';
export { PythonLambdaImageFunction } from './image-function';
export { PythonLambdaLayer } from './layer';
export * from './types';
export { UvBundler } from './uv-bundler';
export { UvBundling } from './uv-bundling';
