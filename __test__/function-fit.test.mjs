// A function is what its code was built for, whoever changes it; and CDK's other ways to use a function pass through.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { App, Aspects, PropertyInjectors, Stack, Stage, Tags } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as pipelines from 'aws-cdk-lib/pipelines';
import { PythonLambdaCode, PythonLambdaFunction, PythonLambdaImageFunction } from '../index.js';
import { temporaryFolder } from './support/files.mjs';
import { NO_BUNDLING, functionsOf, newStack } from './support/stacks.mjs';
import { workspace } from './support/workspaces.mjs';

const mismatch = (name, given, built) =>
  new RegExp(
    `FUNCTION_MISMATCH: the function \`Stack/Fn\` has the ${name} \`${given}\`, and its code was built for \`${built}\``,
  );

/** A function for Python 3.13 on x86-64, none of which is bundled. */
function newFunction(
  t,
  { props = {}, Construct = PythonLambdaFunction, stack = newStack(t, { context: NO_BUNDLING }) } = {},
) {
  const shared = {
    path: workspace(t),
    packageName: 'one',
    handler: 'one.handler',
    runtime: lambda.Runtime.PYTHON_3_13,
  };
  return new Construct(stack, 'Fn', { ...shared, ...props });
}

const synthesise = (construct) => construct.node.root.synth();

/** An Aspect that changes the resource of each function. */
const changing = (change) => ({
  visit(node) {
    if (node instanceof lambda.CfnFunction) {
      change(node);
    }
  },
});

describe('a function that is not what its code was built for is an error', () => {
  test('where an Aspect changes it', (t) => {
    for (const [change, expected] of [
      [(node) => (node.architectures = ['arm64']), mismatch('architecture', 'arm64', 'x86_64')],
      [(node) => (node.runtime = 'python3.12'), mismatch('runtime', 'python3.12', 'python3.13')],
      [(node) => (node.handler = 'other.handler'), mismatch('handler', 'other.handler', 'one.handler')],
      [(node) => node.addPropertyOverride('Architectures', ['arm64']), mismatch('architecture', 'arm64', 'x86_64')],
      [(node) => node.addPropertyDeletionOverride('Handler'), undefined],
    ]) {
      const fn = newFunction(t);
      Aspects.of(fn).add(changing(change));
      if (expected === undefined) {
        synthesise(fn);
      } else {
        assert.throws(() => synthesise(fn), expected);
      }
    }
  });

  test('where a property injector changes it', (t) => {
    const stack = newStack(t, { context: NO_BUNDLING });
    PropertyInjectors.of(stack).add({
      constructUniqueId: lambda.Function.PROPERTY_INJECTION_ID,
      inject: (props) => ({ ...props, architecture: lambda.Architecture.ARM_64 }),
    });
    assert.throws(() => newFunction(t, { stack }), mismatch('architecture', 'arm64', 'x86_64'));
  });

  test('where a subclass gives the parent another architecture', (t) => {
    class Graviton extends PythonLambdaFunction {
      constructor(scope, id, props) {
        super(scope, id, props);
        this.node.defaultChild.architectures = ['arm64'];
      }
    }
    assert.throws(
      () => synthesise(newFunction(t, { Construct: Graviton })),
      mismatch('architecture', 'arm64', 'x86_64'),
    );
  });

  test('where it is an image', (t) => {
    const fn = newFunction(t, { Construct: PythonLambdaImageFunction });
    Aspects.of(fn).add(changing((node) => (node.architectures = ['arm64'])));
    assert.throws(() => synthesise(fn), mismatch('architecture', 'arm64', 'x86_64'));
  });

  test('where the code is given to a function of CDK', (t) => {
    const project = { path: workspace(t), packageName: 'one' };
    const runtime = lambda.Runtime.PYTHON_3_13;
    for (const [built, expected] of [
      [{ runtime: lambda.Runtime.PYTHON_3_12 }, mismatch('runtime', 'python3.13', 'python3.12')],
      [{ runtime, architecture: lambda.Architecture.ARM_64 }, mismatch('architecture', 'x86_64', 'arm64')],
      [{ runtime, handler: 'one.other' }, mismatch('handler', 'one.handler', 'one.other')],
    ]) {
      const stack = newStack(t, { context: NO_BUNDLING });
      const code = PythonLambdaCode.fromProject({ ...project, ...built });
      assert.throws(() => new lambda.Function(stack, 'Fn', { runtime, handler: 'one.handler', code }), expected);
    }
    const stack = newStack(t, { context: NO_BUNDLING });
    const code = PythonLambdaCode.fromProject({ ...project, runtime });
    synthesise(new lambda.Function(stack, 'Fn', { runtime, handler: 'one.handler', code }));
  });
});

