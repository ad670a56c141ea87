"""Fills the interpreter with other objects, and keeps every code object alive.

Exists because marshal's bytes depend on what else lives in the process: reference counts, and strings that are
interned already. Runs before `compile.py`, in the same interpreter.
"""

import argparse
import builtins
import dataclasses
import email.message
import unittest

compile_once = builtins.compile
alive = [argparse, dataclasses, email.message, unittest]


def compile_twice(*arguments, **options):
    """As `compile`, and nothing that it ever gave is freed."""
    alive.append(compile_once(*arguments, **options))
    alive.append(compile_once(*arguments, **options))
    return alive[-1]


builtins.compile = compile_twice
