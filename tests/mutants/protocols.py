"""Defects of what is spoken: methods, handshakes, and streams that don't end when they should."""

from __future__ import annotations

from typing import Final

from tests.mutants.defect import Defect

_HTTP: Final = "tests/schema/test_http.py"
_STREAMS: Final = "tests/schema/test_event_streams.py"
_WIRE: Final = "tests/protocols/test_event_streams.py"

PROTOCOLS: Final = (
    Defect(
        name="a mutation is run by GET",
        file="schema/view.py",
        old='"GET": frozenset({OperationType.QUERY}),',
        new='"GET": frozenset({OperationType.QUERY, OperationType.MUTATION}),',
        tests=(f"{_HTTP}::test_a_mutation_by_get_is_405_and_not_run",),
    ),
    Defect(
        name="a websocket is spoken in any version",
        file="app/connections.py",
        old='if headers.get(b"sec-websocket-version") != b"13":',
        new="if False:",
        tests=("tests/protocols/test_rfc6455.py::test_a_handshake_is_refused",),
    ),
    Defect(
        name="a client that takes nothing is borne for ever",
        file="app/connections.py",
        old="self._stalled = self.loop.call_later(STALLED_SECONDS_MAX, self.transport.abort)",
        new="pass",
        tests=("tests/app/test_connections.py::test_who_takes_nothing_of_an_answer_is_cut_off",),
    ),
    Defect(
        name="a socket that is closed while it holds messages waits for its time limit",
        file="app/sockets/socket.py",
        old="            self.go_on()  # to the other side's close; what was held before it is passed over\n",
        new="",
        tests=("tests/app/test_sockets.py",),
    ),
    Defect(
        name="an event stream goes on though its client has left",
        file="schema/event_streams.py",
        old="        pass\n    running.cancel()\n",
        new="        pass\n    await asyncio.sleep(3600)\n",
        tests=(f"{_STREAMS}::test_who_leaves_ends_the_operation",),
    ),
    Defect(
        name="the process waits for event streams that never end",
        file="schema/event_streams.py",
        old="            scope[ON_SHUTDOWN] = running.cancel\n",
        new="",
        tests=(f"{_WIRE}::test_the_end_of_the_process_ends_a_stream_at_once_but_does_not_complete_it",),
    ),
    Defect(
        name="an event stream that broke off is said to be complete",
        file="schema/event_streams.py",
        old='"body": _COMPLETE if is_complete else b""',
        new='"body": _COMPLETE',
        tests=(f"{_STREAMS}::test_a_stream_that_the_process_ends_is_not_complete", _WIRE),
    ),
    Defect(
        name="a caller has any number of event streams",
        file="app/rates/open_streams.py",
        old="if any(self._open[who] >= most for who, most in limits.items()):",
        new="if False:",
        tests=(f"{_STREAMS}::test_a_caller_has_twenty_streams_at_once",),
    ),
    Defect(
        name="what fails while it is canceled takes the cancellation with it",
        file="app/tasks.py",
        old="results = await asyncio.gather(*parts, return_exceptions=True)",
        new="results = await asyncio.gather(*parts)",
        tests=(
            "tests/app/test_tasks.py::test_a_part_that_fails_when_all_are_canceled_does_not_take_the_cancellation",
        ),
    ),
    Defect(
        name="a task is told once that it is to end",
        file="app/tasks.py",
        old="await asyncio.wait(running, timeout=again_seconds)",
        new="return await asyncio.wait(running)",
        tests=("tests/app/test_tasks.py::test_tasks_are_told_again_until_they_have_ended",),
    ),
)
