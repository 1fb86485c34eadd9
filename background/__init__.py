"""Loops that run in every worker process: rollups and company gauges."""
