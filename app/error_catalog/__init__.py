"""Every stable code that any answer may carry, said once: what happened, what to do, whether to come again.

From here come docs/errors.md, the pages under /errors, `extensions.docUrl` and `orderpulse explain`.
"""

from __future__ import annotations

from app.error_catalog.codes import CloseCode, ExitCode, RequestCode
from app.error_catalog.entries import CATALOG, Entry, find

__all__ = ["CATALOG", "PATH", "CloseCode", "Entry", "ExitCode", "RequestCode", "doc_url", "find"]

PATH = "/errors/"
"""Where a server shows the pages."""


def doc_url(docs_url: str, code: str) -> str:
    """Return where a code is explained; `docs_url` ends with a slash."""
    return f"{docs_url}{code}"
