'use strict';

// The public door. Everything but the constructs works without CDK, so what needs `aws-cdk-lib` is loaded when
// it is first asked for. The getters have the one shape that Node recognises when it looks for the names that an ES
// module may import: `get: function () { return object.name; }`.

const { bundle, bundleAllOf, bundleSync, explain, explainSync, verify, verifySync, diffSync } =
  requireBuilt('./binding.js');
const { UvBundler } = requireBuilt('./construct/uv-bundler.js');

exports.bundle = bundle;
exports.bundleAll = async function bundleAll(requests) {
  return bundleAllOf(
    requests.map(({ options }) => options),
    requests.map(({ outputDir }) => outputDir),
  );
};
exports.bundleSync = bundleSync;
exports.explain = async function (options) {
  return JSON.parse(await explain(options));
};
exports.explainSync = function (options) {
  return JSON.parse(explainSync(options));
};
exports.verify = verify;
exports.verifySync = verifySync;
exports.diffSync = diffSync;
exports.UvBundler = UvBundler;

const constructs = {
  get PythonLambdaFunction() {
    return requireWithCdk('./construct/function.js').PythonLambdaFunction;
  },
  get PythonLambdaLayer() {
    return requireWithCdk('./construct/layer.js').PythonLambdaLayer;
  },
  get PythonLambdaCode() {
    return requireWithCdk('./construct/code.js').PythonLambdaCode;
  },
};

Object.defineProperty(exports, 'PythonLambdaFunction', {
  enumerable: true,
  get: function () {
    return constructs.PythonLambdaFunction;
  },
});
Object.defineProperty(exports, 'PythonLambdaLayer', {
  enumerable: true,
  get: function () {
    return constructs.PythonLambdaLayer;
  },
});
Object.defineProperty(exports, 'PythonLambdaCode', {
  enumerable: true,
  get: function () {
    return constructs.PythonLambdaCode;
  },
});

/** Loads a file that a checkout does not have until it is built. */
function requireBuilt(file) {
  try {
    return require(file);
  } catch (error) {
    if (isMissing(error, file)) {
      throw new Error(
        `uv-lambda-cdk is not built: \`${file}\` is missing. Run \`npm run build\` in \`${__dirname}\`.`,
        { cause: error },
      );
    }
    throw error;
  }
}

/** Loads a file that needs CDK, which the app brings. */
function requireWithCdk(file) {
  try {
    return requireBuilt(file);
  } catch (error) {
    if (isMissing(error, 'aws-cdk-lib') || isMissing(error, 'constructs')) {
      throw new Error('The constructs of uv-lambda-cdk need CDK. Run `npm install aws-cdk-lib constructs`.', {
        cause: error,
      });
    }
    throw error;
  }
}

/** Whether `error` says that exactly this module is missing, and not one that it needs in turn. */
function isMissing(error, module) {
  return (
    error?.code === 'MODULE_NOT_FOUND' &&
    new RegExp(`'${module.replaceAll('.', '\\.')}(/[^']*)?'`).test(error.message.split('\n')[0])
  );
}
