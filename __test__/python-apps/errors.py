"""Prints the errors of wrong constructs as JSON: the class and the message by the name of the mistake."""

import json

from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_
from uv_lambda_cdk import BuildHooks, MaxSize, PythonBundlingOptions, PythonLambdaFunction, PythonLambdaLayer

stack = Stack(App(), "Stack")


def function(**options):
    """A function that is right but for these options."""
    right = {"package_name": "app", "handler": "app.main.handler"}
    PythonLambdaFunction(stack, f"Function{len(errors)}", **{**right, **options})


def bundling(**options):
    """The same, for options of the build."""
    function(bundling=PythonBundlingOptions(**options))


MISTAKES = {
    "package": lambda: function(package_name="ap"),
    "no package": lambda: function(package_name=None),
    "handler": lambda: function(handler="app.main.handle"),
    "runtime": lambda: function(runtime=lambda_.Runtime.NODEJS_20_X),
    "name of an option": lambda: function(package="app"),
    "name of an option of the build": lambda: bundling(exclude_package=["acme-greeting"]),
    "type": lambda: function(package_name=3),
    "excluded package": lambda: bundling(exclude_packages=["boto3"]),
    "size": lambda: bundling(max_size=MaxSize(unzipped="80 XB")),
    "large": lambda: bundling(max_size=MaxSize(unzipped="1 kB")),
    "hook": lambda: bundling(hooks=BuildHooks(before_build=[["false"]])),
    "docker": lambda: bundling(docker="sometimes"),
    "layer": lambda: function(layers=[PythonLambdaLayer(stack, "Layer", architecture=lambda_.Architecture.ARM_64)]),
}

errors = {}
for name, mistake in MISTAKES.items():
    try:
        mistake()
        errors[name] = ["no error", ""]
    except Exception as error:
        errors[name] = [type(error).__name__, str(error)]
print(json.dumps(errors))
