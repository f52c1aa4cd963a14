"""Compressed files that are cut: the places where decompression can begin, and the records of a piece."""
