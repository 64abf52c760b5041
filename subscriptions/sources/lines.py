"""JSON files and JSON Lines read with clear errors: what the file formats share."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from .records import PaperRecord, RejectedRecord, Rejection, SourceFormatError

MAX_FILE_BYTES = 512 * 2**20
MAX_LINE = 2**20

Parse = Callable[[dict[str, Any]], PaperRecord]


def parse_each(
    objects: Iterable[tuple[int, Any]], parse: Parse
) -> Iterator[PaperRecord | Rejection]:
    """Parse numbered JSON values; one that is refused stops none of the rest."""
    for number, value in objects:
        try:
            if isinstance(value, RejectedRecord):
                raise value
            if not isinstance(value, dict):
                raise RejectedRecord(f"is {_kind(value)}, not a JSON object")
            yield parse(value)
        except RejectedRecord as error:
            yield Rejection(number, str(error))


def read_json(path: Path) -> Any:
    """A whole JSON file. Raises SourceFormatError for anything else."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SourceFormatError(f"is larger than {MAX_FILE_BYTES >> 20} MB")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SourceFormatError(f"cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise SourceFormatError(f"is not JSON: {error}") from error


def read_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """The values of a JSON Lines file with their line numbers; blank lines are passed over.

    A line that is not JSON comes as a RejectedRecord. Raises SourceFormatError where the
    file cannot be read or not one line is a JSON object.
    """
    good = bad = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), 1):
                if not line.strip():
                    continue
                value = _line(line)
                bad, good = (bad, good + 1) if isinstance(value, dict) else (bad + 1, good)
                if bad == 20 and not good:
                    break
                yield number, value
    except OSError as error:
        raise SourceFormatError(f"cannot be read: {error.strerror}") from error
    if bad and not good:
        raise SourceFormatError("is not JSON Lines: not one line of it is a JSON object")


def _line(line: bytes) -> Any:
    if len(line) > MAX_LINE:
        return RejectedRecord(f"is longer than {MAX_LINE >> 20} MB")
    try:
        return json.loads(line.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        return RejectedRecord(f"is not JSON: {error}")


def _kind(value: Any) -> str:
    return {str: "text", list: "a list", type(None): "null"}.get(type(value), "a number")
