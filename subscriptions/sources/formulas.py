r"""One formula of TeX as a line of text, where text can show it.

pylatexenc knows what macros stand for. The reader is ours: it goes once from left to right, no
deeper than a few levels, and gives up on what it does not know.
"""

# ruff: noqa: RUF001 -- dashes, primes and Greek letters are what this is about

import re
import unicodedata

from pylatexenc.latex2text import (
    LatexNodes2Text,
    fmt_math_text_style,
    get_default_latex_context_db,
)

_DEPTH = 12  # a brace and the argument that it encloses are two


def _fixed_macros() -> dict[str, str]:
    """pylatexenc's macros that stand for one text; ``today`` stands for another every day."""
    specs = get_default_latex_context_db().iter_macro_specs(["latex-base", "advanced-symbols"])
    texts = {spec.macroname: spec.simplify_repl for spec in specs if spec.macroname.isalpha()}
    fixed = {name: text for name, text in texts.items() if isinstance(text, str)}
    return {name: text for name, text in fixed.items() if "%" not in text and name != "today"}


def _marks(accents: tuple[str, ...]) -> dict[str, str]:
    """The combining characters of accent macros."""
    over_x = {accent: LatexNodes2Text().latex_to_text(f"\\{accent}{{x}}") for accent in accents}
    return {accent: unicodedata.normalize("NFD", text)[1:] for accent, text in over_x.items()}


# fmt: off
_FUNCTIONS = ("arg", "deg", "det", "dim", "ker", "Pr", "gcd", "hom", "sec", "csc", "cot", "coth",
              "lg", "mod", "Re", "Im", "LaTeX", "TeX", "BibTeX")
SYMBOLS = _fixed_macros() | dict(zip(_FUNCTIONS, _FUNCTIONS, strict=True)) | {
    "ne": "≠", "lt": "<", "gt": ">", "land": "∧", "lor": "∨", "neg": "¬", "gets": "←", "iff": "⇔",
    "implies": "⇒", "models": "⊨", "vDash": "⊨", "bot": "⊥", "Box": "□", "colon": ":",
    "bmod": "mod", "degree": "°", "prime": "′", "lbrack": "[", "rbrack": "]", "checkmark": "✓",
    "slash": "/", "space": " ", "copyright": "©", "textgreater": ">", "textless": "<",
    "textbar": "|", "textasciicircum": "^", "eg": "e.g.", "ie": "i.e.", "etal": "et al.",
}
LETTERS = {name: SYMBOLS[name] for name in (
    "ae", "AE", "oe", "OE", "aa", "AA", "ss", "dh", "DH", "th", "TH", "o", "O", "l", "L", "i", "j")}
MARKS = _marks(tuple("'`^\"~=.cvuHkdbr"))
_HATS = _marks(("hat", "tilde", "bar", "vec", "dot", "ddot", "check", "acute", "not"))
_HATS |= {"widehat": _HATS["hat"], "widetilde": _HATS["tilde"], "overline": _HATS["bar"],
          "mathring": MARKS["r"]}
_STYLES = {"mathbb": "doublestruck", "mathbbm": "doublestruck", "mathcal": "script",
           "mathscr": "script", "mathfrak": "fraktur", "cal": "script"}
