"""JSON files and JSON Lines read with clear errors: what the file formats share."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from .records import Found, PaperRecord, RejectedRecord, Rejection, SourceFormatError, shown

MAX_FILE_BYTES = 64 * 2**20
MAX_LINE = 2**20

Parse = Callable[[dict[str, Any]], PaperRecord]


def parse_each(objects: Iterable[tuple[int, Any]], parse: Parse) -> Iterator[Found]:
    """Parse numbered JSON values; one that is refused stops none of the rest."""
    for number, value in objects:
        try:
            if isinstance(value, RejectedRecord):
                raise value
            if not isinstance(value, dict):
                raise RejectedRecord(f"is not a JSON object but {shown(value)}")
            yield parse(value)
        except RejectedRecord as error:
            yield Rejection(number, str(error))


def read_json(path: Path) -> Any:
    """A whole JSON file. Raises SourceFormatError for anything else."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SourceFormatError(f"is larger than {MAX_FILE_BYTES >> 20} MB")
        with path.open("rb") as file:
            return json_of(file)
    except OSError as error:
        raise SourceFormatError(f"cannot be read: {error.strerror}") from error


def json_of(file: IO[bytes]) -> Any:
    """The JSON in a file. Raises SourceFormatError for anything else."""
    try:
        return json.loads(file.read().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise SourceFormatError(f"is not JSON: {error}") from error


def read_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """The values of a JSON Lines file with their line numbers; blank lines are passed over.

    A line that is not JSON comes as a RejectedRecord. Raises SourceFormatError where the
    file cannot be read or not one line is a JSON object.
    """
    good = bad = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(_pieces(file), 1):
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


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Lines; of one that is too long its beginning, still longer than ``MAX_LINE``."""
    while line := file.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE + 1)


def _line(line: bytes) -> Any:
    if len(line) > MAX_LINE:
        return RejectedRecord(f"is longer than {MAX_LINE >> 20} MB")
    try:
        return json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return RejectedRecord(f"is not JSON: {error}")
