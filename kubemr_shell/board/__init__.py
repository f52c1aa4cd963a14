"""Who works on what: a document store, and above it the only rules of claims, leases and commits."""
