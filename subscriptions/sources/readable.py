r"""Titles, abstracts and names as people read them: TeX becomes Unicode, once, at intake.

White space and wrapped hyphens are repaired everywhere. Text with a sign of TeX goes on: formulas,
code and paths are set aside behind characters of a private use plane, the prose is converted, and
each is put back: a formula as text where every part of it can be shown so, else as it was. Input
is untrusted, so patterns are bounded or possessive and formulas short and shallow: the time is
linear. Patterns begin with a rare character, and look behind it, for speed.
"""

# ruff: noqa: RUF001 -- dashes, primes and Greek letters are what this is about

import re
import unicodedata
from functools import partial

from .formulas import (
    LETTERS,
    MARKS,
    PLAIN,
    SPACES,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    SWITCH,
    SYMBOLS,
    formula_text,
)

_ASIDE, _MOST_ASIDE = "\U000f0000-\U000ffffd", 0xFFFE
_RELATION = re.compile(r"(?:[^\W\d_][^<>=≤≥≲≳≈∼∈]*)?[<>=≤≥≲≳≈∼∈]")
_SHORT = re.compile(r"[^\W_]{1,2}-?|[+-]?[\d.,]+(?:-[\d.,]+)? ?[^\W\d_]?")
_ASIDES = re.compile(
    r"\\(?P<skip>[\\$])"
    r"|\$\$(?P<display>(?:[^$\\]|\\.){1,300}+)\$\$|\$(?P<inline>(?:[^$\\]|\\.){1,300}+)\$"
    r"|\\\((?P<round>(?:[^\\]|\\[^()]){1,300}+)\\\)|\\\[(?P<square>(?:[^\\]|\\[^\[\]]){1,300}+)\\\]"
    r"|\\begin\{(?P<environment>\w{1,20}\*?)\}.{0,600}?\\end\{(?P=environment)\}"
    r"|`(?P<code>[^`]{1,100}+)`|:(?P<path>(?<=\b[A-Za-z]:)\\\S+)"
)
_SET_ASIDE = re.compile(f"[{_ASIDE}]")
_WRAPPED = re.compile(
    r"\n(?<=[-‐‑–—]\n)\s*+(?=[\w$\\])(?!(?:and|or|to|nor|but|vs\.?|versus|as|und|oder)\s)"
)
_BASE = rf"[^\W\d_]|\\(?:{'|'.join(LETTERS)})(?![A-Za-z])"
_ANY_ACCENT = re.compile(r"\\(?:[\"'`^=~.]|[cvuHkrdb](?![A-Za-z]))")
_NO_ACCENT = re.compile(r"\\(?<!\\\\)([\"'`])(?![^\W\d_]|[{\\])")
_ACCENT = re.compile(
    r"(\{)?(?<!\\)\\([\"`^=~](?<!/\\~)|'(?!(?:s|m|re|ll)(?![\w\\{]))|\.(?=[zZI{\\])|[cvuHkrdb](?=\{)"
    rf"|[cvuHkr](?=[ \\]))(?:\{{ ?({_BASE}) ?\}}"
    rf"|(?:(?<=[cvuHkr]) )?({_BASE})(?:\{{\}}|(?<=\\[ij]) (?=\w))?)(?(1)\}})"
)
_SWITCHES = rf"(?:\\(?:{SWITCH.pattern})(?![A-Za-z]) ?)"
_DOUBLED_GROUP = re.compile(r"\\(?<=\{\\)(?=\\[A-Za-z]+[ }])")
_SCRIPT = re.compile(r"\\(?<!\\\\)text(super|sub)script\{([^{}\\]*+)\}")
_MARKUP = re.compile(
    rf"\\(?<!\\\\)(?:url|{PLAIN.pattern}) ?(?P<brace>\{{){_SWITCHES}*+"
    rf"|\\(?<!\\\\)(?:href|textcolor) ?(?P<first>\{{)|\{{(?<!\\\{{){_SWITCHES}++"
)
_FOREIGN = re.compile(rf"\{{\\{{1,2}}([^\0-\x7f{_ASIDE}])\}}|\\(?<![:\\]\\)\\?([^\0-\x7f{_ASIDE}])")
_MACROS = re.compile(
    r"(?:\{((?:\\[A-Za-z]+)++)\}|\\(?<!\\\\)([A-Za-z]+(?:\\[A-Za-z]+)*+))(\{\})?( (?=[a-z]))?"
)
_ESCAPED = re.compile(
    r"\{\\([%&_#$])\}|\\(?<!\\\\)([%&_#${}])|\\(?<!\\\\)([~^])\{\}|\\(?<=/\\)(~)"
    r"|\{(?<=\d\{)(,)\}(?=\d)|\\(?<=[a-z]{2}\\)-()(?=[A-Za-z]{2})"
    rf"|\\(?<=[\w.,)}}%~{_ASIDE}]\\)[ ,;:](?=\S)"
)
_QUOTED = re.compile(r"``(?<!```)(?=[^\s`])([^`]*+)")
_LEFT, _RIGHT = rf"\w%°)\]}}”’{_ASIDE}", rf"\w(\[{{“‘\"'\\${_ASIDE}"
_DASH = re.compile(rf"-(?<=[{_LEFT}]-)-{{1,2}}(?=[{_RIGHT}])|-(?<=[{_LEFT}] -)--(?= [{_RIGHT}])")
_TIE = re.compile(
    rf"~(?<=[^\W\d_]{{2}}~)(?=[^\W_]|[(\\{_ASIDE}])|~(?<=\.~)(?=\d)"
    rf"|~(?<=[\d.,;:)\]%]~)(?=[^\W\d_]|[(\\{_ASIDE}])|~(?<=[{_ASIDE}]~)(?=[^\W\d_]|\()"
    r"|~(?<=\d[^\W\d_]~)(?=[^\W\d_])|~(?<=[A-Z]~)(?=[IVX]+\b)"
)
_APPROXIMATELY = re.compile(r"~(?:(?<![^\s(]~)|(?<=\b[A-Za-z]~)) ?\d")


