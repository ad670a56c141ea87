"""The CDK app. `cdk synth` in the folder of the workspace runs it."""

from aws_cdk import App
from aws_cdk import aws_lambda as lambda_
from demo_stack import DemoStack

app = App()

# `cdk synth --context python=3.12`. Without it, the functions have the Python in `.python-version`.
python = app.node.try_get_context("python")
runtime = getattr(lambda_.Runtime, f"PYTHON_{python.replace('.', '_')}") if python else None

DemoStack(app, "DemoStack", runtime=runtime)

app.synth()
