r"""Formulas in TeX as Unicode, for a terminal: what docstrings have between dollar signs.

It reads a small part of TeX, what the docstrings use; of a command that it does not know it leaves
the name. Scripts that Unicode has no characters for stand after a `_`, or `**` for powers, those of
e as exp(…): `q_θ`, `K**(1/α)`.
"""

import re
import unicodedata

GREEK = {
    name: unicodedata.lookup(f"GREEK {size} LETTER {name.upper().replace('LAMBDA', 'LAMDA')}")
    for size, names in (
        ("SMALL", "alpha beta gamma delta zeta eta theta kappa lambda mu nu xi pi rho sigma tau"),
        ("SMALL", "phi chi psi omega epsilon iota upsilon"),
        ("CAPITAL", "Gamma Delta Theta Lambda Pi Sigma Phi Psi Omega"),
    )
    for name in names.split()
}

SYMBOLS = GREEK | {
    **{"varepsilon": "ε", "nabla": "∇", "partial": "∂", "sum": "∑", "prod": "∏", "int": "∫"},
    **{"sim": "~", "in": "∈", "notin": "∉", "ne": "≠", "le": "≤", "ge": "≥", "propto": "∝"},
    **{"pm": "±", "cdot": "·", "odot": "⊙", "times": "×", "neg": "¬", "mid": "|", "infty": "∞"},
    **{"vert": "|", "Vert": "‖"},
    **{"top": "⊤", "ldots": "…", "to": "→", "|": "‖", "{": "(", "}": ")", ",": " ", " ": " "},
}
"""What a command prints, by its name."""

ACCENTS = {"tilde": "\u0303", "hat": "\u0302", "bar": "\u0304"}
"""What follows the letter that a command puts an accent on."""

TEXTS = ("mathrm", "text", "mathbf")
"""Commands that print their argument as it is."""

SUBSCRIPTS = str.maketrans(
    "0123456789+−=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ"
)
SUPERSCRIPTS = str.maketrans(
    "0123456789+−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW⊤±",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵀ±",
)

TOKEN = re.compile(r"\\[A-Za-z]+\s*|\\.|\s+|.", re.DOTALL)


def in_unicode(text: str) -> str:
    r"""A text with its formulas in Unicode.

    >>> print(in_unicode(r"the score $\frac1L \sum_l \nabla_\theta \log q_\theta(x_l)$"))
    the score 1/L ∑ₗ ∇_θ log q_θ(xₗ)
    """
    return re.sub(r"\$([^$]+)\$", lambda found: formula(found[1]), text)


def formula(tex: str) -> str:
    r"""One formula in Unicode.

    >>> print(formula(r"e^{-(t/\lambda)^c} + \sqrt{2 k^2}"), formula(r"\frac{a + b}{2 c}"))
    exp(−(t/λ)ᶜ) + √(2 k²) (a + b)/(2 c)
    """
    return Formula(tex).read()


class Formula:
    """A formula as it is read, token by token."""

    def __init__(self, tex: str) -> None:
        self.tokens = TOKEN.findall(" ".join(tex.split()))
        self.tokens.reverse()

    def read(self) -> str:
        """What stands up to the end of the group, or of the formula."""
        parts = []
        while self.tokens and self.tokens[-1] != "}":
            parts.append(self.scripted(self.atom()))
        if self.tokens:
            self.tokens.pop()
        return re.sub(" +", " ", "".join(parts)).strip()

    def atom(self) -> str:
        """The next symbol, letter or group."""
        token = self.tokens.pop()
        if token == "{":
            return self.read()
        if not token.startswith("\\"):
            return token.replace("-", "−")
        name = token[1:].strip() or " "
        spaced = " " if token.endswith(" ") and token != "\\ " else ""
        if name == "frac":
            return f"{bracketed(self.argument())}/{bracketed(self.argument())}"
        if name == "sqrt":
            return f"√({self.argument()})"
        if name in ACCENTS:
            return self.argument() + ACCENTS[name]
        if name in TEXTS:
            return self.argument()
        return SYMBOLS.get(name, name) + spaced

    def argument(self) -> str:
        """What a command takes: the next letter, symbol or group."""
        while self.tokens and self.tokens[-1].isspace():
            self.tokens.pop()
        return self.atom() if self.tokens else ""

    def scripted(self, base: str) -> str:
        """What was read, with the scripts that follow it."""
        text = base.rstrip() if self.tokens and self.tokens[-1] in ("^", "_") else base
        while self.tokens and self.tokens[-1] in ("^", "_"):
            is_lower = self.tokens.pop() == "_"
            script = self.scripted_argument()
            text = subscribed(text, script) if is_lower else raised(text, script)
        return text

    def scripted_argument(self) -> str:
        """A script; it has no scripts of its own but within braces."""
        script = self.argument()
        followed = script.endswith(" ")
        if followed:
            self.tokens.append(" ")
        return script.strip()


def bracketed(text: str) -> str:
    """A numerator or a denominator, in brackets where it is more than one factor."""
    is_product = re.search(r"[ +−/*]|[A-Za-z]{2}", text.strip()[1:] and text.strip())
    return f"({text.strip()})" if is_product and not text.startswith("−") else text.strip()


def subscribed(base: str, script: str) -> str:
    """A text with a subscript."""
    small = script.replace(" ", "").translate(SUBSCRIPTS)
    if not any(char in script for char in small):
        return base + small
    return f"{base}_{script}" if len(script) == 1 else f"{base}_({script})"


def raised(base: str, script: str) -> str:
    """A text with a superscript."""
    small = script.replace(" ", "").translate(SUPERSCRIPTS)
    if not set(small) & set(script) - {"±"}:
        return base + small
    if base.startswith(("∑", "∏")):
        return f"{base}…({script})"
    if base == "e":
        return f"exp({script})"
    return f"{base}**{script}" if len(script) == 1 else f"{base}**({script})"
