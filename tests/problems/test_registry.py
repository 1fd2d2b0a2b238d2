"""What all registered problems have."""

import pytest

from gradest.problems import PROBLEMS
from gradest.problems.arguments import arguments


@pytest.mark.parametrize("name", PROBLEMS)
def test_documentation(name):
    assert "$" in PROBLEMS[name].__doc__
    assert all(argument.help for argument in arguments(PROBLEMS[name]).values())
