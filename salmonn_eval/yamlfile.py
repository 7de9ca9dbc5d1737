"""YAML files read into closed records: every fault is told with its file and line.

Scalars follow YAML 1.2's core where PyYAML's 1.1 surprises: only `true` and `false` are booleans (`yes`, `no`, `on`,
`off` stay words, as the labels and the language code they are) and dates stay text.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml
from msgspec import Struct, inspect

from salmonn_eval.errors import UsageError

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML built without libyaml: slower, otherwise the same
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

T = TypeVar("T")
Keys = tuple[str | int, ...]

_BOOL = "tag:yaml.org,2002:bool"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_MERGE = "tag:yaml.org,2002:merge"
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>.*)`$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<key>.*)`$", re.DOTALL)
_PATH = re.compile(r"(?P<message>.*) - at (?:key in )?`\$(?P<path>[^`]*)`$", re.DOTALL)
_STEP = re.compile(r"\[\.\.\.\]|\[(\d+)\]|\.([^.\[]+)")


class Fault(Struct, frozen=True):
    """One thing that is wrong with a file; `line` counts from 1."""

    line: int
    message: str


class YamlError(UsageError):
    """A YAML file is not what was expected; `str()` has one `file:line: sentence` a line, `faults` the same apart."""

    def __init__(self, path: Path, faults: Sequence[Fault]) -> None:
        self.path = path
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{path}:{fault.line}: {fault.message}" for fault in self.faults))


class Document(Struct, frozen=True):
    """A YAML file as plain data. `lines` maps the keys that lead to an entry to the entry's line, from 1."""

    path: Path
    data: Any
    lines: dict[Keys, int]

    def line_of(self, keys: Sequence[str | int]) -> int:
        """The line of an entry, or of the nearest entry around it; 1 for the file as a whole."""
        wanted = tuple(keys)
        while wanted and wanted not in self.lines:
            wanted = wanted[:-1]
        return self.lines.get(wanted, 1)


def read(path: Path) -> Document:
    """Parse one file safely (no objects are made); YamlError for bad YAML and for duplicate keys (all of them)."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        line = path.read_bytes()[: fault.start].count(b"\n") + 1
        raise YamlError(path, [Fault(line, f"byte {fault.start} is not UTF-8; save the file as UTF-8")]) from fault
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read ({fault.strerror}); expected a YAML file") from fault
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        builder = _Builder(loader)
        data = None if node is None else builder.build(node, ())
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        problem = " ".join(str(fault.problem or fault.context).split())
        raise YamlError(path, [Fault(mark.line + 1 if mark else 1, f"not valid YAML: {problem}")]) from fault
    except (yaml.YAMLError, ValueError) as fault:
        raise YamlError(path, [Fault(1, f"not valid YAML: {' '.join(str(fault).split())}")]) from fault
    finally:
        loader.dispose()
    if builder.faults:
        raise YamlError(path, builder.faults)
    return Document(path, data, builder.lines)


def convert(document: Document, type_: type[T]) -> T:
    """Read a document as `type_`; YamlError tells every unknown key, or the first value that does not fit."""
    faults: list[Fault] = []
    data = document.data
    while True:
        try:
            value = msgspec.convert(data, type_)
        except msgspec.ValidationError as error:
            message, keys = _located(error, data, type_)
            unknown = _UNKNOWN.match(message)
            faults.append(_fault(document, type_, message, keys))
            if unknown is None:
                break
            data = _without(data, (*keys, unknown["key"]))
        else:
            if faults:
                break
            return value
    raise YamlError(document.path, sorted(faults, key=lambda fault: fault.line))


def load(path: Path, type_: type[T]) -> T:
    """Read a YAML file as `type_`; raises YamlError (a UsageError) with file and line of each fault."""
    return convert(read(path), type_)


def line_of(path: Path, keys: Sequence[str | int]) -> int | None:
    """The line of an entry of a file, or of the nearest entry around it; None when the file cannot be parsed."""
    try:
        return read(path).line_of(keys)
    except UsageError:
        return None


class _Loader(_SafeLoader):
    """The safe loader with YAML 1.2's booleans and without dates."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own protocol
        first: [
            (tag, re.compile(r"true|True|TRUE|false|False|FALSE") if tag == _BOOL else pattern)
            for tag, pattern in resolvers
            if tag != _TIMESTAMP
        ]
        for first, resolvers in _SafeLoader.yaml_implicit_resolvers.items()
    }


