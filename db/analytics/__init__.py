"""Analytics: roll-ups and the figures computed from them."""
