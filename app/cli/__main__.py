"""`python -m app.cli` is `orderpulse`."""

from __future__ import annotations

from app.cli.commands import main

if __name__ == "__main__":
    main()
