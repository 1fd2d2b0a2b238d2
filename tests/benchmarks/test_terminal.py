"""Tables and texts that fit a terminal."""

import os

import pytest

from gradest.benchmarks.terminal import WIDTH, columns_there, table_lines, wrapped


def test_long_names_go_on_below_and_what_is_right_stays_there():
    table = [
        ("", "estimator", "L", "error"),
        ("1", "a " * 60, "16", "x" * 30),
        ("2", "b", "4", "y"),
    ]
    lines = table_lines(table, 60, name=1, right=(0, 2))
    assert max(map(len, lines)) <= 60
    assert " ".join(lines).count("a ") + " ".join(lines).count("a\n") >= 59
    assert {line.index("16") + 1 for line in lines if "16" in line} == {lines[-1].index("4")}
    assert {line[:3] for line in lines[2:-1]} == {"   "}


def test_a_name_keeps_its_least_width_and_further_lines_their_sign():
    lines = table_lines([("one two six", "x" * 10)], 12, least=5, further="> ")
    assert lines == ["one    " + "x" * 10, "> two", "> six"]


def test_equations_stay_together():
    assert wrapped("x" * 74 + " L = 4.").splitlines()[1] == "  L = 4."


@pytest.mark.parametrize(("said", "columns"), [("60", 60), ("", WIDTH)])
def test_columns_are_those_that_the_environment_says(said, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", said)
    monkeypatch.setattr("os.get_terminal_size", lambda *_: os.terminal_size((0, 0)))
    assert columns_there() == columns
