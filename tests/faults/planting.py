"""Planting: an import hook that compiles the money path with points in it, and what a point does when it is hit.

Only a process that calls `install` has points at all. The product's source knows nothing of them, and its compiled
files are neither read nor written here.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import asyncpg

from tests.faults import points
from tests.faults.board import Action, Board
from tests.faults.money_path import modules

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Generator, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

    from tests.faults.money_path import Build


class FaultError(Exception):
    """What a point raises: nothing in the product expects it."""


class _Here:
    """The board of this process."""

    board = Board.private()


def install(build: Build) -> None:
    """Compile every module of the money path that is imported from now on as `build` says.

    Raises:
        RuntimeError: one of them was imported already, and would be without.
    """
    early = sorted(set(modules()) & set(sys.modules))
    if early:
        raise RuntimeError(f"Imported before it could be rewritten: {', '.join(early)}.")
    sys.meta_path.insert(0, _Finder(build))


def use(board: Board) -> None:
    """Count and look up on this board from now on."""
    _Here.board = board


class _Finder(MetaPathFinder):
    def __init__(self, build: Build) -> None:
        self._build = build

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in modules():
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _Loader(fullname, spec.origin, self._build)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, build: Build) -> None:
        super().__init__(fullname, path)
        self._build = build

    def get_code(self, fullname: str) -> CodeType:
        first = next((each.number for each in points.all_points() if each.module == fullname), 0)
        tree, _ = points.plant(fullname, Path(self.path).read_text(), self._build, first=first)
        return compile(tree, self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(_PLANTED)
        super().exec_module(module)


class _Nothing:
    """What is awaited where nothing happens: it goes on at once."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, Any, None]:
        return
        yield


_NOTHING = _Nothing()


def _hit(number: int) -> None:
    action = _Here.board.strike(number)
    if action is Action.HANG:
        time.sleep(_Here.board.hang_seconds)
    elif action is not None:
        _happen(action, number)


def _hit_async(number: int) -> Awaitable[None]:
    action = _Here.board.strike(number)
    if action is None:
        return _NOTHING
    if action is not Action.HANG:
        _happen(action, number)
    return asyncio.sleep(_Here.board.hang_seconds)


def _happen(action: Action, number: int) -> NoReturn:
    if action is Action.KILL:
        os.kill(os.getpid(), signal.SIGKILL)
    if action is Action.LOSE:
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    if action is Action.CANCEL:
        raise asyncio.CancelledError
    raise FaultError(points.all_points()[number].name)


async def _awaited(before: int, after: int, given: Awaitable[Any]) -> Any:  # noqa: ANN401 - whatever is awaited
    try:
        await _hit_async(before)
    except BaseException:
        if asyncio.iscoroutine(given):
            given.close()
        raise
    result = await given
    await _hit_async(after)
    return result


class _Entered:
    """An asynchronous context manager with a point on each side of its two ends."""

    __slots__ = ("_given", "_numbers")

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - four numbers and the manager
        *self._numbers, self._given = arguments

    async def __aenter__(self) -> Any:  # noqa: ANN401 - as the manager
        await _hit_async(self._numbers[0])
        value = await self._given.__aenter__()
        try:
            await _hit_async(self._numbers[1])
        except BaseException:
            # To the block it is as if its first statement had raised.
            await self._given.__aexit__(*sys.exc_info())
            raise
        return value

    async def __aexit__(self, *raised: object) -> Any:  # noqa: ANN401 - as the manager
        try:
            await _hit_async(self._numbers[2])
        except BaseException:
            # And here as if its last statement had.
            await self._given.__aexit__(*sys.exc_info())
            raise
        swallowed = await self._given.__aexit__(*raised)
        await _hit_async(self._numbers[3])
        return swallowed


class _Iterated:
    """An asynchronous iterator with a point on each side of every step."""

    __slots__ = ("_given", "_numbers")

    def __init__(self, before: int, after: int, given: Any) -> None:  # noqa: ANN401 - any that can be iterated
        self._numbers = (before, after)
        self._given = given

    def __aiter__(self) -> AsyncIterator[Any]:
        self._given = self._given.__aiter__()
        return self

    async def __anext__(self) -> Any:  # noqa: ANN401 - as the iterator
        await _hit_async(self._numbers[0])
        value = await self._given.__anext__()
        await _hit_async(self._numbers[1])
        return value


_PLANTED = {
    points.HIT: _hit,
    points.HIT_ASYNC: _hit_async,
    points.AWAITED: _awaited,
    points.ENTERED: _Entered,
    points.ITERATED: _Iterated,
}
