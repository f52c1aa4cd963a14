"""Bytes by URI: reading, atomic writing, and outputs that are staged before anybody can see them."""
