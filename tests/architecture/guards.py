"""What the linters don't know of the house's habits: one small guard per habit.

A guard takes a file's path from the repository's root and its source, and yields what it finds wrong there.
The guards are apart from their tests so that the tests can turn each of them on a planted breach.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path, PurePosixPath
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).parents[2]

Guard: TypeAlias = Callable[[PurePosixPath, str], Iterator[str]]

PRODUCT: Final = ("app", "schema", "db")
CODE: Final = (*PRODUCT, "bench", "tests")

FILE_LINES_MAX: Final = 350
# A path, and in words why that file is better long than cut. Paths that are short again are findings too.
LONG_FILES: Final[dict[str, str]] = {
    "db/migrations/versions/0001_first_tables.py": "the first step makes every table there is",
}

EMPTY_MODULE_NAMES: Final = frozenset(
    {"base", "common", "core", "helper", "helpers", "misc", "util", "utils", "manager", "service", "services"}
)
EMPTY_CLASS_ENDINGS: Final = ("Helper", "Manager", "Service", "Util", "Utils")

# The beginnings of statements, not mere words: "Select a gateway from the list" is English.
SQL: Final = re.compile(
    r"""\s*(?:
        select\s+(?!an?\b|the\b)[^.]+\sfrom\s+["\w] | select\s+(?:[\w.]+\(|\d|\$\d)
      | insert\s+into\s+["\w] | delete\s+from\s+(?!the\b)["\w] | merge\s+into\s+["\w]
      | update\s+["\w.]+(?:\s+as)?(?:\s+\w+)?\s+set\s+["\w]+\s*=
      | with\s+(?:recursive\s+)?\w+\s*(?:\([^)]*\)\s*)?as\s+(?:(?:not\s+)?materialized\s+)?\(
      | (?:create|alter|drop)\s+(?:unique\s+)?(?:database|extension|function|index|role|schema|table|trigger)\s
      | (?:listen|unlisten|truncate|lock\s+table|set\s+local)\s+["\w]+
      | (?:begin|commit|rollback)\s*;?\s*$
    )""",
    re.IGNORECASE | re.VERBOSE,
)

ENVIRONMENT: Final = frozenset({"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"})


def files_past_the_limit(path: PurePosixPath, source: str) -> Iterator[str]:
    """A file is one thought."""
    lines = source.count("\n")
    if lines > FILE_LINES_MAX and str(path) not in LONG_FILES:
        yield f"{path}: {lines} lines, the most are {FILE_LINES_MAX}"
    if lines <= FILE_LINES_MAX and str(path) in LONG_FILES:
        yield f"{path}: no longer long, take it off LONG_FILES"


def names_without_a_noun(path: PurePosixPath, source: str) -> Iterator[str]:
    """A name says what is inside, not that something is."""
    for name in {path.with_suffix("").name, *path.parent.parts} & EMPTY_MODULE_NAMES:
        yield f"{path}: {name} names nothing"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and node.name.endswith(EMPTY_CLASS_ENDINGS):
            yield f"{path}:{node.lineno}: {node.name} names nothing"


def modules_without_a_docstring(path: PurePosixPath, source: str) -> Iterator[str]:
    """A module says what is in it and why it is apart."""
    private = path.name.startswith("_") and path.name not in {"__init__.py", "__main__.py"}
    if not private and not ast.get_docstring(ast.parse(source)):
        yield f"{path}: no docstring"


def sql_outside_db(path: PurePosixPath, source: str) -> Iterator[str]:
    """Every SQL statement is in db."""
    if path.parts[0] == "db":
        return
    for line, text in sorted(_strings(ast.parse(source))):
        if SQL.match(text):
            yield f"{path}:{line}: SQL: {text.strip()[:40]!r}"


def prints_outside_the_cli(path: PurePosixPath, source: str) -> Iterator[str]:
    """The command line talks to people; everything else writes to the log."""
    if path.with_suffix("").parts[:2] == ("app", "cli"):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield f"{path}:{node.lineno}: print"


def environment_outside_the_settings(path: PurePosixPath, source: str) -> Iterator[str]:
    """The product's environment has one reader. A simulator is a program of its own, and has its own."""
    if path.with_suffix("").parts[:2] == ("app", "settings") or path.match("app/simulators/*/__main__.py"):
        return
    tree = ast.parse(source)
    aliases = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "os"
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in aliases and attr in ENVIRONMENT:
                yield f"{path}:{node.lineno}: os.{attr}"
            case ast.ImportFrom(module="os", names=names):
                yield from (f"{path}:{node.lineno}: os.{n.name}" for n in names if n.name in ENVIRONMENT)


def foreign_imports_in_the_domain(path: PurePosixPath, source: str) -> Iterator[str]:
    """The domain stands on the standard library alone."""
    if path.parts[:2] != ("app", "domain"):
        return
    for line, module in _imports(ast.parse(source)):
        root = module.partition(".")[0]
        if root not in sys.stdlib_module_names and not f"{module}.".startswith("app.domain."):
            yield f"{path}:{line}: {module}"


def undeclared_imports(path: PurePosixPath, source: str) -> Iterator[str]:
    """What the product imports, it asks for by name: a dependency's dependency may go any day."""
    for line, module in _imports(ast.parse(source)):
        root = module.partition(".")[0]
        if root not in sys.stdlib_module_names and root not in PRODUCT and root not in DECLARED:
            yield f"{path}:{line}: {root} is not in the dependencies of pyproject.toml"


GUARDS: Final[dict[Guard, tuple[str, ...]]] = {
    files_past_the_limit: PRODUCT,
    names_without_a_noun: CODE,
    modules_without_a_docstring: CODE,
    sql_outside_db: PRODUCT,
    prints_outside_the_cli: PRODUCT,
    environment_outside_the_settings: PRODUCT,
    foreign_imports_in_the_domain: PRODUCT,
    undeclared_imports: PRODUCT,
}


def findings(guard: Guard) -> list[str]:
    """Return everything that the guard finds in the repository's own source."""
    return [
        finding
        for root in GUARDS[guard]
        for file in sorted((ROOT / root).rglob("*.py"))
        for finding in guard(PurePosixPath(file.relative_to(ROOT).as_posix()), file.read_text())
    ]


def _declared_modules() -> frozenset[str]:
    requirements = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    declared = {_normal(re.split(r"[^\w.-]", requirement, maxsplit=1)[0]) for requirement in requirements}
    return frozenset(
        module
        for module, distributions in packages_distributions().items()
        if declared & {_normal(distribution) for distribution in distributions}
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield node.lineno, module


def _strings(tree: ast.Module) -> set[tuple[int, str]]:
    """Return every string that is more than a docstring, f-strings whole, with x where a value goes."""
    nodes = list(ast.walk(tree))
    skipped = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    skipped |= {id(piece) for node in nodes if isinstance(node, ast.JoinedStr) for piece in node.values}
    found = set()
    for node in nodes:
        match node:
            case ast.Constant(value=str(text)) if id(node) not in skipped:
                found.add((node.lineno, text))
            case ast.JoinedStr(values=values):
                parts = (str(value.value) if isinstance(value, ast.Constant) else "x" for value in values)
                found.add((node.lineno, "".join(parts)))
    return found


DECLARED: Final = _declared_modules()
