"""Loops that run beside a worker: roll-ups and company gauges."""
