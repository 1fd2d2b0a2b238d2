"""Evidence lower bounds: VAEs, tighter bounds, regressions and networks of hidden variables."""
