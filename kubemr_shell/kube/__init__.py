"""The Kubernetes API: one client for the board, the operator and the command line."""
