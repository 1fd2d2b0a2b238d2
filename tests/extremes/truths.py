"""E[h(x)] of the families with sixty digits: by characteristic functions, and by moments."""

from collections.abc import Callable
from typing import Any

import mpmath as mp

mp.mp.dps = 60

Characteristic = Callable[..., Any]


def exponential(k: Any, rate: Any) -> Any:
    return 1 / (1 - mp.j * k / rate)


def weibull(k: Any, scale: Any, concentration: Any) -> Any:
    """∫ exp(−t + i k λ t^{1/c}) dt along the ray t = s e^{0.3 i}, piece by piece."""
    direction = mp.expj(0.3)
    z = mp.j * k * scale

    def integrand(s: Any) -> Any:
        t = s * direction
        return mp.exp(-t + z * t ** (1 / concentration)) * direction

    return mp.quad(integrand, [0, *(mp.mpf(4) ** power for power in range(-12, 5))], maxdegree=7)


def weibull_in_closed_form(k: Any, scale: Any, concentration: float) -> Any:
    """For c = ½, 1 and 2, which are Gaussian integrals and an exponential one."""
    z = mp.j * k * scale
    if concentration == 1:
        return 1 / (1 - z)
    if concentration == 0.5:
        root = mp.sqrt(-z)
        return mp.sqrt(mp.pi) / (2 * root) * mp.exp(-1 / (4 * z)) * mp.erfc(1 / (2 * root))
    return 1 + z * mp.sqrt(mp.pi) / 2 * mp.exp(z**2 / 4) * (1 + mp.erf(z / 2))


def logistic(k: Any, loc: Any, scale: Any) -> Any:
    y = mp.pi * scale * k
    return mp.expj(k * loc) * y / mp.sinh(y)


def laplace(k: Any, loc: Any, scale: Any) -> Any:
    return mp.expj(k * loc) / (1 + (k * scale) ** 2)


def gumbel(k: Any, loc: Any, scale: Any) -> Any:
    return mp.expj(k * loc) * mp.gamma(1 - mp.j * k * scale)


def student_t(k: Any, df: Any, loc: Any, scale: Any) -> Any:
    z = mp.sqrt(df) * scale * abs(k)
    half = df / 2
    with mp.workdps(80):  # K loses digits at a large order
        return mp.expj(k * loc) * mp.besselk(half, z) * z**half / (mp.gamma(half) * 2 ** (half - 1))


def gamma(k: Any, concentration: Any, rate: Any) -> Any:
    return (1 - mp.j * k / rate) ** -concentration


def beta(k: Any, concentration1: Any, concentration0: Any) -> Any:
    return mp.hyp1f1(concentration1, concentration1 + concentration0, mp.j * k)


def poisson(k: Any, rate: Any) -> Any:
    return mp.exp(rate * (mp.expj(k) - 1))


def von_mises(k: Any, loc: Any, concentration: Any) -> Any:
    """E[1 − cos(x − k)]."""
    return 1 - mp.cos(loc - k) * mp.besseli(1, concentration) / mp.besseli(0, concentration)


CHARACTERISTIC: dict[str, Characteristic] = {
    "exponential_toy": exponential,
    "weibull_toy": weibull,
    "logistic_toy": logistic,
    "laplace_toy": laplace,
    "gumbel_toy": gumbel,
    "student_t_toy": student_t,
    "gamma_toy": gamma,
    "beta_toy": beta,
    "poisson_toy": poisson,
}
"""E[e^{ikx}] by toy."""

MOMENTS: dict[str, Callable[..., tuple[Any, Any]]] = {
    "exponential_toy": lambda rate: (1 / rate, 2 / rate**2),
    "weibull_toy": lambda scale, concentration: (
        scale * mp.gamma(1 + 1 / concentration),
        scale**2 * mp.gamma(1 + 2 / concentration),
    ),
    "logistic_toy": lambda loc, scale: (loc, loc**2 + mp.pi**2 * scale**2 / 3),
    "laplace_toy": lambda loc, scale: (loc, loc**2 + 2 * scale**2),
    "gumbel_toy": lambda loc, scale: (
        loc + mp.euler * scale,
        (loc + mp.euler * scale) ** 2 + mp.pi**2 * scale**2 / 6,
    ),
    "student_t_toy": lambda df, loc, scale: (loc, loc**2 + scale**2 * df / (df - 2)),
    "gamma_toy": lambda concentration, rate: (
        concentration / rate,
        concentration * (concentration + 1) / rate**2,
    ),
    "beta_toy": lambda concentration1, concentration0: (
        concentration1 / (concentration1 + concentration0),
        concentration1
        * (concentration1 + 1)
        / (concentration1 + concentration0)
        / (concentration1 + concentration0 + 1),
    ),
    "poisson_toy": lambda rate: (rate, rate + rate**2),
}
"""E[x] and E[x²] by toy."""


def expectation(name: str, f: str, k: Any, parameters: dict[str, Any]) -> Any:
    """E[h(x)]."""
    if name == "von_mises_toy":
        return von_mises(k, **parameters)
    if f == "cosine":
        return mp.re(CHARACTERISTIC[name](k, **parameters))
    first, second = MOMENTS[name](**parameters)
    return first - k if f == "linear" else second - 2 * k * first + k**2


def gradient(name: str, f: str, k: float, parameters: dict[str, float], group: str) -> float:
    """∂E[h(x)] by one parameter, as a central difference with a relative step of 10⁻¹⁵."""
    exact = {key: mp.mpf(value) for key, value in parameters.items()}
    step = mp.mpf(10) ** -15 * max(abs(exact[group]), mp.mpf(10) ** -15)

    def at(shift: Any) -> Any:
        return expectation(name, f, mp.mpf(k), exact | {group: exact[group] + shift})

    return float((at(step) - at(-step)) / (2 * step))


def bit_slope(logit: float) -> Any:
    """The derivative of a bit's probability with respect to its logit."""
    return 1 / (2 + mp.exp(mp.mpf(logit)) + mp.exp(-mp.mpf(logit)))
