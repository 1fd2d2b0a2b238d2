"""The errors that a user meets, each with its exit status and one clear line."""

from typing import ClassVar


class GradestError(Exception):
    """Ends a command with one line on stderr and a status of its own; a traceback only under --debug."""

    status: ClassVar[int] = 1


class BadInput(GradestError):
    """What the user asked for cannot be: a name, a value, a file."""

    status: ClassVar[int] = 2


class StoreDamaged(GradestError):
    """The store is there and is not one that we can read."""

    status: ClassVar[int] = 5


class StoreInUse(GradestError):
    """Another run holds the store."""

    status: ClassVar[int] = 6
