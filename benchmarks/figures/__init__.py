"""A run's figures: as data, drawn with matplotlib, and written to files."""
