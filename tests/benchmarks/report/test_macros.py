"""Names of macros: TeX accepts them, and no two are alike."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from gradest.benchmarks.report.macros import Macro, exactly, letters, names_of

PART = st.one_of(
    st.sampled_from(
        ["k = 1.5", "k = 15", "k = -1", "k = 1", "μ", "σ", "a/b", "NA", "", "a_b", "aB"]
    ),
    st.floats().map(repr),
    st.text(max_size=5),
)
PARTS = st.lists(PART, min_size=1, max_size=4).map(tuple)


def named(*all_parts):
    return names_of([Macro(parts, parts, "0") for parts in all_parts])


def test_what_is_unique_keeps_its_short_name():
    assert named(("temperature = 0.5",), ("k_m1",)) == ["TemperatureZeroFive", "KMOne"]


def test_signs_are_spelled_where_names_would_be_alike():
    assert named(("k = 1.5",), ("k = 15",)) == ["KOnePointFive", "KOneFive"]
    assert named(("k = -1",), ("k = 1",)) == ["KMinusOne", "KOne"]


def test_greek_names_can_be_read():
    assert named(("μ",), ("σ",), ("µ",)) == ["Mu", "Sigma", "MuNumberTwo"]
    assert letters("λ", "Ω") == "LambdaOmega"
    assert letters("τ") == "Temperature"


def test_symbols_are_named_where_there_is_nothing_else():
    """A longer text without a letter that TeX has is numbered."""
    symbols = ("x", "∇"), ("x", "∂"), ("x", "+")
    assert named(*symbols) == ["XNabla", "XPartialDifferential", "XPlusSign"]
    assert named(("∇",), ("μ",)) == ["", "Mu"]
    assert named(("градиент", "x"), ("оценка", "x")) == ["X", "XNumberTwo"]


def test_what_is_alike_even_so_is_numbered():
    assert named(("a_b",), ("aB",), ("AB",)) == ["AB", "ABNumberTwo", "ABNumberThree"]
    assert exactly("a_b") == exactly("aB")


def test_a_number_takes_no_name_that_another_has():
    names = named(("a_b",), ("aB",), ("aB number two",))
    assert names == ["AB", "ABNumberThree", "ABNumberTwo"]


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.lists(PARTS, unique=True, max_size=30))
def test_no_two_are_alike(all_parts):
    names = named(*all_parts)
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[A-Za-z]*", name) for name in names)
