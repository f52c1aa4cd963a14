"""The state folder of a job on this machine: its files, its board, and what dead workers left running."""
