"""Points: one before every statement of every function, and one on each side of everything that is awaited.

A module's tree is rewritten; its source stays as it is. What is written in is a call by the point's number, so that
a name costs nothing while nobody asks for it.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

from tests.faults.money_path import BUILDS, modules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.faults.money_path import Build, Lowered

    Function = ast.FunctionDef | ast.AsyncFunctionDef

TEXT_LENGTH_MAX: Final = 72
HIT: Final = "__fault_hit__"
HIT_ASYNC: Final = "__fault_hit_async__"
AWAITED: Final = "__fault_awaited__"
ENTERED: Final = "__fault_entered__"
ITERATED: Final = "__fault_iterated__"

_Node = TypeVar("_Node", bound=ast.AST)


@dataclass(frozen=True, slots=True)
class Point:
    """A place where a run may be made to fail."""

    number: int
    name: str
    module: str
    line: int

    @property
    def function(self) -> str:
        """Return the function that it is in, with its module."""
        return self.name.partition("/")[0]


@lru_cache
def all_points() -> tuple[Point, ...]:
    """Return every point there is, by number: the coverage list."""
    found: list[Point] = []
    for module, path in modules().items():
        found.extend(plant(module, path.read_text(), BUILDS["planted"], first=len(found))[1])
    return tuple(found)


def by_name() -> Mapping[str, Point]:
    """Return every point by its name."""
    return {point.name: point for point in all_points()}


def plant(module: str, source: str, build: Build, *, first: int) -> tuple[ast.Module, list[Point]]:
    """Return the module's tree with points planted into it, numbered from `first` on, and its limits lowered."""
    tree = _Lowerer(module, build.lowered).visit(ast.parse(source))
    planter = _Planter(module, first)
    if build.points:
        tree = planter.visit(tree)
    return ast.fix_missing_locations(tree), planter.points


class _Lowerer(ast.NodeTransformer):
    """Puts lower limits in the place of constants of a module or of its classes."""

    def __init__(self, module: str, lowered: Lowered) -> None:
        self._lowered = {name: limit for (where, name), limit in lowered.items() if where == module}
        self._scope: list[str] = []

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._scope.append(node.name)
        self.generic_visit(node)
        self._scope.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if isinstance(node.target, ast.Name):
            limit = self._lowered.get(".".join([*self._scope, node.target.id]))
            node.value = node.value if limit is None else ast.Constant(limit)
        return node


class _Planter(ast.NodeTransformer):
    """Writes points into the functions of one module."""

    def __init__(self, module: str, first: int) -> None:
        self.points: list[Point] = []
        self._module = module
        self._first = first
        self._scope: list[str] = []
        self._functions: list[Function] = []
        self._seen: Counter[str] = Counter()

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._scope.append(node.name)
        outer, self._functions = self._functions, []
        node.body = [self.visit(statement) for statement in node.body]
        self._functions = outer
        self._scope.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node  # an expression: no statement in it, and nothing that could be awaited

    def visit_Await(self, node: ast.Await) -> ast.AST:
        text = ast.unparse(node)
        before = self._point(f"before {text}", node)
        after = self._point(f"after {text}", node)
        self.generic_visit(node)
        node.value = _call(AWAITED, before, after, node.value)
        return node

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        for item in node.items:
            text = ast.unparse(item.context_expr)
            numbers = [
                self._point(f"{moment} {text}", item.context_expr)
                for moment in ("before entering", "after entering", "before leaving", "after leaving")
            ]
            item.context_expr = _call(ENTERED, *numbers, self.visit(item.context_expr))
        self._blocks(node)
        return node

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        text = ast.unparse(node.iter)
        numbers = [self._point(f"{moment} next of {text}", node.iter) for moment in ("before", "after")]
        node.iter = _call(ITERATED, *numbers, self.visit(node.iter))
        self._blocks(node)
        return node

    def generic_visit(self, node: _Node) -> _Node:
        if self._functions and isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            for field, value in ast.iter_fields(node):
                if isinstance(value, ast.expr):
                    setattr(node, field, self.visit(value))
                elif isinstance(value, list) and value and not isinstance(value[0], ast.stmt):
                    setattr(node, field, [self.visit(v) if isinstance(v, ast.AST) else v for v in value])
            self._blocks(node)
            return node
        super().generic_visit(node)
        return node

    def _function(self, node: Function) -> ast.AST:
        self._scope.append(node.name)
        self._functions.append(node)
        first = 0 if ast.get_docstring(node, clean=False) is None else 1
        node.body = [*node.body[:first], *self._statements(node.body[first:])]
        self._functions.pop()
        self._scope.pop()
        return node

    def _blocks(self, node: ast.AST) -> None:
        """Plant into the blocks of a statement."""
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                setattr(node, field, self._statements(block))

    def _statements(self, block: list[ast.stmt]) -> list[ast.stmt]:
        planted: list[ast.stmt] = []
        for statement in block:
            number = self._point(_head(statement), statement)
            is_async = isinstance(self._functions[-1], ast.AsyncFunctionDef)
            hit: ast.expr = _call(HIT_ASYNC if is_async else HIT, number)
            planted.append(ast.copy_location(ast.Expr(ast.Await(hit) if is_async else hit), statement))
            planted.append(self.visit(statement))
        return planted

    def _point(self, text: str, node: ast.stmt | ast.expr) -> int:
        line = " ".join(text.split())
        short = line if len(line) <= TEXT_LENGTH_MAX else f"{line[:TEXT_LENGTH_MAX]}…"
        name = f"{self._module}:{'.'.join(self._scope)}/{short}"
        self._seen[name] += 1
        number = self._first + len(self.points)
        self.points.append(Point(number, f"{name}#{self._seen[name]}", self._module, node.lineno))
        return number


def _head(statement: ast.stmt) -> str:
    """Return a statement's first line, without the decorators of a definition."""
    lines = ast.unparse(statement).splitlines()
    return next(line for line in lines if not line.startswith("@"))


def _call(name: str, *arguments: int | ast.expr) -> ast.Call:
    given = [ast.Constant(each) if isinstance(each, int) else each for each in arguments]
    return ast.Call(ast.Name(name, ast.Load()), given, [])