describe('what CDK offers for functions passes through', () => {
  test('versions, aliases, SnapStart, a VPC, tags and harmless Aspects', (t) => {
    const stack = newStack(t, { context: NO_BUNDLING });
    const vpc = new ec2.Vpc(stack, 'Vpc', {
      natGateways: 0,
      subnetConfiguration: [{ name: 'a', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    });
    const fn = newFunction(t, {
      stack,
      props: {
        vpc,
        vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
        snapStart: lambda.SnapStartConf.ON_PUBLISHED_VERSIONS,
      },
    });
    fn.addAlias('live');
    Tags.of(fn).add('team', 'data');
    Aspects.of(stack).add(changing((node) => (node.memorySize = 512)));
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Runtime: 'python3.13',
      MemorySize: 512,
      SnapStart: { ApplyOn: 'PublishedVersions' },
      Tags: Match.arrayWith([{ Key: 'team', Value: 'data' }]),
      VpcConfig: Match.objectLike({ SubnetIds: Match.anyValue() }),
    });
    template.resourceCountIs('AWS::Lambda::Version', 1);
    template.resourceCountIs('AWS::Lambda::Alias', 1);
  });

  test('SnapStart, for the runtime that `.python-version` names', (t) => {
    const folder = workspace(t);
    fs.writeFileSync(path.join(folder, '.python-version'), '3.13\n');
    const fn = newFunction(t, {
      props: { path: folder, runtime: undefined, snapStart: lambda.SnapStartConf.ON_PUBLISHED_VERSIONS },
    });
    assert.equal(fn.runtime, lambda.Runtime.PYTHON_3_13);
    synthesise(fn);
  });

  test('a Python that this CDK does not know has what CDK says of new Pythons', (t) => {
    const known = lambda.Runtime.ALL.splice(0, lambda.Runtime.ALL.length);
    t.after(() => lambda.Runtime.ALL.splice(0, lambda.Runtime.ALL.length, ...known));
    const folder = workspace(t);
    fs.writeFileSync(path.join(folder, '.python-version'), '3.13\n');
    const { runtime } = newFunction(t, { props: { path: folder, runtime: undefined } });
    const { name, family, supportsInlineCode, supportsSnapStart, supportsCodeGuruProfiling } =
      lambda.Runtime.PYTHON_3_13;
    assert.deepEqual(
      { ...runtime, bundlingDockerImage: undefined, bundlingImage: undefined },
      {
        ...lambda.Runtime.PYTHON_3_13,
        ...{ name, family, supportsInlineCode, supportsSnapStart, supportsCodeGuruProfiling },
        ...{ bundlingDockerImage: undefined, bundlingImage: undefined },
      },
    );
  });

  test('stages and pipelines', (t) => {
    const app = new App({ outdir: path.join(temporaryFolder(t), 'cdk.out'), context: NO_BUNDLING });
    const stack = new Stack(app, 'Pipeline', { env: { account: '123456789012', region: 'eu-west-1' } });
    const pipeline = new pipelines.CodePipeline(stack, 'Pipeline', {
      synth: new pipelines.ShellStep('Synth', {
        input: pipelines.CodePipelineSource.connection('a/b', 'main', {
          connectionArn: 'arn:aws:codestar-connections:eu-west-1:123456789012:connection/x',
        }),
        commands: ['npx cdk synth'],
      }),
    });
    for (const name of ['Beta', 'Production']) {
      const stage = new Stage(app, name, { env: { account: '123456789012', region: 'eu-west-1' } });
      newFunction(t, { stack: new Stack(stage, 'Stack') });
      pipeline.addStage(stage);
    }
    const assembly = app.synth();
    for (const name of ['Beta', 'Production']) {
      const { template } = assembly.getNestedAssembly(`assembly-${name}`).stacks[0];
      const functions = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
      assert.equal(functions.length, 1);
    }
  });

  test('the function is one of CDK', (t) => {
    const fn = newFunction(t);
    assert.ok(fn instanceof lambda.Function);
    assert.deepEqual(functionsOf(fn.stack)[0].Architectures, ['x86_64']);
  });
});
