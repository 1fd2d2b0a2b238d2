"""A small sweep that tests of many rooms run, and a progress that prints nothing."""

GOOD_SWEEP = """
schema = 1
name = "small"
replicates = 4000
samples = [1, 4]

[[problem]]
name = "gaussian_square"
k = [-3.0, 3.0]

[[problem]]
name = "bernoulli_square"
samples = [2]
replicates = 800

[[estimator]]
name = "score_function"
baseline = ["none", "leave_one_out"]

[[estimator]]
name = "pathwise"
"""
"""Valid, measured in seconds, and some cells are skipped; tests of errors change a line of it."""


class Quiet:
    """A progress that prints nothing, and interrupts after so many cells if asked to."""

    def __init__(self, interrupt_after: int = 10**9):
        self.left = interrupt_after
        self.missing = None

    def start(self, missing):
        self.missing = missing

    def __call__(self, cell, status, seconds):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
