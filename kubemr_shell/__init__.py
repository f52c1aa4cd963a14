"""MapReduce for any shell command: on one machine, and inside Kubernetes with nothing to operate."""

__version__ = "0.1.0"
