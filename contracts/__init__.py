"""What rooms exchange: names, ids, timeouts, messages, requests and results, and the client side of Temporal."""
