"""Runs programs one after the other, as `python <program> <arguments>` would.

Exists because Pyodide runs a text, not a file with arguments and standard streams. `pyodide-child.mjs` sets the names
`programs`, `arguments`, `standard_input` and `standard_output`; the path of a stream that is not set is empty.
"""

import runpy
import sys
import warnings

# The compiler warns the author of a package, who is not here.
warnings.simplefilter("ignore")
if standard_input:  # noqa: F821
    sys.stdin = open(standard_input, encoding="utf-8")  # noqa: F821
if standard_output:  # noqa: F821
    sys.stdout = open(standard_output, "w", encoding="utf-8")  # noqa: F821
for program in programs:  # noqa: F821
    sys.argv = [program, *arguments]  # noqa: F821
    runpy.run_path(program, run_name="__main__")
if standard_output:  # noqa: F821
    sys.stdout.close()
