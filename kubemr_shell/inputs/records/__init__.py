"""The formats of records: where a record begins, how many there are, and whether the bytes obey their format."""
