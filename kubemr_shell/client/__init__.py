"""Jobs of a cluster as their users see them: submit, follow, read logs and results, retry, cancel, delete."""