SUPERSCRIPTS = dict(zip(
    "0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWβγδθφχ*∗'′†‡⋆∘°",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵝᵞᵟᶿᵠᵡ**'′†‡⋆°°", strict=True))
SUBSCRIPTS = dict(zip("0123456789+-=()aehijklmnoprstuvxβγρφχ",
                "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True))
# fmt: on
PLAIN = re.compile(
    "math(?:rm|bf|it|sf|tt)|boldsymbol|bm|mbox|smash|emph|underline|ensuremath"
    "|text(?:rm|bf|it|sf|tt|sc|sl|up|normal)?"
)
SWITCH = re.compile(
    "rm|bf|it|sf|tt|em|sl|sc|small|footnotesize|itshape|bfseries|displaystyle|textstyle|limits"
    "|mathop|mathbin|mathrel|left|right|middle|[bB]igg?[lr]?"
)
SPACES = {r"\,", r"\;", r"\:", r"\ ", r"\quad", r"\qquad", "~"}
_SPACED = "×±∓∼≈≃≅≤≥⩽⩾≪≫≲≳<>≠≡∝∈→←⇒↔⊂⊆∪∩·⊗⊕"
_SCRIPTS = re.escape("".join([*SUPERSCRIPTS.values(), *SUBSCRIPTS.values()]))
_FACTOR = re.compile(rf"\d+(?:\.\d+)?|[∂d]?[^\W\d_][{_SCRIPTS}]*|[A-Z]+")
_PRODUCT = re.compile(r"-?[\w.∂√′]+")
_POWER = re.compile(r"[A-Za-z0-9]+(?:\.\d+)?|\([^()]*\)")
_INDEX = re.compile(r"[^\W_]+(?:\.\d+)?|\([^()]*\)")
_NAME_GAP, _BRACKET_GAP = (
    re.compile(r"(?<=[\w)\]])\0+(?=[\w√])"),
    re.compile(r"(?<=[(\[{⟨]) | (?=[)\]}⟩])"),
)
_PART = re.compile(r"\\[A-Za-z]+|\\.|\s+|.", re.DOTALL)
_DOUBLED = re.compile(r"\\(?=\\[^\s\\])")  # as arXiv's OAI interface gives some


class _NotText(Exception):
    """A part of a formula that plain text cannot show."""


class _Formula:
    """The text of a formula, read once from left to right.

    A NUL stands on both sides of names such as log, where a space may be needed.
    """

    def __init__(self, source: str) -> None:
        self.parts = _PART.findall(_DOUBLED.sub("", source).replace("\0", "&"))
        self.at = self.depth = 0

    def peek(self) -> str:
        return self.parts[self.at] if self.at < len(self.parts) else ""

    def take(self) -> str:
        part = self.peek()
        self.at += 1
        return part

    def runs_on(self) -> bool:
        """A letter or digit follows at once."""
        part = self.peek()
        text = SYMBOLS.get(part[1:], "") if len(part) > 1 else part
        return len(text) == 1 and text.isalnum()

    def until(self, end: str) -> str:
        """The text before a closing part; that of the whole formula is ``""``."""
        text = ""
        while (part := self.take()) != end:
            if part in {"^", "_"}:
                text = self.scripted(text, part)
            elif part == r"\cal":
                return text + _styled("cal", self.until(end))
            else:
                text += self.shown(part, text)
        return text

    def argument(self) -> str:
        self.at += self.peek().isspace()
        return self.shown(self.take(), "")

    def shown(self, part: str, before: str) -> str:
        """A part, with its arguments, as text."""
        if part.isspace() or part in SPACES:
            return " "
        if part in {"", "}", "&", "^", "_", r"\\"} or self.depth == _DEPTH:
            raise _NotText
        self.depth += 1
        if part == "{":
            text = self.until("}")
        else:
            text = self.macro(part[1:], before) if part[0] == "\\" else part
        self.depth -= 1
        return text

    def macro(self, name: str, before: str) -> str:
        if PLAIN.fullmatch(name):
            return self.argument()
        if name in _STYLES:
            return _styled(name, self.argument())
        if name in _HATS:
            base = self.argument().strip()
            if len(base) != 1:
                raise _NotText
            return unicodedata.normalize("NFC", base + _HATS[name])
        if name in {"frac", "dfrac", "tfrac", "nicefrac"}:
            return self.fraction(before)
        if name == "sqrt":
            return self.root()
        if name == "operatorname":
            self.at += self.peek() == "*"
            return f"\0{_tidy(self.argument())}\0"
        if name == "pmod":
            return f" (mod {_tidy(self.argument())})"
        if name == "unicode":
            return _character(self.argument())
        return self.symbol(name, before)

    def symbol(self, name: str, before: str) -> str:
        if len(name) == 1 and (name in "!%&_#${}|" or not name.isascii()):
            return {"!": "", "|": "‖"}.get(name, name)
        if SWITCH.fullmatch(name):
            self.at += self.peek().isspace() or (name in {"left", "right"} and self.peek() == ".")
            return ""
        text = "°" if name == "deg" and before[-1:].isdigit() else SYMBOLS.get(name, "")
        if not text:
            raise _NotText
        spaced = before.endswith(" ")
        if spaced and text in _SPACED:
            return f"{text} "
        if self.peek().isspace() and not spaced:  # it only ends the name, but for "\alpha = 1"
            self.at += 1
            self.at -= text.isalnum() and not self.runs_on() and self.peek() != "("
        return f"\0{text}\0" if text.isascii() and text.isalpha() else text

    def scripted(self, base: str, mark: str) -> str:
        """A base with its sub- or superscript."""
        text = re.sub(r" ?([-+=]) ?", r"\1", _tidy(self.argument()))
        table, bare = (SUPERSCRIPTS, _POWER) if mark == "^" else (SUBSCRIPTS, _INDEX)
        if all(char in table for char in text):
            text = "".join(table[char] for char in text)
        elif mark == "_" or text not in {"±", "∓"}:
            clear = len(text) == 1 or bare.fullmatch(text)
            glued = text[-1].isalnum() and self.runs_on()
            text = f"{mark}{text}" if clear and not glued else f"{mark}({text})"
        return base.rstrip(" \0") + text + "\0" * base.endswith("\0")

    def fraction(self, before: str) -> str:
        above, below = _tidy(self.argument()), _tidy(self.argument())
        text = f"{_in_brackets(above, _PRODUCT)}/{_in_brackets(below, _FACTOR)}"
        left = before[-1:].isalnum() or before[-1:] in {")", "\0"}
        right = self.runs_on() or self.peek() in {"^", "_", "(", "[", r"\left"}
        return f"({text})" if left or right else text

    def root(self) -> str:
        sign = "√"
        if self.peek() == "[":
            sign = {"[3]": "∛", "[4]": "∜"}.get("".join(self.parts[self.at : self.at + 3]), "")
            self.at += 3
        if not sign:
            raise _NotText
        body = _tidy(self.argument())
        return sign + (f"({body})" if self.runs_on() else _in_brackets(body, _FACTOR))


def _styled(name: str, text: str) -> str:
    """A letter in a style that Unicode has; a word stays as it can be searched for."""
    text = text.strip()
    return str(fmt_math_text_style(text, _STYLES[name])) if len(text) == 1 else text


def _character(code: str) -> str:
    r"""The character of MathJax's ``\unicode{x2013}``."""
    char = chr(int(code[1:], 16)) if re.fullmatch(r"x[0-9A-Fa-f]{2,4}", code) else "\0"
    if not char.isprintable():
        raise _NotText
    return char


def _in_brackets(text: str, needless: re.Pattern[str]) -> str:
    return text if needless.fullmatch(text) else f"({text})"


def _tidy(text: str) -> str:
    """Formula text with single spaces, and one where a name needs it."""
    text = _NAME_GAP.sub(" ", text).replace("\0", "")
    return _BRACKET_GAP.sub("", " ".join(text.split()))


def formula_text(source: str) -> str | None:
    """A formula as text, or None where text cannot show it."""
    try:
        return _tidy(_Formula(source).until("")) or None
    except _NotText:
        return None
