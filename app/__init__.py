"""Orderpulse: use cases, the edge, and what wires them together."""
