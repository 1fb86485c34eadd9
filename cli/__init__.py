"""The `journey` command; `up` supervises the embedded parts."""
