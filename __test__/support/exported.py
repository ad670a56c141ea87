"""Says which packages a `pylock.toml` of `uv export` has for each environment.

Python judges the markers here, by the library `packaging` in its pip, and not the library that the core has: two that agree are hardly
both wrong. Each line of the standard input is a JSON array: the text of a `pylock.toml`, and the environments as objects of markers. Each
line of the standard output is the answer: for each environment, the packages, as `name==version`, or as `name` if it is a folder.
"""

import json
import sys

try:
    import tomllib
except ModuleNotFoundError:  # before Python 3.11
    from pip._vendor import tomli as tomllib
from pip._vendor.packaging.markers import Marker


def names(packages, environment):
    """The packages whose markers hold."""
    for package in packages:
        marker = package.get("marker")
        if marker is None or Marker(marker).evaluate({**environment, "extra": ""}):
            is_folder = "directory" in package or "version" not in package
            yield package["name"] if is_folder else f"{package['name']}=={package['version']}"


for line in sys.stdin:
    text, environments = json.loads(line)
    packages = tomllib.loads(text).get("packages", [])
    print(json.dumps([sorted(set(names(packages, environment))) for environment in environments]))