def _is_formula(body: str, before: str, after: str) -> bool:
    """Whether what two dollars enclose is a formula, and not the text between two prices."""
    core, text = body.strip(), re.sub(r"\\[$%&#_]", "", body)
    bare = re.sub(r"\\(?:[A-Za-z]+ ?(?:\{[^{}]*\})?| )", "", text)
    words = re.search(r"\b[A-Za-z]{2,}+,? +[A-Za-z]{2}|^[\d.,]+\w? [A-Za-z]{2,}+ ", bare)
    if not core or (core[0] in ",.;:)" and len(core) > 1) or (words and r"\rm" not in body):
        return False
    signs, related = re.search(r"[\\^_{}]", text), _RELATION.match(core)
    if core != body and not body.endswith(
        r"\ "
    ):  # TeX allows spaces there, and currencies have them
        worded = re.search(r"(?<![A-Za-z_^{])[A-Za-z]{2}", bare) and r"\rm" not in body
        if worded or (before.isalpha() and not related):
            return False
        return bool(signs or related or re.fullmatch(r" [+-]?[\d., -]+| ?[^\W\d_] ?", body))
    if signs or re.fullmatch(r"[<>=~+?%'.-]+", core):
        return True
    if after.isdigit():
        return core[-1] in "<>=" or (len(core) == 1 and core.isalpha() and not core.isascii())
    if before.isupper() or after.isalpha():
        return bool(related or _SHORT.fullmatch(core))
    words = re.search(r" \W*[A-Za-z]{2}|[A-Za-z]{2}\W* ", core)
    return not (words and (core[0].isdigit() or not related)) and any(map(str.isalnum, core))


def _aside(match: re.Match[str]) -> str | None:
    """What is to stand for a match in the end; None where it is prose after all."""
    kind, text = match.lastgroup or "", match.string
    before = text[max(0, match.start() - 1) : match.start()]
    after = text[match.end() : match.end() + 1]
    body = match[kind]
    if kind == "skip":
        return None
    if kind == "code":
        return (
            None if body != body.strip() or after.isalnum() or "`" in before + after else match[0]
        )
    if kind in {"environment", "path"}:
        return match[0]
    if kind in {"display", "inline"}:
        if not _is_formula(body, before, after):
            return None
    elif (kind == "square" or before.isalpha()) and not re.search(r"[\\^_=]", body):
        return None  # Markdown and regular expressions escape brackets, too
    if body.startswith(r"\href"):
        return _prose(body)
    return " " if body in SPACES else formula_text(body) or match[0]


def _set_aside(text: str) -> tuple[str, list[str]]:
    """The text with one character for each thing set aside, and what those stand for."""
    parts: list[str] = []
    kept: list[str] = []
    copied = at = 0
    while len(kept) < _MOST_ASIDE and (match := _ASIDES.search(text, at)):
        shown = _aside(match)
        at = match.end() if shown or match.lastgroup == "skip" else match.start() + 1
        if shown:
            parts += [text[copied : match.start()], chr(0xF0000 + len(kept))]
            kept.append(shown)
            copied = at
    return "".join([*parts, text[copied:]]), kept


def _accented(match: re.Match[str], otherwise: set[str]) -> str:
    """An accent and its letter as one character; where there is none, as it was."""
    mark, base = match[2], match[3] or match[4]
    if mark in otherwise:
        return match[0]
    base = {r"\i": "i", r"\j": "j"}.get(base) or LETTERS.get(base[1:], base)
    char = unicodedata.normalize("NFC", base + MARKS[mark])
    return char if len(char) == 1 else match[0]


def _raised_or_lowered(match: re.Match[str]) -> str:
    table = SUPERSCRIPTS if match[1] == "super" else SUBSCRIPTS
    return "".join(table[c] for c in match[2]) if set(match[2]) <= set(table) else match[2]


