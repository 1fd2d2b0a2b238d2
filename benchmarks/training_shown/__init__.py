"""Training as a reader sees it: in words, in tables, in figures."""
