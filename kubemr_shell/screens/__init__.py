"""Says to people what a job does: progress, summary, failure, forecast. Makes lines of text from numbers."""
