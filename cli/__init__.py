"""The ``journey`` command: one file per command, in a folder per panel of `journey --help`."""
