"""What the gateway answers, one file for each kind of thing."""
