"""Built files: found, compressed, cached, and nothing else reachable."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, Final

import httpx2
import pytest

from app.web.assets import STATIC_FOLDER

if TYPE_CHECKING:
    from app.web.assets import Assets


async def fetch(base_url: str, path: str, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=base_url) as client:
        return await client.get(
            path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )


async def test_a_script_is_sent_as_stored_to_a_client_that_takes_gzip(assets: Assets, base_url: str) -> None:
    answer = await fetch(base_url, assets.url("track.js"), accept_encoding="br, gzip;q=0.8")

    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("accept_encoding", ["identity", "", "br", "gzip;q=0", "gzip; q=0.000"])
async def test_a_script_is_unpacked_for_a_client_that_does_not_take_gzip(
    assets: Assets, base_url: str, accept_encoding: str
) -> None:
    name = assets.manifest["track.js"]

    answer = await fetch(base_url, assets.url("track.js"), accept_encoding=accept_encoding)

    assert "content-encoding" not in answer.headers
    assert answer.content == gzip.decompress((STATIC_FOLDER / f"{name}.gz").read_bytes())


async def test_a_file_that_the_browser_has_is_not_sent_again(base_url: str) -> None:
    first = await fetch(base_url, "/static/products/kettle.svg")

    second = await fetch(base_url, "/static/products/kettle.svg", if_none_match=first.headers["etag"])

    assert (first.status_code, first.headers["content-type"]) == (200, "image/svg+xml")
    assert first.headers["cache-control"] == "public, max-age=3600"
    assert (second.status_code, second.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/nothing.js",
        "/static/../routes.py",
        "/static/%2e%2e/routes.py",
        "/static//etc/passwd",
    ],
)
async def test_nothing_but_built_files_is_served(base_url: str, path: str) -> None:
    answer = await fetch(base_url, path)

    assert answer.status_code == 404


async def test_every_entry_point_of_the_manifest_is_there(assets: Assets) -> None:
    assert {name for name in assets.manifest.values() if name not in assets.files} == set()
    assert sorted(assets.manifest) == [
        "console.css",
        "console.js",
        "graphiql.css",
        "graphiql.js",
        "order-tracker.hi.js",
        "order-tracker.js",
        "plain.css",
        "shop.css",
        "shop.js",
        "track.css",
        "track.js",
    ]


SIZES_MAX: Final = {
    ("track.js", "track.css"): 8_000,
    ("shop.js", "shop.css"): 30_000,
    ("console.js", "console.css"): 60_000,
    ("order-tracker.js",): 5_000,
    ("order-tracker.hi.js",): 2_500,
}
"""Gzipped bytes of all that a page, or a tag, loads at first."""


@pytest.mark.parametrize("entries", SIZES_MAX)
def test_a_page_stays_small(assets: Assets, entries: tuple[str, ...]) -> None:
    names = {assets.manifest[entry] for entry in entries}
    files = [assets.files[name] for name in names | imported(assets, names)]

    assert all(file.gzipped for file in files)
    assert sum(len(file.body) for file in files) <= SIZES_MAX[entries]


def imported(assets: Assets, names: set[str]) -> set[str]:
    """Return the files that these can't begin without; what is loaded later isn't among them."""
    texts = [gzip.decompress(assets.files[name].body).decode() for name in names if name.endswith(".js")]
    return {found for text in texts for found in re.findall(r'from"\./(chunk-\w+\.js)"', text)}


@pytest.mark.parametrize("name", ["order-tracker.js", "order-tracker.hi.js"])
async def test_the_web_component_is_served_to_every_origin_by_a_name_that_stays(
    assets: Assets, base_url: str, name: str
) -> None:
    first = await fetch(base_url, f"/{name}", accept_encoding="gzip", origin="https://shop.example")
    second = await fetch(base_url, f"/{name}", if_none_match=first.headers["etag"])

    assert first.status_code == 200
    assert first.text == assets.text(name)
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    assert first.headers["content-encoding"] == "gzip"
    assert (second.status_code, second.content) == (304, b"")
    for answer in (first, second):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert answer.headers["cache-control"] == "public, max-age=3600"
