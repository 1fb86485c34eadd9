"""The HTTP gateway. No other room knows HTTP."""
