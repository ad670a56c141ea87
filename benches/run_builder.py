"""Runs the uv workflow of aws-lambda-builders, which has no command line of its own: SAM calls it as a library."""

import sys

from aws_lambda_builders.builder import LambdaBuilder

source, artifacts, scratch, manifest, runtime, architecture = sys.argv[1:]
LambdaBuilder(language="python", dependency_manager="uv", application_framework=None).build(
    source_dir=source,
    artifacts_dir=artifacts,
    scratch_dir=scratch,
    manifest_path=manifest,
    runtime=runtime,
    architecture=architecture,
)
