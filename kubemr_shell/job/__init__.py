"""The definition of a job: its spec, states, splits and names. Pure: no I/O, no clock, no threads."""