def _without_markup(text: str) -> str:
    r"""The words of ``\emph{…}``, ``{\em …}``, ``\href{…}{…}`` without what is around them."""
    found = list(_MARKUP.finditer(text))
    closing: dict[int, int] = {}
    opened: list[int] = []
    for sign in re.finditer(r"\\.|[{}]", text if found else ""):
        if sign[0] == "{":
            opened.append(sign.start())
        elif sign[0] == "}" and opened:
            closing[opened.pop()] = sign.start()
    cuts = []
    for match in found:
        brace, end = match.start(match.lastgroup or 0), match.end()
        if match["first"]:
            brace = closing.get(brace, -2) + 1
            brace += text[brace : brace + 1] == " "
            end = brace + 1
        if brace in closing:
            cuts += [(match.start(), end), (closing[brace], closing[brace] + 1)]
    parts, copied = [], 0
    for start, end in sorted(cuts):
        parts.append(text[copied:start])
        copied = max(copied, end)
    return "".join([*parts, text[copied:]])


def _macros(match: re.Match[str]) -> str:
    """Macros that stand for text; as they were where one does not, or where it may be a path."""
    names, space = (match[1] or f"\\{match[2]}").split("\\")[1:], match[4] or ""
    first, before = names[0], match.string[max(0, match.start() - 2) : match.start()]
    if not all(name in SYMBOLS for name in names) or before.endswith(":"):
        return match[0]
    inside = before[-1:].isalpha()
    if not match[1] and match[3] is None:  # neither {\o} nor \o{}
        if len(first) == 1 and not inside and not (first in "LO" and space):
            return match[0]
        sure = first in LETTERS or re.match("text|l?dots$|slash$|deg|.*TeX$|etal$", first)
        if not sure and len(before) == 2 and before.isalpha():
            return match[0]
    shown = "".join("°" if name == "deg" else SYMBOLS[name] for name in names)
    joined = names[-1] in LETTERS and (inside or first in {"L", "O", "AE", "OE"})
    return shown if joined or first == "textbackslash" else shown + space


def _escaped(match: re.Match[str]) -> str:
    return match[match.lastindex] if match.lastindex else " "


def _quoted(match: re.Match[str]) -> str:
    """Opening quotes up to the next backtick, closed as they should be or by a plain quote."""
    body = match[1][:300]
    close = re.search(r"''|(?<=[^\s(])\"", body)
    if close and body.count('"', 0, close.start()) % 2:
        close = re.search("''", body)
    if not close:
        return match[0]
    return f"“{body[: close.start()]}”{match[1][close.end() :]}"


def _dash_or_tie(match: re.Match[str], approximately: bool = False) -> str:
    """A dash or a space, except in an address and where ``~`` may be the sign for about."""
    text, end = match.string, match.end()
    word = text[max(0, match.start() - 200) : match.start()].rpartition(" ")[2]
    if "://" in word or re.search(r"\.\w{1,20}+/", word):
        return match[0]
    if match[0] == "~":
        doubtful = approximately and text[end].isdigit() and not word.endswith(".")
        return "~" if doubtful and not word.istitle() else " "
    return "–" if match[0] == "--" else "—"


def _unwrapped(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - 4) : match.start()].rstrip("-‐‑–—")
    return "" if before[-1:].strip() else " "


def _prose(text: str) -> str:
    """Text without formulas: accents, markup, macros, quotes, dashes and ties."""
    if "\\" in text:
        text = _DOUBLED_GROUP.sub("", text)
        if _ANY_ACCENT.search(text):
            accented = partial(_accented, otherwise=set(_NO_ACCENT.findall(text)))
            text = _ACCENT.sub(accented, _ACCENT.sub(accented, text))  # a letter can have two
        text = _without_markup(_SCRIPT.sub(_raised_or_lowered, text))
        text = _MACROS.sub(_macros, _FOREIGN.sub(r"\1\2", text))
    text = _ESCAPED.sub(_escaped, text)
    if "``" in text:
        text = _QUOTED.sub(_quoted, text)
    if "--" in text:
        text = _DASH.sub(_dash_or_tie, text)
    if "~" in text:
        approximately = _APPROXIMATELY.search(text) is not None
        text = _TIE.sub(partial(_dash_or_tie, approximately=approximately), text)
    return text


def readable(text: str) -> str:
    """``text`` on one line, with TeX as the characters that it stands for.

    Never raises; what cannot be converted, or may not be TeX, stays as it was.
    """
    if "\xad" in text:
        text = re.sub(r"\xad(?:\r?\n\s*+)?", "", text)
    if "\n" in text:
        text = _WRAPPED.sub(_unwrapped, text.replace("\r\n", "\n"))
    text = " ".join(text.split())
    if not ("\\" in text or "$" in text or "~" in text or "``" in text or "--" in text):
        return text
    if _SET_ASIDE.search(text):
        return text  # no paper has characters of that plane
    text, kept = _set_aside(text)
    text = _prose(text)
    if kept:
        text = _SET_ASIDE.sub(lambda match: kept[ord(match[0]) - 0xF0000], text)
    return " ".join(text.split())
