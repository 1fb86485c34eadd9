"""Reads and writes of journeys: ledger, projection, timeline, rulebooks."""
