"""The state folder of a job on this machine: its files, its board, and the processes that dead workers left running."""
