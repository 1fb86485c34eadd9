"""The gateway: the only room that knows HTTP."""