class _Builder:
    """Turns composed nodes into plain data and remembers the line of every entry."""

    def __init__(self, loader: _Loader) -> None:
        self.lines: dict[Keys, int] = {}
        self.faults: list[Fault] = []
        self._loader = loader
        self._open: list[yaml.Node] = []

    def build(self, node: yaml.Node, keys: Keys) -> Any:
        """Plain data of a node; nodes that contain themselves are refused."""
        if any(node is outer for outer in self._open):
            raise yaml.MarkedYAMLError(problem="an anchor that contains itself", problem_mark=node.start_mark)
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _COLLECTIONS:
            raise yaml.MarkedYAMLError(problem=f"the tag {node.tag} has no meaning", problem_mark=node.start_mark)
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, keys)
            if isinstance(node, yaml.SequenceNode):
                return [self._item(item, (*keys, place)) for place, item in enumerate(node.value)]
            return self._loader.construct_object(node)
        finally:
            self._open.pop()

    def _item(self, node: yaml.Node, keys: Keys) -> Any:
        self.lines[keys] = node.start_mark.line + 1
        return self.build(node, keys)

    def _mapping(self, node: yaml.MappingNode, keys: Keys) -> dict[Any, Any]:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if key.tag != _MERGE and isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    message = f"the key `{key.value}` stands here and on line {seen[key.value]}; remove one of them"
                    self.faults.append(Fault(line, message))
                seen.setdefault(key.value, line)
        self._loader.flatten_mapping(node)
        built: dict[Any, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key that is not a word", problem_mark=key.start_mark)
            name = self._loader.construct_object(key)
            self.lines[(*keys, name)] = key.start_mark.line + 1
            built[name] = self.build(value, (*keys, name))
        return built


def _located(error: msgspec.ValidationError, data: Any, type_: type[Any]) -> tuple[str, Keys]:
    """Split msgspec's message from its path; `[...]` (some value of a dict) is resolved to the key it stands for."""
    whole = str(error)
    found = _PATH.match(whole)
    if found is None:
        return whole, ()
    keys: Keys = ()
    for step in _STEP.finditer(found["path"]):
        index, name = step.groups()
        keys = (*keys, int(index) if index else name or _culprit(whole, data, type_, keys))
    return found["message"], keys


def _culprit(message: str, data: Any, type_: type[Any], keys: Keys) -> str:
    """The key of the dict at `keys` whose value, left alone in it, still gives the same error."""
    candidates = list(_at(data, keys))
    for candidate in candidates:
        rest = data
        for other in candidates:
            rest = rest if other == candidate else _without(rest, (*keys, other))
        try:
            msgspec.convert(rest, type_)
        except msgspec.ValidationError as error:
            if str(error) == message:
                return str(candidate)
    return str(candidates[0])


def _at(data: Any, keys: Keys) -> Any:
    for key in keys:
        data = data[key]
    return data


def _without(data: Any, keys: Keys) -> Any:
    """A copy of nested data that lacks one dict entry."""
    first, rest = keys[0], keys[1:]
    if isinstance(data, list):
        return [_without(item, rest) if place == first else item for place, item in enumerate(data)]
    if not rest:
        return {key: value for key, value in data.items() if key != first}
    return {key: _without(value, rest) if key == first else value for key, value in data.items()}


def _fault(document: Document, type_: type[Any], message: str, keys: Keys) -> Fault:
    """Our sentence for one of msgspec's messages."""
    where = ".".join(str(key) for key in keys)
    inside = f" in `{where}`" if where else ""
    expected = ", ".join(_choices(inspect.type_info(type_), keys))
    if unknown := _UNKNOWN.match(message):
        line = document.line_of((*keys, unknown["key"]))
        return Fault(line, f"unknown key `{unknown['key']}`{inside}; expected one of: {expected}")
    if missing := _MISSING.match(message):
        return Fault(document.line_of(keys), f"the key `{missing['key']}` is missing{inside}; add it")
    subject = f"`{where}`: " if where else ""
    choices = f"; expected one of: {expected}" if message.startswith("Invalid enum value") else ""
    return Fault(document.line_of(keys), f"{subject}{message[:1].lower()}{message[1:]}{choices}")


def _choices(info: Any, keys: Keys) -> tuple[str, ...]:
    """What may stand where `keys` lead to: the field names of a record, or the values of a closed list."""
    if isinstance(info, inspect.UnionType):
        return next((names for member in info.types if (names := _choices(member, keys))), ())
    if isinstance(info, inspect.StructType):
        if not keys:
            return tuple(field.encode_name for field in info.fields)
        return next((_choices(field.type, keys[1:]) for field in info.fields if field.encode_name == keys[0]), ())
    if isinstance(info, inspect.DictType) and keys:
        return _choices(info.value_type, keys[1:])
    if isinstance(info, inspect.ListType | inspect.VarTupleType) and keys:
        return _choices(info.item_type, keys[1:])
    return tuple(str(value) for value in info.values) if isinstance(info, inspect.LiteralType) else ()
