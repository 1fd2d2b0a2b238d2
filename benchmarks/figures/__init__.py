"""A run's numbers as figures."""
