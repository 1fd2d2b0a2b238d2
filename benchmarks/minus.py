"""Negative numbers in texts that somebody reads: a minus sign, not a hyphen."""

import re


def print_minus(text: str) -> str:
    """A text in which negative numbers and exponents have a minus sign.

    Not for CSV, JSON, TOML and code, which others read; in LaTeX `escape` typesets it.

    >>> print_minus("k = -2.5, slope -1 [-2, -∞], 1e-07; leave-one-out, 2026-11-28, vae-1")
    'k = −2.5, slope −1 [−2, −∞], 1e−07; leave-one-out, 2026-11-28, vae-1'
    """
    return re.sub(r"(?<!\w)-(?=[\d.∞])|(?<=[\d.)]e)-(?=\d)", "−", text)
