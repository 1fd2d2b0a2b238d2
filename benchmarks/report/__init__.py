"""A run's numbers in words and tables."""
