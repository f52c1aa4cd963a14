"""`make bench`: kubemr-shell beside the commands alone and the alternatives, measured in one run."""
