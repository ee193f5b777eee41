"""No tracked file names a package registry, a machine's paths or work left undone; no link leads nowhere."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final, TypeAlias

import pytest

ROOT: Final = Path(__file__).parents[2]

Guard: TypeAlias = Callable[[PurePosixPath, str], Iterator[str]]

# In pieces, because this file is tracked too.
REGISTRIES: Final = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
    )
]

# The folders that every Unix has; whatever lies beside a checkout elsewhere belongs to one machine.
EVERYWHERE: Final = frozenset(
    "bin boot dev etc home lib media mnt opt proc root run sbin srv sys tmp usr var".split()
)

UNFINISHED: Final = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b")
LINK: Final = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)(?:#[^)\s]*)?\)")

# Written by others and built by us: their words are not ours to mend.
BUILT: Final = PurePosixPath("app/web/static")


def registry_hosts(path: PurePosixPath, text: str) -> Iterator[str]:
    """A host in a file is a host that an install may depend on."""
    yield from (f"{path}: {host}" for host in REGISTRIES if host in text)


def machine_paths(path: PurePosixPath, text: str, root: Path = ROOT) -> Iterator[str]:
    """A path of somebody's machine is wrong on every other one."""
    here = "".join(rf"|{re.escape(str(place))}(?![\w-])" for place in places_beside(root))
    pattern = rf"(?<![\w.])(?:/(?:home|Users)/[a-z]\w*/{here})"  # a URL has paths, too
    yield from (f"{path}: {found}" for found in re.findall(pattern, text))


def places_beside(root: Path) -> list[Path]:
    """Return the checkout and what lies beside it, where such a path can't mean anything else."""
    if len(root.parts) <= 2:
        return []
    return [root] if root.parts[1] in EVERYWHERE else [*root.parent.iterdir()]


def unfinished_work(path: PurePosixPath, text: str) -> Iterator[str]:
    """What is left to do is in the tracker; what is in the tree is done."""
    if path.is_relative_to(BUILT):
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if UNFINISHED.search(line):
            yield f"{path}:{number}: {line.strip()}"


def dead_links(path: PurePosixPath, text: str) -> Iterator[str]:
    """A link between our own pages leads to a file that is there."""
    if path.suffix != ".md" or path.is_relative_to(BUILT):
        return
    for target in LINK.findall(text):
        if not (ROOT / path.parent / target).exists():
            yield f"{path}: {target}"


GUARDS: Final[tuple[Guard, ...]] = (registry_hosts, machine_paths, unfinished_work, dead_links)

BREACHES: Final[list[tuple[Guard, str, str]]] = [
    *((registry_hosts, "web/package-lock.json", f"https://{host}/graphql") for host in REGISTRIES),
    (machine_paths, "docs/a.md", "cd /home/" + "somebody/orderpulse"),
    (unfinished_work, "app/a.py", "x = 1  # TO" + "DO: two"),
    (unfinished_work, "web/a.ts", "// FIX" + "ME"),
    (dead_links, "docs/a.md", "see [the machines](no-such-page.md#payments)"),
]

LOOKALIKES: Final[list[tuple[Guard, str, str]]] = [
    (registry_hosts, "docs/a.md", "https://stripe.com and https://debian.org"),
    (machine_paths, "docs/a.md", "/usr/lib/postgresql, /home, https://example.com/home/page/"),
    (unfinished_work, "docs/a.md", "All of it was done with method."),
    (dead_links, "docs/a.md", "[up](../LICENSE), [here](#there), [out](https://example.com/a.md)"),
]


def tracked_files() -> list[PurePosixPath]:
    listed = subprocess.run(
        # Whoever runs the tests need not own the checkout.
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [PurePosixPath(name) for name in listed.stdout.split("\0") if (ROOT / name).is_file()]


def is_text(content: bytes) -> bool:
    return b"\0" not in content


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_the_tracked_files_pass_every_guard(guard: Guard) -> None:
    contents = [(path, (ROOT / path).read_bytes()) for path in tracked_files()]

    found = [
        finding
        for path, content in contents
        if is_text(content)
        for finding in guard(path, content.decode(errors="replace"))
    ]

    assert found == []


@pytest.mark.parametrize(("guard", "path", "text"), BREACHES)
def test_a_planted_breach_is_found(guard: Guard, path: str, text: str) -> None:
    found = list(guard(PurePosixPath(path), text))

    assert len(found) == 1, found


@pytest.mark.parametrize(("guard", "path", "text"), LOOKALIKES)
def test_what_only_looks_like_a_breach_passes(guard: Guard, path: str, text: str) -> None:
    assert list(guard(PurePosixPath(path), text)) == []


def test_a_path_of_the_checkout_is_found_unless_it_could_be_a_route(tmp_path: Path) -> None:
    page = PurePosixPath("docs/a.md")

    in_a_folder = list(machine_paths(page, f"cd {tmp_path}/docs", root=tmp_path))
    at_the_top = list(machine_paths(page, "GET /checkout/page", root=Path("/checkout")))

    assert in_a_folder == [f"docs/a.md: {tmp_path}"]
    assert at_the_top == []


def test_every_guard_has_a_planted_breach_and_a_lookalike() -> None:
    assert {guard for guard, _, _ in BREACHES} == set(GUARDS)
    assert {guard for guard, _, _ in LOOKALIKES} == set(GUARDS)
