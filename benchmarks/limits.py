"""What a sweep may ask for at most, each limit with its reason.

Those of the arguments of problems and estimators are in `gradest.problems.arguments`.
"""

MOST_BYTES = 1_000_000
"""Of a sweep's file: the largest preset has four thousand, and Python's parser takes a second for
these."""

MOST_CHARACTERS = 100
"""Of a sweep's name, which is a folder's: file systems allow 255 bytes, suffixes included."""

MOST_REPLICATES = 2**32 - 1
"""R. A replicate's index is folded into its key in 32 bits, and the last is the warm-up's: beyond,
indices would begin again, and replicates would repeat."""

MOST_ELEMENTS = 2**28
"""Of what holds the draws of one estimate, or θ: 1 GiB of float32, and an estimate is made of
several such arrays. What is larger is likely to end with the process killed, unexplained."""

MOST_SAMPLES = MOST_ELEMENTS
"""L: the draws of one estimate are in memory at once, and each is a number at least."""

MOST_STEPS = 1_000_000
"""Estimates that warm up a state: they are made one after the other, in each of 32 batches."""

MOST_SEEDS = 1_000
"""Of a training: each is run by itself, one after the other."""

MOST_COMBINATIONS = 1_000
"""Of one entry's arguments: each is an object that is made and traced, in ten milliseconds, before
the first cell is measured."""

MOST_CELLS = 50_000
"""Of a sweep: at a second each it takes fourteen hours, and its tables are read as a whole."""

MOST_PROCESSES = 1_000
"""In which a run is timed again, one after the other: each takes seconds to start."""

MOST_COMPLAINTS = 20
"""That are printed of one input; how many more there are is said."""

LONGEST_PLACE = 300
"""Characters of a file's or a sweep's name in an error."""

LONGEST_COMPLAINT = 2_000
"""Characters of one: enough for the names of all estimators."""
