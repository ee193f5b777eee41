"""`orderpulse chaos`: a shop and its gateways gone mad, and whether every payment found its order all the same.

`world` starts everything, `shop` is the staff's side of it, `stories` what shoppers and banks do, `verdict` compares
what is known in the end with what really happened.
"""

from __future__ import annotations

from app.cli.chaos.running import ChaosOptions, run_chaos

__all__ = ["ChaosOptions", "run_chaos"]
