"""What a user's class raises is told without what a terminal would obey."""

from gradest.problems.registry.own_faults import fault_of, located


def test_escapes_are_written_out():
    error = ValueError("boom \x1b[31m red\x07")
    assert located(error, "mine.py:3") == r"mine.py:3: ValueError: boom \x1b[31m red\x07"
    assert fault_of(error) == r"boom \x1b[31m red\x07"
