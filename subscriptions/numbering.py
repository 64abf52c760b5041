"""Links in plain text by number: ``[3]`` where one is spoken of, the addresses in a list below.

Neither a template nor a note knows how many links stand before its own. So they write MARK for
the number of a link and LISTED before its address, in the same order, and are numbered last.
"""

import re

MARK, LISTED = "\x04" * 3, "\x05" * 3
"""As wide as three digits, for what wraps them; no value contains them."""
_ANY = re.compile(f"{MARK}|{LISTED}")


def places(text: str) -> list[int]:
    """Which link of ``text``, from 0, each MARK and LISTED stands for."""
    counted = {MARK: 0, LISTED: 0}
    found = []
    for token in _ANY.findall(text):
        found.append(counted[token])
        counted[token] += 1
    return found


def number(text: str) -> str:
    """``text`` with its links numbered from 1."""
    numbers = iter(places(text))
    return _ANY.sub(lambda _: str(next(numbers) + 1), text)


def waiting(text: str, token: str) -> str:
    """``text`` with ``token`` for each number, and nothing else that looks like it."""
    return token.join(part.replace(token, "") for part in _ANY.split(text))
