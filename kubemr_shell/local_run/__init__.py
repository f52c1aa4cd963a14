"""Runs a whole job on this machine: the board in one file, one or more workers, the progress and the results."""
