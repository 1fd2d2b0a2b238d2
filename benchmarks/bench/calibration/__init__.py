"""How often the intervals and tests are right, by simulation."""
