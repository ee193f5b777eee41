"""The nursery: a process that has imported the product once, points and all, and forks a server whenever it is asked.

`python -m tests.faults.nursery planted`, or another of the builds. A start costs a fork instead of seconds of
importing. It reads one JSON object a line: `{"serve": {...}}`; and writes `{"pid": ...}` for each, and
`{"ended": pid, "code": ...}` when one has ended, negative for a signal. It ends, and all its servers with it, when its
input ends.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import uvloop

from tests.awaits import all_awaits
from tests.faults import planting
from tests.faults.board import Board
from tests.faults.money_path import BUILDS

if TYPE_CHECKING:
    from collections.abc import Mapping

LANES_SECONDS: Final = 0.02
IMPORTED_LATE: Final = (
    "anyio._backends._asyncio",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
)
"""What a server would import when it is needed first: a good part of what its short life costs."""
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """What a server is born with: an open listening socket, its database, its board and its settings."""

    listener: int
    dsn: str
    board: str
    log: str
    settings: Mapping[str, str] = field(default_factory=dict)
    fresh: bool = False
    """Whether the application is put together by the server itself, and not by the nursery beforehand."""

    def line(self) -> bytes:
        """Return the request."""
        return json.dumps({"serve": asdict(self)}).encode() + b"\n"


def main() -> None:
    """Import everything, say so, and serve until the input ends."""
    planting.install(BUILDS[sys.argv[1]])
    _import_the_product()
    gc.collect()
    gc.freeze()
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    _say({"ready": os.getpid()})
    buffer = b""
    made: dict[str, Any] = {}
    while True:
        ready, _, _ = select.select([0, woken.fileno()], [], [])
        if woken.fileno() in ready:
            woken.recv(4096)
            _reap()
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                birth = Birth(**json.loads(line)["serve"])
                if birth.dsn not in made and not birth.fresh:
                    made[birth.dsn] = _made(birth)
                _say({"pid": _fork(birth, None if birth.fresh else made[birth.dsn])})


def _say(what: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _reap() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _say({"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _fork(birth: Birth, made: Any) -> int:  # noqa: ANN401 - an application
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Whatever becomes of the nursery, no server outlives it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        log = os.open(birth.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, log), (2, log)):
            os.dup2(source, target)
        planting.use(Board.shared(Path(birth.board)))
        uvloop.run(_serve(birth, made))
        code = 0
    except BaseException:  # noqa: BLE001 - a forked child must not fall into its parent's code
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _import_the_product() -> None:
    import app.cli.serving  # noqa: PLC0415 - only after points can be planted
    import app.gateways.sandbox.gateway  # noqa: F401, PLC0415 - found by its settings, and only then

    for late in IMPORTED_LATE:
        importlib.import_module(late)


def _wiring(birth: Birth) -> Any:  # noqa: ANN401 - the product's, imported late
    from app.main import Wiring  # noqa: PLC0415 - as above
    from app.settings import load_settings  # noqa: PLC0415

    settings = load_settings(**birth.settings)
    assert settings.secret_key is not None
    return Wiring(settings=settings, dsn=birth.dsn, secret_key=settings.secret_key.get_secret_value())


def _made(birth: Birth) -> Any:  # noqa: ANN401 - as above
    """Put an application together, to be started by whoever is forked: that is most of what a start costs."""
    from app.main import create_app  # noqa: PLC0415 - as above
    from app.sockets import Sockets  # noqa: PLC0415
    from schema import SUBPROTOCOL  # noqa: PLC0415

    made = create_app(_wiring(birth), Sockets(subprotocol=SUBPROTOCOL))
    gc.collect()
    gc.freeze()
    return made


async def _serve(birth: Birth, made: Any) -> None:  # noqa: ANN401 - as above
    from app.cli import serving  # noqa: PLC0415 - as above
    from app.logs import configure_logs  # noqa: PLC0415

    configure_logs(level="error", as_json=True)
    if made is not None:
        vars(serving)["create_app"] = lambda *_: made
    watching = asyncio.create_task(_watch_lanes(Board.shared(Path(birth.board))))
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGUSR1, _tell_what_is_awaited, Path(birth.board).with_name("awaited")
    )
    async with serving.serving(_wiring(birth), socket.socket(fileno=os.dup(birth.listener))):
        pass
    watching.cancel()


def _tell_what_is_awaited(told: Path) -> None:
    """Write where each task stands, down to the innermost await: what to look at when nothing goes on any more."""
    told.write_text("\n".join(all_awaits()))


async def _watch_lanes(board: Board) -> None:
    """Note how many of settle's lanes run: one that ended by an exception takes half of the throughput with it."""
    while True:
        board.lanes = sum(task.get_name().startswith("settle-") for task in asyncio.all_tasks())
        await asyncio.sleep(LANES_SECONDS)


if __name__ == "__main__":
    main()
