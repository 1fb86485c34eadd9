"""What rooms say to each other: names, ids, limits, messages, requests and results, and the client side of Temporal."""
