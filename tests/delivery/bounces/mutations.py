"""Real bounces, damaged: cut, spliced, repeated, with bytes changed. None may crash."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

from .labels import flufl, sisimai

ALL = 5_000
SCRAPS = (
    b"\0", b"\r", b"\n\n", b"\xff\xfe", b"\x1b$B", b"--", b"=?", b"=?utf-8?b?", b"Content-Type: ",
    b"multipart/report; boundary=", b"Content-Transfer-Encoding: base64\n", b"Action: failed\n",
    b"Final-Recipient: rfc822;\n", b"Status: 9.9.9\n", b"550 5.1.1 ", b"<@>", b";" * 300, b"\"",
)  # fmt: skip


def mutations(bounces: Path) -> Iterator[bytes]:
    """Of the messages in ``bounces``: fifty, or the share of 5,000 that ``MUTATIONS`` says."""
    files = [each.content for each in (*sisimai(bounces), *flufl(bounces))]
    dice = random.Random(8)
    for _ in range(round(ALL * float(os.environ.get("MUTATIONS", "0.01")))):
        yield mutation(dice, files)


def mutation(dice: random.Random, files: list[bytes]) -> bytes:
    content = dice.choice(files)
    for _ in range(dice.randint(1, 4)):
        at, length = dice.randrange(len(content) + 1), dice.randint(1, 2000)
        match dice.randrange(6):
            case 0:
                content = content[:at]
            case 1:
                content = content[:at] + content[at + length :]
            case 2:
                content = content[:at] + dice.choice(SCRAPS) + content[at:]
            case 3:
                content = content[:at] + content[at : at + length] * 3 + content[at:]
            case 4:
                other = dice.choice(files)
                content = content[:at] + other[dice.randrange(len(other) + 1) :]
            case _:
                content = content[:at] + dice.randbytes(8) + content[at + 8 :]
    return content
