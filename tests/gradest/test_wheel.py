"""The wheel: complete, of ours alone, and as good as the checkout on every Python that is here."""

import csv
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.support import same_numbers
from tests.support.environments import (
    ROOT,
    build_wheel,
    copy_of_the_checkout,
    decoys,
    environment,
    install_a_decoy,
    pip,
    run,
    see_locked_packages,
)

WINGS = ("problems", "estimators", "benchmarks", "gradest")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory) -> Path:
    return copy_of_the_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def wheel(checkout, tmp_path_factory) -> Path:
    return build_wheel(checkout, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_every_file_of_the_four_folders_and_no_other(checkout, wheel):
    expected = set()
    for wing in WINGS:
        files = (path for path in (checkout / wing).rglob("*") if path.is_file())
        ours = (path for path in files if "__pycache__" not in path.parts)
        inside = {path.relative_to(checkout / wing).as_posix() for path in ours}
        own = {name for name in inside if wing != "gradest" or name.split("/")[0] not in WINGS}
        expected |= {
            f"gradest/{name}" if wing == "gradest" else f"gradest/{wing}/{name}" for name in own
        }
    assert len(expected) > 150
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == expected
    for needed in (
        "py.typed",
        "benchmarks/sweeps/presets/quick.toml",
        "benchmarks/catalogue/references.toml",
    ):
        assert f"gradest/{needed}" in names
    scripts = "gradest/benchmarks/bench/peers/scripts/"
    assert {f"{scripts}protocol.py", f"{scripts}optax_monte_carlo.txt"} <= names


def test_the_wheel_says_what_it_is(wheel):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        text = archive.read(metadata).decode()
    assert f"Version: {project['version']}\n" in text
    assert "Requires-Python: >=3.11\n" in text
    for version in PYTHONS:
        assert f"Classifier: Programming Language :: Python :: {version}\n" in text
    assert "License-File: LICENSE\n" in text


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory) -> Path:
    """The Python of a fresh environment with the wheel."""
    python = environment(tmp_path_factory.mktemp("installed"))
    see_locked_packages(python)
    pip(python, "install", "--no-deps", "--no-index", wheel)
    return python


@pytest.fixture(scope="session")
def editable(checkout, tmp_path_factory) -> Path:
    """The Python of a fresh environment with an editable install."""
    python = environment(tmp_path_factory.mktemp("editable"))
    see_locked_packages(python)
    pip(python, "install", "--no-deps", "--no-build-isolation", "--no-index", "-e", checkout)
    return python


@pytest.fixture(scope="session")
def quick(tmp_path_factory) -> Path:
    """The results of `quick`, measured from the checkout."""
    folder = tmp_path_factory.mktemp("quick")
    script = f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); runpy.run_module('gradest')"
    run(sys.executable, "-c", script, "run", "quick", cwd=folder, cache=folder / "cache")
    return folder / "results" / "quick"


@pytest.mark.slow
def test_the_wheel_measures_what_the_checkout_measures(installed, quick, tmp_path):
    run(installed.parent / "gradest", "run", "quick", cwd=tmp_path, cache=tmp_path / "cache")
    assert same_numbers.differences(quick, tmp_path / "results" / "quick") == []


IN_PYTHON = """
import gradest, problems
assert "site-packages" in gradest.__file__ or "checkout" in gradest.__file__, gradest.__file__
assert problems.__file__.endswith("decoys/problems.py"), problems.__file__
print(gradest.problem("gaussian_square").k, problems.Mine.__name__)
"""


@pytest.mark.slow
@pytest.mark.parametrize("install", ["installed", "editable"])
def test_what_has_our_names_changes_nothing(install, request, tmp_path):
    """A problems.py, estimators and benchmarks in the working folder, benchmarks installed, too."""
    python = request.getfixturevalue(install)
    if not (python.parent.parent / "decoyed").exists():
        install_a_decoy(python)
        (python.parent.parent / "decoyed").touch()
    command, folder = python.parent / "gradest", decoys(tmp_path / "decoys")
    assert "pathwise" in run(command, "list", cwd=folder)
    assert re.search(r"3.*Mine", run(python, "-c", IN_PYTHON, cwd=folder))
    checked = run(command, "check", "problems:Mine", cwd=folder, cache=tmp_path / "cache")
    assert "failed" in checked
    assert re.search(r"\b0 failed", checked)


@pytest.fixture(params=PYTHONS)
def other_python(request, tmp_path) -> Path:
    """The Python of an environment with the locked packages, for each version that is here."""
    found = interpreter(request.param)
    if found is None:
        pytest.skip(f"no Python {request.param} here")
    python = environment(tmp_path / "environment", found)
    try:
        pip(python, "install", "--require-hashes", "-r", ROOT / "requirements.lock")
    except RuntimeError as error:
        pytest.skip(f"Python {request.param}: the lock cannot be installed: {error}")
    return python


def interpreter(version: str) -> Path | None:
    """A Python of this version, on PATH or in pyenv, that starts and says so."""
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    on_path = shutil.which(f"python{version}")
    for path in [*pyenv, *([Path(on_path)] if on_path else [])]:
        done = subprocess.run([path, "--version"], capture_output=True, text=True)
        if done.returncode == 0 and done.stdout.startswith(f"Python {version}."):
            return path
    return None


@pytest.mark.slow
def test_quick_runs_on_every_python_that_is_here(other_python, wheel, quick, tmp_path):
    """Their JAX may be another version, which rounds otherwise."""
    pip(other_python, "install", "--no-deps", "--no-index", wheel)
    run(other_python.parent / "gradest", "run", "quick", cwd=tmp_path, cache=tmp_path / "cache")
    expected, found = (
        list(csv.DictReader((folder / "measurements.csv").open(encoding="utf-8")))
        for folder in (quick, tmp_path / "results" / "quick")
    )
    assert [row["status"] for row in found] == [row["status"] for row in expected]
    np.testing.assert_allclose(variances(found), variances(expected), rtol=1e-3)


def variances(rows: list[dict[str, str]]) -> list[float]:
    return [float(row["variance"] or "nan") for row in rows]
