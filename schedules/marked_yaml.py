"""YAML as plain text, lists and mappings, with the line of every field.

Scalars stay the text that was written: YAML's own guesses would read the time 05:30 as the number 330.
"""

from collections.abc import Iterator

import yaml

from schedules.errors import BadValue, BadYaml, MissingField, NoSuchDate, UnknownField

Path = tuple[str | int, ...]
Plain = str | None | list["Plain"] | dict[str, "Plain"]

SIZE_LIMIT_CHARACTERS = 1_000_000
_NOTHING = frozenset({"", "~", "null"})


class MarkedYaml:
    """`content` of a document, and `line_of` any path in it. Raises `BadYaml`.

    Aliases are refused: a timetable has no use for them, and a few lines of them can unfold to gigabytes.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {(): 1}
        self._seen: set[int] = set()
        try:
            node = _compose(text)
            self.content = None if node is None else self._plain(node, ())
        except RecursionError as error:
            raise BadYaml(1, "nested too deeply") from error

    def line_of(self, path: Path) -> int:
        """The line of the field, or of the nearest thing around it that is in the document."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _plain(self, node: yaml.Node, path: Path) -> Plain:
        self._lines.setdefault(path, _line(node))
        if id(node) in self._seen:
            raise BadYaml(_line(node), "alias", _dotted(path))
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return dict(self._fields(node, path))
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, (*path, index)) for index, item in enumerate(node.value)]
        quoted = isinstance(node, yaml.ScalarNode) and node.style is not None
        return None if node.value in _NOTHING and not quoted else str(node.value)

    def _fields(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Plain]]:
        for name, value in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise BadYaml(_line(name), "a field name must be a word", _dotted(path))
            field = (*path, str(name.value))
            if field in self._lines:
                raise BadYaml(_line(name), "the field comes twice", _dotted(field))
            self._lines[field] = _line(name)
            yield str(name.value), self._plain(value, field)

    def complaint(self, path: Path, kind: str, value: object, problem: str) -> BadYaml:
        """Pydantic's `kind` of error about the field at `path`, as ours."""
        refusals = {"missing": MissingField, "extra_forbidden": UnknownField, "no_such_date": NoSuchDate}
        shown = str(value)[:80] if isinstance(value, str) else ""
        return refusals.get(kind, BadValue)(self.line_of(path), problem, _dotted(path), shown)


def _compose(text: str) -> yaml.Node | None:
    if len(text) > SIZE_LIMIT_CHARACTERS:
        raise BadYaml(1, f"longer than {SIZE_LIMIT_CHARACTERS} characters")
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadYaml(mark.line + 1 if mark else 1, error.problem or "") from error
    except yaml.reader.ReaderError as error:
        raise BadYaml(text.count("\n", 0, error.position) + 1, error.reason) from error


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)
