"""The page of a run: one file with its answer, curves and health, which needs no network."""
