"""One file per revision, named NNNN_what_it_does.py, in order."""
