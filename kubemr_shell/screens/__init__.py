"""Makes lines of text from the facts about a job: its progress, its summary, its failure, its forecast."""
