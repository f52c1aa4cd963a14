"""A whole job on this machine: the board in one file, one or more workers, progress and results."""
