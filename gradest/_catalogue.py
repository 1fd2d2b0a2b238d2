"""What there is, as a table."""

import pandas as pd

from gradest.benchmarks.catalogue import facts


def catalogue(kind: str = "estimator") -> pd.DataFrame:
    """The registered estimators, or problems, and what each is for.

    Args:
        kind: "estimator" or "problem".

    Returns:
        A row for each, with its name, the variables it is for, whether it is unbiased, its
        evaluations of f, its paper, …

    Raises:
        ValueError: another kind.

    Example:
        >>> import gradest
        >>> table = gradest.catalogue("problem")
        >>> table.set_index("problem").variable["vae_bernoulli"]
        'Bernoulli'
    """
    if kind not in ("estimator", "problem"):
        raise ValueError(f"kind = {kind!r}: expected 'estimator' or 'problem'")
    return pd.DataFrame(facts.catalogue()[f"{kind}s"])
