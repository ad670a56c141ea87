"""An app with each construct of the package."""

from aws_cdk import App, AssetHashType, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_s3_assets import Asset
from uv_lambda_cdk import (
    BundleOptions,
    MaxSize,
    PythonBundlingOptions,
    PythonLambdaCode,
    PythonLambdaFunction,
    PythonLambdaImageFunction,
    PythonLambdaLayer,
    UvBundling,
)

HANDLER = "app.main.handler"

app = App()
stack = Stack(app, "Stack")
layer = PythonLambdaLayer(stack, "Layer", package_names=["app"])
assert [package.name for package in layer.bundled.packages] == ["acme-greeting"]
small = PythonBundlingOptions(max_size=MaxSize(unzipped="1 kB", on_exceed="warn"))
function = PythonLambdaFunction(stack, "Layered", package_name="app", handler=HANDLER, layers=[layer], bundling=small)
PythonLambdaImageFunction(stack, "Image", package_name="app", handler=HANDLER, architecture=lambda_.Architecture.ARM_64)
lambda_.Function(
    stack,
    "Plain",
    runtime=function.runtime,
    handler=HANDLER,
    code=PythonLambdaCode.from_project(package_name="app", handler=HANDLER),
)
options = BundleOptions(path=".", package_name="app", runtime=function.runtime.name)
Asset(stack, "Own", path=".", asset_hash_type=AssetHashType.OUTPUT, bundling=UvBundling.create(options))
app.synth()
