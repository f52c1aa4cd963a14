"""The operator starts the workers of jobs, reports their state and cleans up. Workers do not need it for their work."""
