"""`name[argument=value,…]`, and what is wrong with what is not."""

import pytest

from gradest.problems import named_problem, problem
from gradest.problems.registry.naming import parse, resolve, written

REGISTRY = {"score_function": None, "pathwise": None}
ALIASES = {"rloo": ("score_function", {"baseline": "leave_one_out"})}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pathwise", ("pathwise", {})),
        (" pathwise ", ("pathwise", {})),
        ("pathwise[]", ("pathwise", {})),
        ("a[b=c]", ("a", {"b": "c"})),
        ("a [ b = 1 , c=2.5 ]", ("a", {"b": 1, "c": 2.5})),
        ("a[b=true,c=False]", ("a", {"b": True, "c": False})),
        ("a[b='sobol']", ("a", {"b": "sobol"})),
        ("my_module:Mine[b=-1e-3]", ("my_module:Mine", {"b": -0.001})),
    ],
)
def test_what_is_written_is_read(text, expected):
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["", "a[b=1", "a]", "a[b=1]c", "[b=1]", "a[[b=1]]", "a[b]"])
def test_another_shape_is_refused(text):
    with pytest.raises(ValueError, match=r"expected (name|argument=value)"):
        parse(text)


@pytest.mark.parametrize("given", [{}, {"b": 1.5}, {"b": True, "c": "word"}])
def test_what_is_written_reads_back(given):
    assert parse(written("a", given)) == ("a", given)


@pytest.mark.parametrize("text", ["rloo", "RLOO", "rloo[baseline=leave_one_out]", " Rloo "])
def test_aliases(text):
    expected = ("score_function", {"baseline": "leave_one_out"})
    assert resolve("estimator", REGISTRY, text, {}, ALIASES) == expected


def test_arguments_come_from_both_sides():
    found = resolve("estimator", REGISTRY, "rloo[coupling=none]", {"dim": 2}, ALIASES)
    assert found[1] == {"baseline": "leave_one_out", "coupling": "none", "dim": 2}


def test_other_spellings():
    assert resolve("estimator", REGISTRY, "Score-Function") == ("score_function", {})
    assert resolve("estimator", REGISTRY, "score function") == ("score_function", {})


def test_contradictions_are_refused():
    stands_for = (
        r"'rloo', which stands for score_function\[baseline=leave_one_out\]: baseline = 'mean'"
    )
    with pytest.raises(ValueError, match=stands_for):
        resolve("estimator", REGISTRY, "rloo", {"baseline": "mean"}, ALIASES)
    with pytest.raises(ValueError, match=r"problem 'a\[k=1\]': k = 2: expected 1 or nothing"):
        resolve("problem", {"a": None}, "a[k=1]", {"k": 2})


def test_the_nearest_name():
    """It may be an alias."""
    with pytest.raises(ValueError, match="did you mean rloo"):
        resolve("estimator", REGISTRY, "rlo", {}, ALIASES)


def test_a_problem_by_text():
    assert float(problem("gaussian_square[k=2]", dim=3).k) == 2
    assert named_problem("my:Own[a=1]") == ("my:Own", {"a": 1})
    with pytest.raises(ValueError, match=r"problem 'gaussian_squar'.*did you mean gaussian_square"):
        problem("gaussian_squar")
