"""Options that the commands of the benches share: each is refused in one line, with what was expected."""

from collections.abc import Iterable

from gradest.benchmarks.errors import BadInput
from gradest.problems.arguments import nearest


def one_of(option: str, names: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Those of the known names that are asked for; all where none is.

    Raises:
        BadInput: a name is not known.
    """
    asked, every = tuple(names), tuple(known)
    for name in asked:
        if name not in every:
            raise BadInput(
                f"{option} {name!r}: expected one of {', '.join(every)}{nearest(name, every)}"
            )
    return asked or every


def positive_integers(
    option: str, numbers: Iterable[int], usual: tuple[int, ...]
) -> tuple[int, ...]:
    """The numbers asked for, or the usual ones.

    Raises:
        BadInput: one of them is less than 1.
    """
    asked = tuple(numbers)
    for number in asked:
        if number < 1:
            raise BadInput(f"{option} {number}: expected an integer of at least 1")
    return asked or usual
