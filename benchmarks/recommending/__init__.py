"""Which estimator to use for a budget: measured here, or read from a finished run."""
