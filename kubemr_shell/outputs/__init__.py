"""The outputs of runs on this machine: takes, checks, owns and cleans them, and reads their results."""
