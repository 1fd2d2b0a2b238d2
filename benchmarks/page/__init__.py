"""The page of a run: one file that shows its answer, its curves and its health without a network."""
