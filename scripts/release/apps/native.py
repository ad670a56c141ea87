"""The app of `native.cjs`, in Python."""

import os

from aws_cdk import App, DockerImage, Stack
from aws_cdk import aws_lambda as lambda_
from uv_lambda_cdk import PythonBundlingOptions, PythonLambdaFunction

app = App()
PythonLambdaFunction(
    Stack(app, "Native"),
    "Function",
    path=os.environ["REHEARSED_WORKSPACE"],
    package_name="app",
    handler="app.native.handler",
    runtime=lambda_.Runtime.PYTHON_3_11,
    bundling=PythonBundlingOptions(
        image=DockerImage.from_registry(os.environ["REHEARSED_IMAGE"]),
        network="host",
        environment={"SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"},
    ),
)
app.synth()
