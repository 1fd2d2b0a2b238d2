"""Other names stand for estimators that there are."""

import pytest

from gradest.estimators import ESTIMATORS, estimator, named_estimator
from gradest.estimators.aliases import ALIASES, ELSEWHERE
from gradest.problems import PROBLEMS
from gradest.problems.registry.lookup import build


@pytest.mark.parametrize("name", ALIASES)
def test_each_name_makes_its_estimator(name):
    registered, arguments = ALIASES[name]
    made = estimator(name)
    expected = build("estimator", ESTIMATORS, registered, arguments)
    assert type(made) is type(expected)
    assert repr(made) == repr(expected)


def test_names_are_nobody_elses():
    names = [name for entry in ELSEWHERE for name in entry.names]
    assert len(names) == len(set(names))
    assert not set(names) & {*ESTIMATORS, *PROBLEMS}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("reinforce", ("score_function", {})),
        ("RLOO", ("score_function", {"baseline": "leave_one_out"})),
        ("reparameterization", ("pathwise", {})),
        ("nvil", ("score_function", {"baseline": "input_dependent"})),
        ("MuProp", ("score_function", {"control_variate": "first_order"})),
        ("stl", ("sticking_the_landing", {})),
        ("ars", ("arsm", {"merge": False})),
        (
            "rloo[coupling=independent]",
            ("score_function", {"baseline": "leave_one_out", "coupling": "independent"}),
        ),
    ],
)
def test_names_that_users_type(name, expected):
    assert named_estimator(name) == expected


def test_a_near_miss_names_what_was_meant():
    """`reinforc` was answered with reinmax, which is another estimator, and biased."""
    with pytest.raises(ValueError, match=r"did you mean reinforce\?"):
        estimator("reinforc")
