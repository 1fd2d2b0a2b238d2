"""What all registered estimators have."""

import pytest

from gradest.estimators import ESTIMATORS
from gradest.problems.arguments import arguments


@pytest.mark.parametrize("name", ESTIMATORS)
def test_documentation(name):
    """A formula, a bias, a cost, a paper, and a word on each argument."""
    cls = ESTIMATORS[name]
    assert "$" in cls.__doc__
    assert "iased" in cls.__doc__
    assert cls.source
    assert any("Cost" in (parent.__doc__ or "") for parent in cls.__mro__)
    assert all(argument.help for argument in arguments(cls).values())
