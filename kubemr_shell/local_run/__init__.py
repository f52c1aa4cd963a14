"""Runs a whole job on this machine, with one worker or more."""
