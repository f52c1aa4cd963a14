"""The worker: it claims tasks, runs the commands and commits their outputs, until the job is over."""
