"""Queries for operators: validation, query plans, gauges, maintenance, the demo company."""
