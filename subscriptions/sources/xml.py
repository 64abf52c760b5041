"""XML of strangers, read as a stream: no entities, no document types, no network."""

from collections.abc import Callable, Collection, Iterator
from typing import IO, Any, TypeVar

from lxml import etree

from .records import SourceFormatError

T = TypeVar("T")


def read_xml(
    file: IO[bytes], roots: Collection[str], what: str, take: Callable[[Any], Iterator[T]]
) -> Iterator[T]:
    """What ``take`` makes of each element of a document that has one of ``roots``.

    Elements come when they are complete, those within them first. ``take`` drops what it is
    done with; then memory does not grow. Raises SourceFormatError, after the elements before
    it, where the file is not ``what`` or its XML breaks off.
    """
    parser = etree.iterparse(
        file, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    root = None
    try:
        for event, element in parser:
            if root is None:
                root = element
                if name_of(root) not in roots:
                    raise SourceFormatError(f"is not {what} but {name_of(root)[:40]}")
                if root.getroottree().docinfo.doctype:
                    raise SourceFormatError(f"has a document type, which {what} has not")
            elif event == "end":
                yield from take(element)
    except etree.XMLSyntaxError as error:
        raise SourceFormatError(f"is not XML: {error.msg}") from error


def name_of(element: Any) -> str:
    """Without its namespace, which some responses lack."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: Any, name: str) -> list[Any]:
    return [child for child in element if name_of(child) == name]


def child(element: Any, name: str) -> Any:
    """The first child of that name, or None."""
    return next((child for child in element if name_of(child) == name), None)


def text_of(element: Any, name: str) -> str:
    """The text of the first child of that name; empty where there is none."""
    found = child(element, name)
    return "" if found is None else (found.text or "").strip()


def drop(element: Any) -> None:
    """Forget an element and those before it."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]
