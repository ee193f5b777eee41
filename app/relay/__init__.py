"""Where word of a committed change leaves the process: hints of ids and versions, over `broadcaster`.

The event log is the truth and the broker a doorbell: every hint may be lost, doubled or late, and nothing but time is
lost with it. Apart from `app.live`, which serves the readers of one process and knows no broker.
"""

from app.relay.lines import RESYNC, Line, LineBackend, LineLimits
from app.relay.redis import RedisLine
from app.relay.relay import HintHearer, Relay, RelayLimits

__all__ = [
    "RESYNC",
    "HintHearer",
    "Line",
    "LineBackend",
    "LineLimits",
    "RedisLine",
    "Relay",
    "RelayLimits",
]
