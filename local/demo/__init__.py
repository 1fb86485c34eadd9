"""The demo company: a salon with fourteen months of customer history, and new events while `up` is running."""
