"""What all tests share: checked shapes, a cache of their own, commands in an empty folder."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

CHECKED = ("gradest.problems", "gradest.estimators")
"""Packages whose functions check the shapes and types of their arguments while tests run."""

assert not set(CHECKED) & set(sys.modules), "imported too early to be checked"
install_import_hook(CHECKED, "beartype.beartype")


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests neither read nor fill the user's cache."""
    os.environ["GRADEST_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True, scope="session")
def configured(own_cache: None) -> None:
    """As whoever measures has it."""
    from gradest.benchmarks.runtime.configure import configure

    configure()


@pytest.fixture(autouse=True, scope="module")
def forgotten() -> Iterator[None]:
    """No module leaves the programs that it made estimates with: each holds tens of megabytes."""
    yield
    from gradest.benchmarks.measurement.programs import estimates

    estimates.forget()


@pytest.fixture
def run_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs `gradest WORD …` in this process, and returns its exit status, stdout and stderr.

    The current folder is `tmp_path`, which holds small.toml, a valid sweep, and nothing else:

        status, out, err = run_command("run", "small.toml", "--json")
    """
    # not before the hook is installed
    from gradest.benchmarks.cli.main import main
    from tests.support.sweeps import GOOD_SWEEP

    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(GOOD_SWEEP)

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        return ended.value.code, *capsys.readouterr()

    return call
