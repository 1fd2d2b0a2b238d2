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


def hidden_file(source: str, taken: str | None) -> str:
    """The path of a user's file that another module of its name hides; "" where none does.

    Args:
        source: the name of the module, or a path, as the user wrote it.
        taken: the file of the module that was taken; None where that is in none.
    """
    path = source if source.endswith(".py") else source.replace(".", "/") + ".py"
    for folder in folders():
        file = folder / path
        if file.is_file() and (taken is None or file.resolve() != Path(taken).resolve()):
            return path if path != source else str(file)
    return ""
