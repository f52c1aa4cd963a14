"""The client of the Kubernetes API, for the board, the operator and the command line."""
