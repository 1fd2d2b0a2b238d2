"""Shapes and types of every public function are checked while the tests run."""

import os

import pytest
from jaxtyping import install_import_hook

install_import_hook(["problems", "estimators"], "beartype.beartype")


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests neither read nor fill the user's cache."""
    os.environ["GRADVAR_CACHE"] = str(tmp_path_factory.mktemp("cache"))
