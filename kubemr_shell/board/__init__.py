"""The board: a document store, and above the store the rules of claims, leases and commits."""
