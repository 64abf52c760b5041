"""What mail servers say: families of phrases, read from the two tables beside this file."""

import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

_LATIN_MARKS = re.compile("[\u0300-\u036f]")
_SPACE = re.compile(r"\s+")
_IDEOGRAPH = r"[\u3040-\u30ff\u4e00-\u9fff]"
_BETWEEN_IDEOGRAPHS = re.compile(rf"(?<={_IDEOGRAPH}) (?={_IDEOGRAPH})")
_SAME = str.maketrans({"\u2018": "'", "\u2019": "'", "\u2010": "-", "\u2011": "-", "\u0131": "i"})


def folded(text: str) -> str:
    """A text as the families know it: lower case, no accents, single spaces."""
    plain = _unaccented(text).casefold().translate(_SAME)
    return _BETWEEN_IDEOGRAPHS.sub("", _SPACE.sub(" ", plain)).strip()


def table(name: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))


def either(phrases: str, words: dict[str, str] | None = None) -> re.Pattern[str]:
    """One pattern for any of the lines, where ``<name>`` stands for any of the lines of a word."""
    return re.compile(_joined(_unaccented(phrases), words or {}))


def _joined(lines: str, words: dict[str, str]) -> str:
    joined = "|".join(line for line in lines.split("\n") if line)
    for name, theirs in words.items():
        if f"<{name}>" in joined:
            joined = joined.replace(f"<{name}>", f"({_joined(_unaccented(theirs), words)})")
    return joined


def _unaccented(text: str) -> str:
    return _LATIN_MARKS.sub("", unicodedata.normalize("NFKD", text))
