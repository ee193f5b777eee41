"""How often somebody may ask: by address, by who they are, and by how much they ask for."""

from app.rates.addresses import Addresses, UnreadableNetworkError
from app.rates.allowances import Allowances
from app.rates.counters import Counters
from app.rates.open_streams import OpenStreams, StreamLimits, StreamsFullError
from app.rates.rates import RateLimitedError, Rates, Unlimited
from app.rates.shared import SharedCounts
from app.rates.strikes import Strikes

__all__ = [
    "Addresses",
    "Allowances",
    "Counters",
    "OpenStreams",
    "RateLimitedError",
    "Rates",
    "SharedCounts",
    "StreamLimits",
    "StreamsFullError",
    "Strikes",
    "Unlimited",
    "UnreadableNetworkError",
]
