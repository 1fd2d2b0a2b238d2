"""Environments with gradest installed as its users install it, and folders that mislead it."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROBLEMS_PY = '''"""A user's own, with the name of one of our folders."""

import jax.numpy as jnp
import numpyro.distributions as dist

from gradest.problems.base import Problem


class Mine(Problem):
    """E[x²] under N(μ, 1)."""

    smooth = True

    def init_params(self, key):
        return {"mean": jnp.ones(2)}

    def distribution(self, params):
        return dist.Normal(params["mean"], jnp.ones(2)).to_event(1)

    def objective(self, params, x):
        return (x**2).sum()

    def exact_gradient(self, params):
        return {"mean": 2 * params["mean"]}
'''

TRAP = 'raise RuntimeError("gradest imported what is not its own")\n'


def copy_of_the_checkout(folder: Path) -> Path:
    """The files that git tracks or would, so that nothing which a build leaves counts."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.split("\0"):
        source = ROOT / name
        if name and not name.startswith("results/") and (source.is_file() or source.is_symlink()):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name, follow_symlinks=False)
    return folder


def build_wheel(checkout: Path, folder: Path) -> Path:
    """The wheel of a checkout, built with the setuptools that is here and without an index."""
    pip(sys.executable, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, checkout)
    (wheel,) = folder.glob("gradest-*.whl")
    return wheel


def environment(folder: Path, python: str | Path = sys.executable) -> Path:
    """The Python of a new virtual environment."""
    run(python, "-m", "venv", folder)
    return folder / "bin" / "python"


def see_locked_packages(python: Path) -> None:
    """Lets an environment import what is installed here, but not through what finds the checkout.

    A path in a .pth file is searched; the .pth files in it, of an editable install, are not read.
    """
    (site_packages(python) / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n")


def site_packages(python: Path) -> Path:
    """Where an environment's packages are."""
    script = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(run(python, "-c", script).strip())


def pip(python: str | Path, *words: str | Path) -> str:
    """Runs one of pip's commands."""
    return run(python, "-m", "pip", "--disable-pip-version-check", "--quiet", *words)


def run(*words: str | Path, cwd: Path | None = None, cache: Path | None = None) -> str:
    """What a command prints, run without any hint at this checkout.

    Raises:
        RuntimeError: it fails; the message is its last words.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if cache is not None:
        kept["GRADEST_CACHE"] = str(cache)
    done = subprocess.run(list(map(str, words)), cwd=cwd, env=kept, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: {(done.stderr + done.stdout)[-2000:]}")
    return done.stdout


def decoys(folder: Path) -> Path:
    """A folder to work in with a problems.py, and packages called estimators and benchmarks."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "problems.py").write_text(PROBLEMS_PY)
    for name in ("estimators", "benchmarks"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(TRAP)
    return folder


def install_a_decoy(python: Path) -> None:
    """Another distribution that ships a package called benchmarks, as several do."""
    places = site_packages(python)
    (places / "benchmarks").mkdir()
    (places / "benchmarks" / "__init__.py").write_text(TRAP)
    facts = places / "decoy-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: decoy\nVersion: 1.0\n")
