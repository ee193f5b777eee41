"""Benchmarks: `make bench` prints, in one run, what webhooks and pushes cost here beside two yardsticks."""
