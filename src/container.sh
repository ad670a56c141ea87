# Builds a bundle inside a container, from /asset-input (the workspace) into /asset-output.
# $1: the member; $2: the runtime's Python, such as 3.13.
# CDK runs containers as the caller's user, who may have no home here: everything goes to /tmp.
set -eu
export HOME=/tmp UV_CACHE_DIR="${UV_CACHE_DIR:-/tmp/uv-cache}" UV_LINK_MODE=copy
if ! command -v uv >/dev/null; then
    python3 -m pip install --quiet --target /tmp/uv-lambda-cdk uv
    export PATH="/tmp/uv-lambda-cdk/bin:$PATH"
fi
# Builds write into the tree they build, so they get a copy.
cp -R /asset-input /tmp/workspace
cd /tmp/workspace
UV_PROJECT_ENVIRONMENT=/tmp/environment uv sync --quiet --frozen --no-default-groups --no-editable \
    --package "$1" --python "$2"
cp -R /tmp/environment/lib/python"$2"/site-packages/. /asset-output/
rm -f /asset-output/_virtualenv.pth /asset-output/_virtualenv.py
