"""Our own code: where it lies, its version and its commit.

Nothing here imports JAX.
"""

import subprocess
from importlib.resources import files
from pathlib import Path

from gradest.benchmarks.errors import BadInput


def package_root() -> Path:
    """The folder of the package `gradest`, wherever Python imports it from.

    In a checkout it holds links to problems/, estimators/ and benchmarks/ beside it, in an
    installed wheel these folders themselves.
    """
    return Path(str(files("gradest")))


def installed_version() -> str:
    """The version of gradest, as its installation records it.

    Raises:
        BadInput: gradest runs from a copy that was never installed.
    """
    from importlib import metadata  # a third of what `gradest --help` would import

    try:
        return metadata.version("gradest")
    except metadata.PackageNotFoundError as error:
        raise BadInput(
            "gradest is not installed: run `pip install -e .` or `make setup` in its folder first"
        ) from error


def git_state() -> dict[str, str | bool | None]:
    """The commit of the code that runs, and whether it has been changed since.

    Both are None where the code is under no version control: an installed wheel may lie inside
    somebody's repository without being part of it.
    """
    if git("ls-files", "--error-unmatch", "--", "__init__.py") is None:
        return {"commit": None, "dirty": None}
    linked = [str(path.resolve()) for path in package_root().iterdir() if path.is_symlink()]
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", *linked)
    return {
        "commit": git("rev-parse", "HEAD"),
        "dirty": None if changed is None else bool(changed),
    }


def git(*words: str) -> str | None:
    """What a git command prints, run in the package's folder; None where it fails."""
    try:
        done = subprocess.run(
            ["git", *words], cwd=package_root(), capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def package_files(package: str) -> list[Path]:
    """Every module in a package of ours, whether or not it has been imported.

    Raises:
        ValueError: there is none beside the package itself.
    """
    folder = package_root().parent.joinpath(*package.split("."))
    modules = sorted(folder.rglob("*.py"))
    if len(modules) < 2:
        raise ValueError(f"{package}: expected modules in {folder}, found none")
    return modules
