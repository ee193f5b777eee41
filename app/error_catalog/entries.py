"""What each code means, in words for whoever meets it; the domain's are in `refusals.py`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from app.error_catalog.codes import CloseCode, ExitCode, RequestCode
from app.error_catalog.refusals import NEVER, NO, REFUSALS, SOON, WITH_ITS_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(StrEnum):
    """Where a code stands."""

    REFUSAL = "Refusals"
    REQUEST = "Requests that were not run"
    CLOSE = "Websockets' close codes"
    EXIT = "The command line's exit codes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One code. `retry` says whether the same thing may be sent again, and when."""

    code: str
    kind: Kind
    title: str
    happened: str
    to_do: str
    retry: str


_REQUESTS: Final[Mapping[RequestCode, tuple[str, str, str, str]]] = {
    RequestCode.BAD_REQUEST: (
        "The request can't be run",
        (
            "It is not GraphQL over HTTP or graphql-transport-ws, or its document does not go with the "
            "schema: a syntax error, a field that doesn't exist, a variable of another type. Nothing was "
            "done."
        ),
        "Read the message; `locations` point into the document. Try it in GraphiQL, which knows the schema.",
        NO,
    ),
    RequestCode.UNAUTHENTICATED: (
        "The credentials open nothing",
        (
            "A key or token was sent that is mistyped, has expired, or was taken back. Wrong credentials "
            "are never taken for none."
        ),
        (
            "Send `Authorization: Bearer …` with a staff key, an API key, a JWT or an order's access token;"
            " or nothing, to be a guest."
        ),
        NO,
    ),
    RequestCode.CARD_NUMBER: (
        "There is a card number in the request",
        "Something looks like a card number, so nothing of the request was done, kept or logged.",
        "Send shoppers to the gateway's own page or fields: card numbers never pass through here.",
        NEVER,
    ),
    RequestCode.PERSISTED_QUERY_NOT_FOUND: (
        "The document is not known by this hash",
        "`extensions.persistedQuery` came without the text, and this server has not seen the text before.",
        "Send the text along once; clients of Apollo's do that by themselves.",
        "Yes, with the text.",
    ),
    RequestCode.PERSISTED_QUERY_NOT_SUPPORTED: (
        "Documents aren't remembered here",
        "The server runs with ORDERPULSE_AUTOMATIC_DOCUMENTS off.",
        "Send the document's text, or its `documentId` where it is on the server's list.",
        "Yes, with the text.",
    ),
    RequestCode.DOCUMENT_NOT_TRUSTED: (
        "Only listed documents are run here",
        "The server runs with ORDERPULSE_TRUSTED_DOCUMENTS=only, and this document is not on its list.",
        "Add it to the list, or ask for one that is there.",
        NO,
    ),
    RequestCode.UNAVAILABLE: (
        "The server can't do this right now",
        "The database is away, or the server is full or stopping. What had been answered before is safe.",
        "Wait a second and send it again; mutations under the same idempotency key.",
        WITH_ITS_KEY,
    ),
    RequestCode.INTERNAL: (
        "Something broke on our side",
        "Nobody expected this. The log has it under `errorId` and `requestId`, with where it happened.",
        (
            "Send a mutation again under the same idempotency key. If it stays, report both ids: "
            "`orderpulse logs tail --request ID` shows the lines."
        ),
        WITH_ITS_KEY,
    ),
}
_CLOSES: Final[Mapping[CloseCode, tuple[str, str, str, str]]] = {
    CloseCode.MESSAGE_TOO_BIG: (
        "A message was too long",
        "A client's message had more characters than a frame may have.",
        "Send values as variables, and documents by their `documentId`.",
        NO,
    ),
    CloseCode.SERVICE_RESTART: (
        "The server is restarting",
        "It stops for a deployment or a restart. No event is lost.",
        "Connect again, and go on from the last cursor: `orderEvents(after:)`.",
        SOON,
    ),
    CloseCode.TRY_AGAIN_LATER: (
        "The server can't take this now",
        (
            "The database is away, or as many watch as can be served, or too many connections were opened "
            "from this address."
        ),
        "Connect again with a growing delay, and go on from the last cursor.",
        SOON,
    ),
    CloseCode.BAD_MESSAGE: (
        "A message is not of the protocol",
        (
            "It is no JSON object of a type that graphql-transport-ws has, or lacks what its type needs. "
            "The reason says which."
        ),
        "Use a client of graphql-transport-ws, such as graphql-ws.",
        NO,
    ),
    CloseCode.UNAUTHORIZED: (
        "An operation came before the acknowledgement",
        "A client subscribed before `connection_ack` had come.",
        "Send `connection_init`, wait for `connection_ack`, then subscribe.",
        NO,
    ),
    CloseCode.FORBIDDEN: (
        "The credentials open nothing",
        "The payload of `connection_init` holds a key or token that is not good, or no more.",
        "Send a good one as `authorization` or `orderAccessToken`, or none.",
        NO,
    ),
    CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE: (
        "The subprotocol is not spoken here",
        "The client asked for another one than graphql-transport-ws.",
        "Use graphql-ws; subscriptions-transport-ws is given up by its makers and not served.",
        NO,
    ),
    CloseCode.INIT_TIMEOUT: (
        "The connection was not begun in time",
        "No `connection_init` came within ten seconds.",
        "Send it as soon as the socket is open.",
        SOON,
    ),
    CloseCode.SUBSCRIBER_EXISTS: (
        "The id is in use",
        "An operation was begun under the id of one that still runs on this socket.",
        "Give each operation an id of its own.",
        NO,
    ),
    CloseCode.TOO_MANY_REQUESTS: (
        "The connection was begun twice",
        "`connection_init` came a second time.",
        "Send it once for each socket.",
        NO,
    ),
}
_EXITS: Final[Mapping[ExitCode, tuple[str, str, str, str]]] = {
    ExitCode.OK: ("It is done", "The command did what it was asked for.", "Nothing.", NEVER),
    ExitCode.FAILED: (
        "It is not as it must be",
        "Something on this machine is in the way, or a check found something wrong: stderr says what.",
        "Do what the message says; `orderpulse doctor` looks at everything.",
        NO,
    ),
    ExitCode.USAGE: (
        "The command line is wrong",
        "An option, an argument or a value does not exist.",
        "Look at `--help` of the command: it has examples.",
        NO,
    ),
    ExitCode.UNREACHABLE: (
        "The server does not answer",
        "Nothing answers at the address, or not as Orderpulse does.",
        "Start one by `orderpulse demo`, or name it: `--url` or ORDERPULSE_URL.",
        SOON,
    ),
    ExitCode.NO_ACCESS: (
        "The key does not open this",
        "There is no key, it is not good, or it lacks a scope.",
        "Name a staff key or API key: `--key` or ORDERPULSE_KEY.",
        NO,
    ),
    ExitCode.NOT_FOUND: (
        "There is no such thing",
        "The server knows nothing by this id, number or code.",
        "List what there is: `orderpulse orders list`, `orderpulse events list`, `orderpulse explain`.",
        NO,
    ),
    ExitCode.REFUSED: (
        "The server refused",
        "It answered with a code of its own, which stderr names.",
        "Look it up: `orderpulse explain CODE`.",
        "As that code says.",
    ),
    ExitCode.NO_OUTCOME: (
        "It has not come to an end yet",
        "It was done, but what was waited for has not shown in time.",
        "Look again later, or wait longer; see whether a worker runs: `orderpulse doctor`.",
        SOON,
    ),
    ExitCode.INTERRUPTED: ("It was stopped", "Ctrl-C ended the command.", "Nothing.", "Yes."),
}


def _entries() -> dict[str, Entry]:
    words = [
        *((str(code), Kind.REFUSAL, said) for code, said in REFUSALS.items()),
        *((str(code), Kind.REQUEST, said) for code, said in _REQUESTS.items()),
        *((str(code.value), Kind.CLOSE, said) for code, said in _CLOSES.items()),
        *((f"EXIT_{code.value}", Kind.EXIT, said) for code, said in _EXITS.items()),
    ]
    return {
        code: Entry(code=code, kind=kind, title=said[0], happened=said[1], to_do=said[2], retry=said[3])
        for code, kind, said in words
    }


CATALOG: Final[Mapping[str, Entry]] = _entries()
"""By code: a word, a websocket's close code, or `EXIT_` and an exit code."""


def find(code: str) -> Entry | None:
    """Return the entry of a code as people write it; a bare small number is an exit code."""
    wanted = code.strip().upper().replace("-", "_")
    return CATALOG.get(wanted) or CATALOG.get(f"EXIT_{wanted}")
