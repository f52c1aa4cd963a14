"""Storage of bytes by URI: reads, atomic writes, and outputs that are staged before they become visible."""
