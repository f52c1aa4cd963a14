"""Claims tasks, runs the commands on them and commits what they made, until the phase is over."""
