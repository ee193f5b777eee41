"""Logs: one structured line an event, with the request's id, and without secrets or card numbers."""

from __future__ import annotations

import logging
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any, Final, TextIO

import orjson
import structlog

from app.card_numbers import without_card_numbers

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

    from structlog.typing import Processor

_SECRET_NAME: Final = re.compile(
    r"(?i)secret|token|password|authorization|cookie|signature|(?:api|staff|secret)_?key"
)
_SECRET_VALUE: Final = re.compile(
    r"\b(?:sk|rk|whsec|oat|opk)_[A-Za-z0-9_-]{6,}|\b\w+_secret_\w{6,}|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)"
)
FILE_BYTES_MAX: Final = 10_000_000
FILES_KEPT: Final = 3
_MASK: Final = "[redacted]"
_OUR_WORDS: Final = frozenset({"level", "logger", "gateway", "order", "payment"})
"""Fields that hold ids and words of our own making, and so nothing to mask."""
_OF_EVERY_RECORD: Final = frozenset(
    {*logging.LogRecord("", 0, "", 0, "", None, None).__dict__, "message", "asctime", "taskName"}
)


def configure_logs(
    *, level: str, as_json: bool, stream: TextIO = sys.stderr, file: Path | None = None, file_level: str = ""
) -> None:
    """Send everything that is logged in this process to `stream`, and as JSON to a `file`, which is bounded."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        redact,
        # The default draws every frame's variables, secrets among them, and takes half a second for it.
        structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
        ),
    ]
    handler = logging.StreamHandler(stream)
    if as_json:
        handler.setFormatter(JsonLines())
    else:
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=shared, processors=last, use_get_message=True
            )
        )
    # Where a line comes from, and on which thread, is not shown, so it need not be found out for each.
    # Source: https://docs.python.org/3/howto/logging.html#optimization
    logging._srcfile = None  # noqa: SLF001 - the documented way
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    handler.setLevel(level.upper())
    root.handlers = [handler, *([file_handler(file, file_level or level)] if file else [])]
    root.setLevel(min(each.level for each in root.handlers))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    # Alembic tells at length of what goes well. Debug lines of the SDK hold whole answers, and those of uvicorn whole
    # frames of websockets: shoppers' secrets included.
    for name, least in (
        ("alembic", logging.WARNING),
        ("stripe", logging.WARNING),
        ("uvicorn.error", logging.INFO),
    ):
        logging.getLogger(name).setLevel(max(least, root.level))


def file_handler(path: Path, level: str, *, bytes_max: int = FILE_BYTES_MAX) -> logging.Handler:
    """Return what writes to a file as JSON, its owner's alone; when it is full, a new one is begun."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handler = RotatingFileHandler(path, maxBytes=bytes_max, backupCount=FILES_KEPT - 1, encoding="utf-8")
    with suppress(OSError):  # another's file, that may be written all the same
        path.chmod(0o600)
    handler.setFormatter(JsonLines())
    handler.setLevel(level.upper())
    return handler


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, event, the request's id, and whatever the event came with.

    What structlog's chain would write, in a tenth of the time: each settled webhook writes a line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        event: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **structlog.contextvars.get_contextvars(),
        }
        event |= {name: value for name, value in record.__dict__.items() if name not in _OF_EVERY_RECORD}
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(redact(None, "", event), default=str).decode()


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask what is named like a secret, looks like one, or could be a card number."""
    for name, value in event.items():
        if _is_secret(name):
            event[name] = _MASK
        elif isinstance(value, str) and name not in _OUR_WORDS:
            event[name] = scrub(value)
    return event


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def scrub(text: str) -> str:
    """Return the text with secrets and Luhn-valid card numbers masked."""
    return without_card_numbers(_SECRET_VALUE.sub(_MASK, text), lambda _: _MASK)
