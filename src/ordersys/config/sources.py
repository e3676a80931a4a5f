"""Reads a settings struct of sections from YAML, environment names and secret files.

Every value is checked on its own against the type of its key, so a refusal names the key's path and the source of the
value, and all refusals are reported at once. No message ever holds a value: it could be a secret.
"""

import difflib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import msgspec
import yaml

PREFIX: Final = "ORDERSYS__"
FILE_SUFFIX: Final = "__FILE"
HIDDEN: Final = "********"

S = TypeVar("S", bound=msgspec.Struct)
Checks = Iterable[Callable[[S], Iterator[str]]]


class ConfigError(Exception):
    """The configuration is invalid. `problems`: one line per key: its path, what is expected, and the source."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Secret:
    """A text that is hidden unless revealed. Not a dataclass, because msgspec would encode its field."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(Generic[S]):
    """The settings, and for every key that was set (dotted path) the source of its value."""

    settings: S
    sources: Mapping[str, str]


def keys(root: type[msgspec.Struct]) -> Iterator[tuple[str, Any]]:
    """Yields every key as (dotted path, type)."""
    for field in msgspec.structs.fields(root):
        if _is_section(field.type):
            yield from ((f"{field.name}.{inner.name}", inner.type) for inner in msgspec.structs.fields(field.type))
        else:
            yield field.name, field.type


def environment_name(key: str) -> str:
    return PREFIX + key.upper().replace(".", "__")


class Reading(Generic[S]):
    """Collects checked values from several sources; a later source wins."""

    def __init__(self, root: type[S]) -> None:
        self._root = root
        self._types = dict(keys(root))
        self._names = {environment_name(key): key for key in self._types}
        self._sections = {key.partition(".")[0] for key in self._types if "." in key}
        self._values: dict[str, Any] = {}
        self._sources: dict[str, str] = {}
        self._problems: list[str] = []

    def take_file(self, file: Path) -> None:
        for key, value in _flatten(_parse_file(file), self._sections):
            if key in self._types:
                self._put(key, value, str(file), strict=True)
            else:
                expected = "Expected a mapping" if key in self._sections else "unknown key" + _hint(key, self._types)
                self._refuse(key, expected, str(file))

    def take_names(self, environ: Mapping[str, str], label: str) -> None:
        """A variable that names a file with the value takes precedence over one that holds the value."""
        names = [name for name in environ if name.startswith(PREFIX)]
        for name in sorted(names, key=lambda n: (n.endswith(FILE_SUFFIX), n)):
            key, source = self._names.get(name.removesuffix(FILE_SUFFIX)), f"{label} {name}"
            if key is None:
                self._refuse(name, "unknown name" + _hint(name, self._names), label.strip(","))
            elif name.endswith(FILE_SUFFIX):
                self._put_content(key, Path(environ[name]), source)
            else:
                self._put_text(key, environ[name], source)

    def finish(self, checks: Checks[S]) -> Loaded[S]:
        if self._problems:
            raise ConfigError(self._problems)
        settings = self._build()
        broken = [f"{line} ({self._source_of(line)})" for check in checks for line in check(settings)]
        if broken:
            raise ConfigError(broken)
        return Loaded(settings=settings, sources=self._sources)

    def _put(self, key: str, value: Any, source: str, *, strict: bool) -> None:
        try:
            self._values[key] = msgspec.convert(value, self._types[key], strict=strict, dec_hook=_decode)
            self._sources[key] = source
        except msgspec.ValidationError as error:
            if isinstance(value, dict) and len(value) > 1:
                for entry in value.items():  # msgspec does not say which entry of a mapping is wrong
                    self._put(key, dict([entry]), source, strict=strict)
            else:
                expected, _, place = str(error).partition(" - at ")
                self._refuse(key + _inner(place, value), expected, source)

    def _put_text(self, key: str, text: str, source: str) -> None:
        if not _is_collection(self._types[key]):
            self._put(key, text, source, strict=False)
            return
        try:
            value = _parse(text)
        except yaml.YAMLError:
            self._refuse(key, "Expected a list or mapping as YAML or JSON", source)
        else:
            self._put(key, value, source, strict=True)

    def _put_content(self, key: str, file: Path, source: str) -> None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            self._refuse(key, f"the file cannot be read, {_reason(error)}", source)
        else:
            self._put_text(key, text.removesuffix("\n").removesuffix("\r"), source)

    def _refuse(self, key: str, why: str, source: str) -> None:
        self._problems.append(f"{key}: {why} ({source})")

    def _source_of(self, problem: str) -> str:
        return self._sources.get(problem.partition(":")[0].partition("[")[0], "default")

    def _build(self) -> S:
        values = {key: value for key, value in self._values.items() if "." not in key}
        for field in msgspec.structs.fields(self._root):
            if field.name in self._sections:
                start = field.name + "."
                inner = {key.removeprefix(start): v for key, v in self._values.items() if key.startswith(start)}
                values[field.name] = field.type(**inner)
        return self._root(**values)


class _StrictLoader(yaml.SafeLoader):
    """Refuses duplicate keys: the first value would be lost silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.MarkedYAMLError(problem=f"duplicate key {key}", problem_mark=key_node.start_mark)
            seen.add(key if isinstance(key, Hashable) else id(key))
        return super().construct_mapping(node, deep)


def _parse(text: str) -> Any:
    return yaml.load(text, Loader=_StrictLoader)  # noqa: S506  # it is a SafeLoader


def _parse_file(file: Path) -> dict[Any, Any]:
    try:
        content = _parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError([f"{file}: the file cannot be read, {_reason(error)}"]) from None
    except yaml.YAMLError as error:
        raise ConfigError([f"{file}: not YAML, {_place(error)}"]) from None
    if not isinstance(content, dict | None):
        raise ConfigError([f"{file}: Expected a mapping of sections"])
    return content or {}


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{place}{getattr(error, 'problem', None) or 'cannot be parsed'}"


def _flatten(content: dict[Any, Any], sections: set[str]) -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if key in sections and isinstance(value, dict):
            yield from ((f"{key}.{inner}", item) for inner, item in value.items())
        elif key not in sections or value is not None:
            yield str(key), value


def _decode(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise TypeError(f"Expected `str`, got `{type(value).__name__}`")


def _inner(place: str, value: Any) -> str:
    """From msgspec's "`$[1]`" or "`$[...]`" to the brackets behind the key."""
    brackets = place.strip("`").removeprefix("$") if place.startswith("`$") else ""
    return f"[{next(iter(value))}]" if brackets == "[...]" and isinstance(value, dict) else brackets


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _is_collection(kind: Any) -> bool:
    info = msgspec.inspect.type_info(kind)
    if isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    return isinstance(info, msgspec.inspect.VarTupleType | msgspec.inspect.DictType)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def _hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.8)
    return f", did you mean {close[0]}?" if close else ""
