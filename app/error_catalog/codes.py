"""The codes beside those of the domain's refusals (`app.domain.errors.ErrorCode`)."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class RequestCode(StrEnum):
    """Why a request was not run, or not to its end: `extensions.code` beside the domain's codes."""

    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    CARD_NUMBER = "CARD_NUMBER"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


class CloseCode(IntEnum):
    """With what a websocket is closed.

    Source: RFC 6455, section 7.4; github.com/enisdenjo/graphql-ws, PROTOCOL.md, 2026-11.
    """

    MESSAGE_TOO_BIG = 1009
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INIT_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY_REQUESTS = 4429


class ExitCode(IntEnum):
    """With what a command of the command line ends."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    NO_ACCESS = 4
    NOT_FOUND = 5
    REFUSED = 6
    NO_OUTCOME = 7
    INTERRUPTED = 130
