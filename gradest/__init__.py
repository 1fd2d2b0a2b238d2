"""gradest measures Monte Carlo gradient estimators."""
