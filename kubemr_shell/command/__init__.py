"""Running the user's command: start it, serve its three streams, watch it, and say how it ended."""
