"""Shapes and types of every public function are checked while the tests run."""

import os
from collections.abc import Callable

import pytest
from jaxtyping import install_import_hook

install_import_hook(["gradest.problems", "gradest.estimators"], "beartype.beartype")


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests neither read nor fill the user's cache."""
    os.environ["GRADEST_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True, scope="session")
def configured(own_cache: None) -> None:
    """As whoever measures has it."""
    from gradest.benchmarks.runtime.configure import configure

    configure()


@pytest.fixture
def run_command(capsys, tmp_path, monkeypatch) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in an empty folder: status, stdout, stderr."""
    from gradest.benchmarks.cli.main import main
    from tests.support.sweeps import GOOD_SWEEP

    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(GOOD_SWEEP)

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        return ended.value.code, *capsys.readouterr()

    return call
