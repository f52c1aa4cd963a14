"""The stores of documents below the rules of the board: the interface, JSON Patch, and one store for each place."""
