"""The built files of `static/`: found at start, served from memory, cached by the browser for ever.

Scripts and styles are kept gzipped only, which halves the repository and the wheel; the rare client that
does not take gzip gets them unpacked. That is why no general file server stands here: those want the
originals on disk.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

STATIC_FOLDER: Final = Path(__file__).with_name("static")
FOREVER: Final = "public, max-age=31536000, immutable"
AN_HOUR: Final = "public, max-age=3600"

_FOR_ALL_ORIGINS: Final = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
_HASHED_NAME: Final = re.compile(r"-[A-Z0-9]{8}\.\w+$")
_MEDIA_TYPES: Final = {".js": "text/javascript", ".ttf": "font/ttf", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file as it is sent. `body` is gzipped where `gzipped` says so."""

    body: bytes
    gzipped: bool
    media_type: str
    etag: str
    cache_control: str


@dataclass(frozen=True, slots=True)
class Assets:
    """Every built file by its path below `/static/`, and the hashed names of the entry points."""

    files: Mapping[str, Asset]
    manifest: Mapping[str, str]

    @classmethod
    def load(cls, folder: Path = STATIC_FOLDER) -> Assets:
        """Read the folder that `npm run build` wrote (about 2.5 MB)."""
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
        files = {path.relative_to(folder).as_posix().removesuffix(".gz"): _read(path) for path in paths}
        return cls(files, manifest)

    def url(self, entry: str) -> str:
        """Return the address of an entry point, e.g. `track.js`."""
        return f"/static/{self.manifest[entry]}"

    def text(self, entry: str) -> str:
        """Return an entry point as it was before it was packed, to be written into a page."""
        return gzip.decompress(self.files[self.manifest[entry]].body).decode()

    async def serve(self, request: Request) -> Response:
        """Answer `GET /static/{path}`."""
        asset = self.files.get(request.path_params["path"])
        if asset is None:
            raise HTTPException(404)
        return await _answer(request, asset, cache_control=asset.cache_control)

    def embedded(self, entry: str) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers for an entry point that pages of other origins load by a name that stays."""
        asset = self.files[self.manifest[entry]]

        async def serve(request: Request) -> Response:
            return await _answer(request, asset, cache_control=AN_HOUR, more=_FOR_ALL_ORIGINS)

        return serve


async def _answer(
    request: Request, asset: Asset, *, cache_control: str, more: Mapping[str, str] | None = None
) -> Response:
    headers = {
        "Cache-Control": cache_control,
        "ETag": asset.etag,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        **(more or {}),
    }
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    body = asset.body
    if asset.gzipped:
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            headers["Content-Encoding"] = "gzip"
        else:
            body = await run_in_threadpool(gzip.decompress, body)
    return Response(body, headers=headers, media_type=asset.media_type)


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    name = path.name.removesuffix(".gz")
    suffix = Path(name).suffix
    return Asset(
        body=body,
        gzipped=path.suffix == ".gz",
        media_type=_MEDIA_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream",
        etag=f'W/"{hashlib.sha256(body).hexdigest()[:32]}"',
        cache_control=FOREVER if _HASHED_NAME.search(name) else AN_HOUR,
    )


def _takes_gzip(accept_encoding: str) -> bool:
    for part in accept_encoding.lower().split(","):
        coding, _, parameters = part.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return not re.fullmatch(r"\s*q=0(\.0*)?\s*", parameters)
    return False
