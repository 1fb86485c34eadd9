"""An invented company to look at: a salon, fourteen months of its customers' lives, and what goes on happening."""
