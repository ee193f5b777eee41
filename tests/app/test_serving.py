"""What a server asks of its machine before it serves."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest

from app.cli.serving import FILES_BESIDE, raise_file_limit, socket_limits
from app.sockets import SocketLimits

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def hard() -> Iterator[int]:
    """Lower what this process may open, and say how far it may be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_as_many_files_may_be_open_as_the_system_lets_it(hard: int) -> None:
    assert raise_file_limit() == hard
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


@pytest.mark.parametrize(
    ("files", "sockets"),
    [
        (resource.RLIM_INFINITY, SocketLimits().sockets_max),
        (1_000_000, SocketLimits().sockets_max),
        (4_096, 4_096 - FILES_BESIDE),
        (256, 1),
    ],
)
def test_no_more_sockets_are_let_in_than_there_may_be_files(files: int, sockets: int) -> None:
    assert socket_limits(files).sockets_max == sockets
