"""The folder in which a command works on a finished run: the run's own, or a copy of it."""

from pathlib import Path

from gradest.benchmarks.analysis.results import find_run, read_run
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.ownership import copy_run, is_of_a_run, refuse_foreign
from gradest.benchmarks.runtime.files import make_folder


def run_or_copy(name: str | None, output: Path | None) -> Path:
    """The folder of a run, or where an output is named the copy of the run that is made there.

    The run itself is only read then: it may lie where nothing can be written.

    Args:
        name: a folder, or the name of a run in results/; None for the run in `output`, or else
            that called default.
        output: where the copy is made, which holds no run yet.

    Raises:
        BadInput: there is no such run, or `output` holds another, or files that are no run's.
    """
    if name is None and output is not None:
        return output
    source = find_run(name or "default")
    if output is None or output.resolve() == source.resolve():
        return source
    if is_of_a_run(output):
        raise BadInput(
            f"-o {output}: a run is there already, over which {source} is not copied: "
            f"expected a folder without one; {output} in place of {source} goes on there"
        )
    refuse_foreign(output, read_run(source).measurements.problem.unique())
    make_folder(output)
    copy_run(source, output)
    return output
