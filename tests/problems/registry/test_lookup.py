"""What an error says of a name that is none."""

import pytest

from gradest.estimators import named_estimator
from gradest.problems import named_problem
from gradest.problems.registry.lookup import no_such


def test_the_nearest_is_named_first_and_then_what_lists_all():
    with pytest.raises(ValueError, match="did you mean") as raised:
        named_problem("gaussian_squar")
    assert str(raised.value) == (
        "problem 'gaussian_squar': did you mean gaussian_square? expected a problem that "
        "`gradest list` shows, or module:Class"
    )
    assert no_such("estimator", "zzzz", ["pathwise"]) == (
        "estimator 'zzzz': expected an estimator that `gradest list` shows, or module:Class"
    )


def test_a_name_of_the_other_kind_is_said_to_be_one():
    with pytest.raises(ValueError, match=r"^'rloo' is an estimator: expected a problem that"):
        named_problem("rloo")
    with pytest.raises(ValueError, match=r"^'Straight-Through' is an estimator: expected"):
        named_problem("Straight-Through")
    with pytest.raises(ValueError, match=r"^'bandit' is a problem: expected an estimator that"):
        named_estimator("bandit")
    assert no_such("name", "bandits", ["bandit"]).startswith("name 'bandits': did you mean bandit?")


def test_a_module_without_a_class_is_answered_with_its_classes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    text = "raise SystemExit\nclass Policy: pass\nclass _Base: pass\nclass Other: pass\n"
    (tmp_path / "sub" / "mine.py").write_text(text)
    (tmp_path / "none.py").write_text("x = 1")
    with pytest.raises(ValueError, match="is a module") as raised:
        named_problem("sub/mine.py")
    assert str(raised.value) == (
        "problem 'sub/mine.py' is a module: expected a class of it: "
        "sub/mine.py:Policy, sub/mine.py:Other"
    )
    with pytest.raises(ValueError, match="expected a class of it, and it has none"):
        named_estimator("none")
