"""Commands for event logs: import and simulate."""
