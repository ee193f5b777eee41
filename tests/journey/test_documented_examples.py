"""What the pages tell readers to type: it is typed here, and prints what they say."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import shlex
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import typer
from graphql import build_schema, parse, validate
from typer.core import TyperGroup
from typer.exceptions import TyperException

from app.cli.commands import cli
from schema.printing import SDL_PATH
from tests.journey.demo_process import REPOSITORY
from tests.system.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.journey.doors import Doors

TOOLS: Final = ("bash", "curl", "jq", "openssl")
SECONDS_MAX: Final = 60.0
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMAND: Final = re.compile(
    r"^ +(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?orderpulse ([^|#>\n]*)", re.MULTILINE
)
_END: Final = "--- the end of a block ---"
_PAGES: Final = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])


def test_an_output_that_differs_is_found() -> None:
    assert _fits("ord_…\n1 A", "ord_123\n1 A\n")
    assert not _fits("ord_…\n1 A", "ord_123\n2 A\n")
    assert not _fits("1 A", "1 A\n2 B\n")


async def test_the_quickstart_prints_what_it_says(shop: Doors, tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "quickstart.md").read_text("utf-8")
    page = page.replace("http://127.0.0.1:8000", shop.url).replace("http://127.0.0.1:8001", shop.sandbox_url)

    await _type(page, tmp_path, {"STAFF_KEY": shop.staff_key})


async def test_the_guide_to_two_replicas_prints_what_it_says(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "guides" / "two-replicas.md").read_text("utf-8")
    for port in ("8000", "8001"):
        page = page.replace(port, str(free_port()))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    await _type(page, tmp_path, {"PATH": path, "ORDERPULSE_DATA_DIR": str(tmp_path / "data")})


@pytest.mark.parametrize("page", _PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_operation_on_a_page_fits_the_schema(page: Path) -> None:
    schema = build_schema(SDL_PATH.read_text("utf-8"))
    for language, text in _BLOCK.findall(page.read_text("utf-8")):
        if language == "graphql":
            assert validate(schema, parse(text)) == [], text


@pytest.mark.parametrize("page", _PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_command_on_a_page_can_be_typed(page: Path) -> None:
    for typed in _COMMAND.findall(page.read_text("utf-8")):
        _read_command(shlex.split(typed))


@pytest.mark.parametrize(
    "typed", ["events list --sinc 1h", "evens list", "orders show", "serve --port eighty"]
)
def test_a_command_that_can_not_be_typed_is_found(typed: str) -> None:
    with pytest.raises(TyperException):
        _read_command(shlex.split(typed))


def test_commands_are_found_on_pages() -> None:
    page = "    $ orderpulse events list | jq .\n    DATABASE_URL=x orderpulse migrate   # first\nSays orderpulse."

    assert [typed.strip() for typed in _COMMAND.findall(page)] == ["events list", "migrate"]


async def test_the_first_order_of_the_readme_is_made(shop: Doors) -> None:
    blocks = _BLOCK.findall((REPOSITORY / "README.md").read_text("utf-8"))
    example = next(text for language, text in blocks if language == "graphql")

    first, second = [await shop.ask(example, {}, key=shop.staff_key) for _ in range(2)]

    assert first["errors"] == []
    assert (first["replayed"], second["replayed"]) == (False, True)
    assert second["order"] == first["order"]


def _typed(page: str) -> Iterator[tuple[str, str]]:
    """Yield what is typed, each with what the page says that it prints."""
    for (language, text), (next_language, output) in itertools.pairwise([*_BLOCK.findall(page), ("", "")]):
        if language == "sh":
            yield text, output if next_language in ("json", "text") else ""


async def _type(page: str, folder: Path, environment: dict[str, str]) -> None:
    """Type what a page says, and compare what that prints."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"not installed: {', '.join(missing)} (apt-get install {' '.join(missing)})")
    typed = list(_typed(page))

    printed = await _bash(f"\necho '{_END}'\n".join([*(text for text, _ in typed), ""]), folder, environment)

    outputs = printed.split(f"{_END}\n")
    assert len(outputs) == len(typed) + 1, printed
    for (text, expected), output in zip(typed, outputs, strict=False):
        assert _fits(expected, output), f"{text}\nprints\n{output}"


def _read_command(words: list[str]) -> None:
    """Read a command line as far as the command that it names; nothing is done."""
    command, context, rest = typer.main.get_command(cli), None, words
    while True:
        context = command.make_context(command.name, rest, parent=context)
        if not isinstance(command, TyperGroup):
            return
        _, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        command = found


def _fits(expected: str, output: str) -> bool:
    pattern = re.escape(expected.strip()).replace("…", '[^\\s"]+')
    return re.fullmatch(pattern, output.strip()) is not None


async def _bash(script: str, folder: Path, environment: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *("bash", "-eu", "-o", "pipefail", "-c", script),
        cwd=folder,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(SECONDS_MAX):
            printed, complaints = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):  # what it started ends with it
            os.killpg(process.pid, signal.SIGTERM)
    assert process.returncode == 0, complaints.decode() + printed.decode()
    return printed.decode()
