"""What a user's code raises, where the Python face runs it, as bad input."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gradest.benchmarks.errors import BadInput
from gradest.problems.registry.own_faults import FAILURES, is_theirs, located, place_of


@contextmanager
def faults_told(what: str, *things: Any) -> Iterator[None]:
    """What a user's code raises in the body is told with its file and line.

    Args:
        what: runs there, with which the error begins.
        things: problems, estimators and functions that run, of a user's or of ours.

    Raises:
        BadInput: code of a user's raised something, which is the cause.
    """
    try:
        yield
    except BadInput:
        raise
    except FAILURES as error:
        place = place_of(error)
        if not place and not any(map(is_theirs, things)):
            raise
        raise BadInput(f"{what}: {located(error, place)}") from error


def instance(kind: str, thing: Any) -> Any:
    """An instance of a class, with its defaults; anything else as it is.

    Args:
        kind: what it is an instance of, for errors.
        thing: a class or another thing.

    Raises:
        BadInput: the class cannot be made.
    """
    if not isinstance(thing, type):
        return thing
    with faults_told(f"{kind} {thing.__name__}", thing):
        return thing()
