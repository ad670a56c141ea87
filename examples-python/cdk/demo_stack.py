"""Two functions of one uv workspace: one `uv.lock`, one shared library, two zips."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from uv_lambda_cdk import PythonLambdaFunction


class DemoStack(Stack):
    """Both functions, each with a URL."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        runtime: lambda_.Runtime | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)

        readings = PythonLambdaFunction(
            self,
            "Readings",
            package_name="demo-lambda1",
            handler="demo_lambda1.lambda_function.lambda_handler",
            runtime=runtime,
            description="Sums up a list of readings",
        )

        orders = PythonLambdaFunction(
            self,
            "Orders",
            package_name="demo-lambda2",
            handler="demo_lambda2.lambda_function.lambda_handler",
            runtime=runtime,
            description="Checks an order and prices it",
            memory_size=512,
            timeout=Duration.seconds(10),
        )

        for function in (readings, orders):
            url = function.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM)
            CfnOutput(self, f"{function.node.id}Url", value=url.url)
