"""Other names: what papers and libraries call the estimators that are here.

A special case is an argument, so that a name may stand for an estimator with arguments. Every name
is accepted wherever an estimator is named; results hold the registered one. docs/catalogue.md has
the table.
"""

from typing import Any, NamedTuple


class Elsewhere(NamedTuple):
    """An estimator under the name that others give it."""

    title: str
    """As papers write it."""
    names: tuple[str, ...]
    """As a user types it: accepted for the estimator."""
    estimator: str
    """The registered name."""
    arguments: dict[str, Any]
    where: str = ""
    """On which problems, or in what sense, the two are the same."""


ELSEWHERE: tuple[Elsewhere, ...] = (
    Elsewhere(
        "REINFORCE, likelihood ratio, log-derivative trick",
        ("reinforce", "likelihood_ratio", "log_derivative"),
        "score_function",
        {},
    ),
    Elsewhere(
        "RLOO, leave-one-out REINFORCE (Kool et al., 2019)",
        ("rloo", "loorf", "leave_one_out"),
        "score_function",
        {"baseline": "leave_one_out"},
    ),
    Elsewhere(
        "VarGrad (Richter et al., 2020)",
        ("vargrad",),
        "score_function",
        {"baseline": "leave_one_out"},
        "where f is log q − log p",
    ),
    Elsewhere(
        "GRPO (Shao et al., 2024)",
        ("grpo",),
        "score_function",
        {"baseline": "leave_one_out"},
        "without its division by the standard deviation, which biases it; its f less the mean of "
        "all L is (L − 1)/L times ours; policy_gradient[advantage=group_std] has all of it",
    ),
    Elsewhere(
        "REINFORCE+ (Liu et al., 2019), with a sample baseline",
        ("reinforce_plus", "sample_baseline"),
        "score_function",
        {"baseline": "sample"},
    ),
    Elsewhere(
        "stratified sampling (Fearnhead and Clifford, 2003)",
        ("stratified_sampling",),
        "score_function",
        {"coupling": "stratified"},
        "on an x whose values can be listed",
    ),
    Elsewhere(
        "systematic sampling (Fearnhead and Clifford, 2003)",
        ("systematic_sampling",),
        "score_function",
        {"coupling": "systematic"},
        "on an x whose values can be listed",
    ),
    Elsewhere(
        "NVIL (Mnih and Gregor, 2014)",
        ("nvil",),
        "score_function",
        {"baseline": "input_dependent"},
        "without its division by the running standard deviation",
    ),
    Elsewhere(
        "MuProp (Gu et al., 2016)",
        ("muprop",),
        "score_function",
        {"control_variate": "first_order"},
    ),
    Elsewhere(
        "delta method (Paisley et al., 2012)",
        ("delta_method",),
        "score_function",
        {"control_variate": "delta"},
    ),
    Elsewhere(
        "DiCE (Foerster et al., 2018)",
        ("dice",),
        "score_function",
        {},
        "their first derivatives are equal",
    ),
    Elsewhere(
        "evolution strategies with antithetic pairs (Salimans et al., 2017)",
        ("evolution_strategies",),
        "score_function",
        {"coupling": "antithetic"},
        "where q is a Gaussian about θ",
    ),
    Elsewhere(
        "Dr. GRPO (arXiv:2503.20783)",
        ("dr_grpo",),
        "policy_gradient",
        {"advantage": "mean", "aggregation": "horizon"},
        "(1 − 1/G)/T times its leave-one-out, the same in direction and in signal to noise",
    ),
    Elsewhere("MaxRL (arXiv:2602.02710)", ("maxrl",), "policy_gradient", {"advantage": "maxrl"}),
    Elsewhere("ReMax (arXiv:2310.10505)", ("remax",), "policy_gradient", {"advantage": "remax"}),
    Elsewhere(
        "reparameterization trick, SGVB, infinitesimal perturbation analysis",
        (
            "reparam",
            "reparameterization",
            "reparameterisation",
            "reparametrization",
            "reparameterization_trick",
            "sgvb",
            "infinitesimal_perturbation_analysis",
        ),
        "pathwise",
        {},
    ),
    Elsewhere(
        "implicit reparameterization (Figurnov et al., 2018)",
        ("implicit_reparameterization",),
        "pathwise",
        {},
        "on gamma, beta, Dirichlet, Student t, von Mises",
    ),
    Elsewhere(
        "IWAE (Burda et al., 2016)",
        ("iwae",),
        "pathwise",
        {},
        "where x are the K particles of a bound",
    ),
    Elsewhere(
        "randomised quasi-Monte Carlo",
        ("qmc", "rqmc", "quasi_monte_carlo"),
        "pathwise",
        {"coupling": "sobol"},
    ),
    Elsewhere(
        "antithetic variates",
        ("antithetic_variates",),
        "pathwise",
        {"coupling": "antithetic"},
    ),
    Elsewhere("STL (Roeder et al., 2017)", ("stl",), "sticking_the_landing", {}),
    Elsewhere(
        "doubly reparameterized gradient (Tucker et al., 2019)",
        ("doubly_reparameterized",),
        "dreg",
        {},
    ),
    Elsewhere(
        "G-REP (Ruiz et al., 2016)",
        ("g_rep",),
        "generalized_reparameterization",
        {},
    ),
    Elsewhere(
        "RSVI (Naesseth et al., 2017)",
        ("rsvi",),
        "rejection_reparameterization",
        {},
    ),
    Elsewhere(
        "weak derivative",
        ("weak_derivative", "weak_derivatives", "mvd"),
        "measure_valued",
        {},
    ),
    Elsewhere(
        "local expectation gradient, BitFlip (Titsias and Lázaro-Gredilla, 2015)",
        ("local_expectation", "local_expectation_gradient", "bitflip"),
        "measure_valued",
        {},
        "on bits",
    ),
    Elsewhere("U2G (Yin et al., 2020)", ("u2g",), "disarm", {}),
    Elsewhere("ARS (Yin et al., 2019)", ("ars",), "arsm", {"merge": False}),
    Elsewhere(
        "smoothed stochastic triple (Arya et al., 2022)",
        ("smoothed_stochastic_triple",),
        "straight_through",
        {"smoothed": "both"},
        "on bits, reinmax at τ = 1 too",
    ),
    Elsewhere(
        "exact gradient by enumeration, marginalization",
        ("enum", "marginalization"),
        "enumeration",
        {},
    ),
    Elsewhere(
        "concrete relaxation (Maddison et al., 2017)",
        ("concrete", "gumbel"),
        "gumbel_softmax",
        {},
    ),
    Elsewhere(
        "ST, STE (Bengio et al., 2013)",
        ("st", "ste", "straight_through_estimator"),
        "straight_through",
        {},
    ),
    Elsewhere(
        "straight-through Gumbel-softmax (Jang et al., 2017)",
        ("st_gumbel", "stgs", "straight_through_gumbel_softmax"),
        "straight_through_gumbel",
        {},
    ),
    Elsewhere("GST (Fan et al., 2022)", ("gst", "gapped_st"), "gapped_straight_through", {}),
)
"""In the order of the table: as the estimators are registered."""

ALIASES: dict[str, tuple[str, dict[str, Any]]] = {
    name: (entry.estimator, entry.arguments) for entry in ELSEWHERE for name in entry.names
}
"""For each other name, the registered one and the arguments that it stands for."""
