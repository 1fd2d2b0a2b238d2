"""Where a user's own files are looked for, and which class is a user's."""

from pathlib import Path

_sweep_folders: list[Path] = []
"""Where sweeps were loaded from, the latest first."""


def search_in(folder: Path) -> None:
    """Has users' modules looked for in `folder` from now on, before the working folder."""
    folder = folder.resolve()
    if folder in _sweep_folders:
        _sweep_folders.remove(folder)
    _sweep_folders.insert(0, folder)


def folders() -> list[Path]:
    """Where a user's modules are looked for, in this order."""
    return list(dict.fromkeys([*_sweep_folders, Path.cwd()]))


def is_ours(cls: type) -> bool:
    """Whether a class comes with gradest: its version, or its commit, says which it is."""
    return cls.__module__ == "gradest" or cls.__module__.startswith("gradest.")
