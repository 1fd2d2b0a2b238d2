"""Options that may be given several times, as the commands of the benches take them.

Each is refused in one line, with what was expected.
"""

from collections.abc import Iterable

from gradest.benchmarks.errors import BadInput
from gradest.problems.arguments import nearest


def one_of(option: str, names: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """The names that are asked for, or all known ones where none is.

    Args:
        option: as it is written on the command line.
        names: those asked for.
        known: those that may be.

    Raises:
        BadInput: a name is not known.
    """
    asked = tuple(names)
    valid = tuple(known)
    for name in asked:
        if name not in valid:
            raise BadInput(
                f"{option} {name!r}: expected one of {', '.join(valid)}{nearest(name, valid)}"
            )
    return asked or valid


def positive_integers(
    option: str, numbers: Iterable[int], usual: tuple[int, ...]
) -> tuple[int, ...]:
    """The numbers that are asked for, or the usual ones where none is.

    Args:
        option: as it is written on the command line.
        numbers: those asked for.
        usual: the defaults.

    Raises:
        BadInput: one of them is less than 1.
    """
    asked = tuple(numbers)
    for number in asked:
        if number < 1:
            raise BadInput(f"{option} {number}: expected an integer of at least 1")
    return asked or usual
