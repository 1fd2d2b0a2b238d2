"""What a worker does: it takes an order as bytes, and gives bytes."""

import pickle
import threading
from dataclasses import replace
from typing import Any

import jax

from gradest.benchmarks.cells.tasks import Setting, on_device, on_host, setting_or_reason
from gradest.benchmarks.distributing.identity import (
    HERE,
    code_here,
    disagreement,
    use_xla_threads,
)
from gradest.benchmarks.distributing.orders import (
    Answer,
    MakeSetting,
    Order,
    Perform,
    Refusal,
    packed,
)
from gradest.benchmarks.distributing.own_modules import have
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime.configure import configure
from gradest.benchmarks.runtime.environment import environment
from gradest.benchmarks.runtime.processes import collect_rarely
from gradest.benchmarks.sweeps.run import use_caches_for
from gradest.benchmarks.training.runs import forget_trainings

_one_at_a_time = threading.Lock()
"""A worker of a cluster may have several threads, and compiled programs are the process's."""


def environment_here(generator: str, threads: int) -> dict[str, str]:
    """Versions and hardware of this worker, set up for measuring.

    Args:
        generator: of random numbers.
        threads: that XLA is to have.

    Raises:
        BadInput: it has another number already.
    """
    use_xla_threads(threads)
    configure()
    collect_rarely()
    return environment(generator)


def obey(order: bytes, name: str) -> bytes:
    """Does what an order says.

    Args:
        order: a pickled `Order`.
        name: of this worker, for its refusals.

    Returns:
        A pickled `Answer`.
    """
    with _one_at_a_time:
        return packed(answer_to(pickle.loads(order), name))


def answer_to(order: Order, name: str) -> Answer:
    """What comes of an order."""
    try:
        there = environment_here(order.generator, order.threads)
    except BadInput as error:
        return Refusal(f"{name}: {error}")
    if fault := disagreement("the others", order.environment, name, there):
        return Refusal(f"{fault}: expected the same")
    try:
        have(order.modules)
        content: MakeSetting | Perform = pickle.loads(order.content)
    except (ValueError, ImportError, AttributeError) as error:
        return Refusal(
            f"{name}: {error}; what a module needs travels where it lies in or below the folder of "
            "the sweep: move it there, or install it where the workers are"
        )
    if isinstance(content, MakeSetting):
        return setting(content)
    return perform(content, name)


def setting(content: MakeSetting) -> Setting | str:
    """A problem's θ and what is known exactly there, with NumPy's arrays."""
    with jax.enable_x64(content.cell.dtype == "float64"):
        use_caches_for([content.problem])
        made = setting_or_reason(on_device(content.problem), content.cell)
    if isinstance(made, str):
        return made
    # group by group: in a tree JAX would sort them
    params = {group: on_host(leaves) for group, leaves in made.params.items()}
    return replace(made, params=params)


def perform(content: Perform, name: str) -> Answer:
    """The results of tasks."""
    use_caches_for(thing for task in content.tasks for thing in (task.problem, task.estimator))
    tasks: tuple[Any, ...] = content.tasks
    for task, code in zip(tasks, content.codes, strict=True):
        there = code_here(content.through, task.problem, task.estimator)
        if fault := disagreement(HERE, code, name, there):
            return Refusal(f"other code: {fault}: expected the same, in workers started since")
    try:
        return [content.function(task) for task in tasks]
    finally:
        forget_trainings()
