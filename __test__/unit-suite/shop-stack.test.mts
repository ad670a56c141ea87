// Unit tests of that app, as its owner would write them: what is in the template, and nothing is built for it.

import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { ShopStack } from './shop-stack.js';

describe('the shop', () => {
  let template: Template;

  beforeAll(() => {
    const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
    template = Template.fromStack(new ShopStack(app, 'Shop'));
  });

  test('has twenty functions, each with code', () => {
    template.resourceCountIs('AWS::Lambda::Function', 20);
    template.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'python3.13',
      Code: { S3Key: Match.stringLikeRegexp('\\.zip$') },
    });
  });

  test('knows where its queue is', () => {
    template.allResourcesProperties('AWS::Lambda::Function', {
      Environment: { Variables: { QUEUE_URL: Match.anyValue() } },
    });
  });

  test('has the same template each time', () => {
    const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
    expect(Template.fromStack(new ShopStack(app, 'Shop')).toJSON()).toEqual(template.toJSON());
  });
});
