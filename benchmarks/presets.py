"""The sweeps that come with gradest, and those of papers among them, by name."""

from importlib.resources import files
from importlib.resources.abc import Traversable

OWN, PAPERS = ("sweeps", "presets"), ("catalogue", "papers")
"""Where the files lie: our own sweeps, and those that repeat a paper's measurements."""

SUFFIX = ".toml"


def preset_names() -> list[str]:
    """The names of all presets, in order."""
    return sorted(preset_files())


def paper_names() -> list[str]:
    """The names of those that repeat a paper's measurements."""
    return sorted(files_in(*PAPERS))


def preset_text(name: str) -> str:
    """The file of a preset."""
    return preset_files()[name].read_text(encoding="utf-8")


def purpose_of(name: str) -> str:
    """What a preset is for: the first line of its file."""
    return preset_text(name).partition("\n")[0].removeprefix("# ").rstrip(".")


def preset_files() -> dict[str, Traversable]:
    """The file of every preset, by its name."""
    return files_in(*OWN) | files_in(*PAPERS)


def files_in(room: str, folder: str) -> dict[str, Traversable]:
    """The sweeps in a folder of a room, by their names."""
    found = (files(f"{__package__}.{room}") / folder).iterdir()
    return {file.name.removesuffix(SUFFIX): file for file in found if file.name.endswith(SUFFIX)}
