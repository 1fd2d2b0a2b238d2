"""Which classes are ours, and what the processor is called."""

import pytest

from gradest.benchmarks.runtime import environment as module
from gradest.benchmarks.runtime.environment import cpuinfo, hardware, is_ours, sources
from gradest.problems import problem
from gradest.problems.toys.gaussian import GaussianSquare


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("gradest", True),
        ("gradest.problems.toys.gaussian", True),
        ("gradest_extras", False),
        ("gradest_extras.problems", False),
        ("my.gradest.problems", False),
        ("__main__", False),
    ],
)
def test_a_class_is_ours_by_its_module(name, ours):
    assert is_ours(type("Anything", (), {"__module__": name})) is ours


def test_the_file_of_a_users_own_class_is_a_source_and_ours_is_not():
    class Mine(GaussianSquare):
        pass

    assert sources(problem("gaussian_square")) == {}
    assert list(sources(Mine())) == [f"source {__name__}"]


def test_the_processor_is_what_linux_says_under_the_first_name_or_what_python_says(
    monkeypatch, tmp_path
):
    said = tmp_path / "cpuinfo"
    said.write_text("processor\t: 0\nmodel name\t: Made: up\nflags\t\t: a b\nmodel name\t: other\n")
    monkeypatch.setattr(module, "Path", lambda name: said)
    assert cpuinfo("model name") == "Made: up"
    assert cpuinfo("flags", "Features") == "a b"
    assert hardware()["processor"] == "Made: up"
    monkeypatch.setattr(module.platform, "processor", lambda: "by Python")
    assert cpuinfo("Features") == "by Python"
    monkeypatch.setattr(module, "Path", lambda name: tmp_path / "nothing")
    assert cpuinfo("model name") == "by Python"
