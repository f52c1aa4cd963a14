"""Waits that end at once when they are cancelled, threads that wait, and the pauses between two tries of a request."""
