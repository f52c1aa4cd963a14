"""Deploys the workers of jobs, says what becomes of them, cleans up. The work itself needs it for nothing."""
