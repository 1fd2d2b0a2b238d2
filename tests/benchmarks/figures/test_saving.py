"""Figures into files: the same bytes whoever writes them, and nothing left behind where one cannot be written."""

import subprocess
import sys

import pytest
from matplotlib.figure import Figure

from gradest.benchmarks.errors import GradestError
from gradest.benchmarks.figures import saving as module
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.figures.saving import METADATA, saving
from tests.support.made_tables import table


@pytest.fixture
def helpers(monkeypatch):
    """One other process, from the first figure on; those that were started."""
    started = []

    def start(*words, **streams):
        started.append(original(*words, **streams))
        return started[-1]

    original = module.start
    monkeypatch.setattr(module, "start", start)
    monkeypatch.setattr(module, "MOST_ALONE", 0)
    monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
    return started


def plain(text: str) -> Figure:
    figure = Figure()
    figure.text(0.5, 0.5, text)
    return figure


def test_another_process_gives_the_same_bytes(helpers, tmp_path, monkeypatch):
    measurements = table(groups=("mean",), levels=(1, 4))
    with monkeypatch.context() as patch:
        patch.setattr(module, "MOST_ALONE", 8)
        with saving(figures(measurements), tmp_path / "alone") as alone:
            pass
    assert not helpers
    monkeypatch.setattr(module, "taken", lambda *_: None)  # so that all is left to the other
    with saving(figures(measurements), tmp_path / "helped") as helped:
        pass
    assert [helper.returncode for helper in helpers] == [0]
    assert len(alone) == 9
    for one, other in zip(alone, helped, strict=True):
        assert one.name == other.name
        assert one.read_bytes() == other.read_bytes(), one.name
    assert sorted(path.name for path in (tmp_path / "helped").iterdir()) == [
        path.name for path in helped
    ]


def test_both_write_and_nothing_is_written_twice(helpers, tmp_path):
    made = {f"figure_{i}": plain(str(i)) for i in range(12)}
    with saving(made.items(), tmp_path) as paths:
        while not paths[0].exists():  # the helper begins
            assert helpers[0].poll() is None
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{stem}.{suffix}" for stem in made for suffix in METADATA
    }
    assert all(path.stat().st_size for path in paths)


def test_a_figure_that_cannot_be_written_is_one_error_and_the_others_are_there(
    helpers, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "taken", lambda *_: None)
    with (
        pytest.raises(
            GradestError,
            match=r"a drawing process ended with status 1: RuntimeError: figure bad: ValueError",
        ),
        saving(
            {"good": plain("good"), "bad": plain(r"$\frac$"), "never": plain("")}.items(), tmp_path
        ),
    ):
        pass
    assert [helper.returncode for helper in helpers] == [1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.pdf", "good.png", "good.svg"]


def killed(helper):
    helper.kill()
    helper.wait()


def test_a_process_that_is_killed_is_an_error(helpers, tmp_path):
    with (
        pytest.raises(
            GradestError, match="a drawing process ended with status -9: it said nothing"
        ),
        saving({"one": plain("one")}.items(), tmp_path),
    ):
        killed(helpers[0])
    assert not list(tmp_path.glob(".*"))


def interrupted_after(path, helper):
    while not path.exists():
        assert helper.poll() is None
    raise KeyboardInterrupt


def test_an_interrupt_ends_the_others_and_leaves_nothing_half_done(helpers, tmp_path):
    made = {f"figure_{i}": plain(str(i)) for i in range(30)}
    with pytest.raises(KeyboardInterrupt), saving(made.items(), tmp_path) as paths:
        interrupted_after(paths[0], helpers[0])
    assert helpers[0].returncode < 0
    assert not list(tmp_path.glob(".*"))
    assert 1 <= len(list(tmp_path.iterdir())) < len(paths)


def test_what_a_drawing_process_imports():
    """It is to be there before the second figure is made."""
    slow = "{'jax', 'pandas', 'scipy', 'gradest.estimators', 'gradest.problems'} & set(sys.modules)"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys, gradest.benchmarks.figures.saving; assert not {slow}, {slow}",
        ]
    )
    assert done.returncode == 0
