"""Lists the names that the modules on standard input define, without running them.

Exists because only the Python that will import a module knows its syntax, and because Python's own `symtable`
knows which statements bind a name.

Reads a length (4 bytes, little-endian) and the source of a module, and answers with a length and one object in JSON:
    names      the names that the module defines once it is imported
    functions  the functions among them, in the order of the source
    values     the names among them that certainly cannot be called
    open       whether the module may define more names when it runs
or, if Python cannot compile it:
    problem, line
and so on, until the input ends.
"""

import ast
import json
import symtable
import sys

# A module that uses one of these names may define names that are not in its text.
DYNAMIC = {
    "__getattr__",
    "__globals__",
    "_getframe",
    "currentframe",
    "eval",
    "exec",
    "f_globals",
    "getmodule",
    "globals",
    "modules",
}

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

# Literals that cannot be called. `None` and `...` are not among them: another module may replace them.
LITERALS = (ast.Dict, ast.JoinedStr, ast.List, ast.Set, ast.Tuple)


def count(names):
    """The number of times that each name occurs."""
    counts = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def bound(source):
    """The names that a module binds, at its top level or in functions by `global`."""
    return {
        symbol.get_name()
        for symbol in symtable.symtable(source, "<module>", "exec").get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_declared_global()
    }


def mentions(node):
    """The names that the code below a node may bind, once for each place. Doubtful places count too."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id
        elif not isinstance(inner, (ast.Attribute, ast.Constant, ast.Name, ast.keyword)):
            # The names of definitions, imports, parameters, patterns, `except ... as` and `global`, whatever their
            # fields are called in this version.
            for _, value in ast.iter_fields(inner):
                for text in value if isinstance(value, list) else [value]:
                    if isinstance(text, str):
                        yield text


def outside_functions(tree):
    """Every node that is evaluated while the module is imported."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, FUNCTIONS):
            waiting.extend(node.decorator_list)
        elif not isinstance(node, ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def takes_own_name(call):
    """Whether the call has the argument `__name__`, by which the function can reach the module."""
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    return any(isinstance(argument, ast.Name) and argument.id == "__name__" for argument in arguments)


def is_open(tree):
    """Whether the module may define names that are not in its text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in DYNAMIC:
            return True
        if isinstance(node, ast.Attribute) and node.attr in DYNAMIC:
            return True
        if isinstance(node, ast.ImportFrom) and any(alias.name in DYNAMIC | {"*"} for alias in node.names):
            return True
        if isinstance(node, ast.Call) and takes_own_name(node):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in {"__import__", "import_module"}:
                return True
    for node in outside_functions(tree):
        # Inside a function they give its own names; at the top level they give those of the module.
        if isinstance(node, ast.Name) and node.id in {"locals", "vars"}:
            return True
        # As in `install(__name__)`. A call whose result is used, as in `logger = getLogger(__name__)`, is harmless.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and takes_own_name(node.value):
            return True
    return any(isinstance(node, FUNCTIONS) and node.name == "__getattr__" for node in tree.body)


def is_value(node):
    """Whether an expression is certainly a value that cannot be called."""
    if isinstance(node, ast.Constant):
        return node.value is not None and node.value is not Ellipsis
    return isinstance(node, LITERALS)


def describe(source):
    """The answer about a module that compiles."""
    # Finds more errors than the parser alone, such as a `return` outside of functions.
    compile(source, "<module>", "exec", dont_inherit=True)
    tree = ast.parse(source)
    names = bound(source)
    counts = count(mentions(tree))
    # From 3.12 on, the symbol table also has the variables of comprehensions, which are not names of the module.
    comprehensions = [node.target for node in ast.walk(tree) if isinstance(node, ast.comprehension)]
    passing = count(name for target in comprehensions for name in mentions(target))
    names -= {name for name, times in passing.items() if counts[name] == times}

    values = set()
    for statement in tree.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            targets = [statement.target]
        elif isinstance(statement, ast.Assign):
            targets = [target for target in statement.targets if isinstance(target, ast.Name)]
        else:
            continue
        only_here = {target.id for target in targets if counts.get(target.id) == 1}
        if statement.value is None:
            # An annotation alone defines nothing.
            names -= only_here
        elif is_value(statement.value):
            values |= only_here

    declared_global = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    bound_later = set(declared_global)
    for statement in reversed(tree.body):
        if isinstance(statement, ast.Delete):
            deleted = {target.id for target in statement.targets if isinstance(target, ast.Name)}
            names -= deleted - bound_later
        bound_later.update(mentions(statement))

    functions = [node.name for node in tree.body if isinstance(node, FUNCTIONS) and node.name in names]
    return {
        "names": sorted(names),
        "functions": list(dict.fromkeys(functions)),
        "values": sorted(values & names),
        "open": is_open(tree) or "__getattr__" in names,
    }


def answer(source):
    """The answer about a module."""
    try:
        return describe(source)
    except SyntaxError as error:
        return {"problem": error.msg, "line": error.lineno}
    # Older versions raise this for a null byte.
    except ValueError as error:
        return {"problem": str(error), "line": None}
    # The module nests too deep for this program. It may still be correct.
    except (MemoryError, RecursionError):
        return {"names": [], "functions": [], "values": [], "open": True}


def main():
    """Answers until the input ends."""
    requests = sys.stdin.buffer
    answers = sys.stdout.buffer
    while True:
        length = requests.read(4)
        if not length:
            return
        source = requests.read(int.from_bytes(length, "little"))
        text = json.dumps(answer(source)).encode("utf-8")
        answers.write(len(text).to_bytes(4, "little") + text)
        answers.flush()


main()
