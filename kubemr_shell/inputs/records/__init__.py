"""The formats of input records: they find the boundaries of records, count records, and check their format."""
