"""Websockets by the ten thousands: RFC 6455 in a protocol class of uvicorn's, without a task or a queue for each.

It knows nothing of what is said over a socket: that is a `Conversation`'s. What all sockets of a process share (who may
come in, the heartbeat, the leaving) is in `Sockets`. Why it is our own is in docs/adr/0017-own-websockets.md.
"""

from app.sockets.conversation import Conversation
from app.sockets.frames import MESSAGE_BYTES_MAX, text_header
from app.sockets.handshake import SOCKET_EXTENSION
from app.sockets.registry import SocketLimits, Sockets
from app.sockets.socket import Socket, socket_class

__all__ = [
    "MESSAGE_BYTES_MAX",
    "SOCKET_EXTENSION",
    "Conversation",
    "Socket",
    "SocketLimits",
    "Sockets",
    "socket_class",
    "text_header",
]
