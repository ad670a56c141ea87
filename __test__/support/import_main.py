"""Imports the module `main` of the bundle at `/var/task`, and prints the CPU that Python sees."""

import platform
import sys

sys.path.insert(0, "/var/task")
__import__("main")
print(platform.machine())
