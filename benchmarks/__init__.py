"""The benchmarks. ``make bench`` measures kubemr-shell, the commands alone, and the alternatives in one run."""
