"""XML from strangers, read so that it can neither reach out nor blow up."""

from typing import Final
from xml.parsers import expat

from lxml import etree

from controller.cap.errors import Unreadable

LIMIT_BYTES: Final = 5_000_000


def read(raw: bytes, limit_bytes: int = LIMIT_BYTES, *, keep_marks: bool = False) -> etree._Element:
    """The root element. With `keep_marks` comments and processing instructions stay, as a signature needs.

    A document type is refused before anything in it is looked at: without one there are no entities, no
    external references and nothing that grows. Raises Unreadable `cap.too_large`, `cap.has_doctype`,
    `cap.not_xml`.
    """
    if len(raw) > limit_bytes:
        raise Unreadable("cap.too_large", limit_mb=limit_bytes / 1_000_000)
    raw = raw.lstrip(b" \t\r\n")  # Some servers send an empty line first.
    _check_prolog(raw)
    try:
        root = etree.fromstring(raw, _parser(keep_marks))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable("cap.not_xml") from error
    return root


def _parser(keep_marks: bool) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=not keep_marks,
        remove_pis=not keep_marks,
    )


class _PrologOver(Exception):
    """The first element has begun: there can be no document type any more."""


def _check_prolog(raw: bytes) -> None:
    """In whatever encoding it is written: a parser looks for the document type, not a pattern of bytes."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = _stop
    try:
        parser.Parse(raw, True)
    except _PrologOver:
        return
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Unreadable("cap.not_xml") from error


def _refuse_doctype(*_declaration: object) -> None:
    raise Unreadable("cap.has_doctype")


def _stop(*_element: object) -> None:
    raise _PrologOver
