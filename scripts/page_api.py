"""The page's view of the API, from the OpenAPI document: frontend/src/api/schema.ts. Usage: page_api.py write|check"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ordersys.workshop.http import document

TARGET: Final = Path(__file__).parents[1] / "frontend" / "src" / "api" / "schema.ts"
HEAD: Final = "/** Made by scripts/page_api.py from the OpenAPI document; `make page-api` makes it anew. */\n"
PLAIN: Final = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
Schema = Mapping[str, Any]


def typescript(described: Schema) -> str:
    return HEAD + "\n".join((*_interfaces(described["components"]["schemas"]), *_operations(described["paths"])))


def _interfaces(schemas: Mapping[str, Schema]) -> Iterator[str]:
    for name, schema in sorted(schemas.items()):
        if "properties" in schema:
            yield f"export interface {name} {{"
            yield from _fields(schema)
            yield "}\n"
        else:
            yield f"export type {name} = {_type(schema)};\n"


def _fields(schema: Schema) -> Iterator[str]:
    required = schema.get("required", ())
    for name, of in schema["properties"].items():
        yield f"  {name}{'' if name in required else '?'}: {_type(of)};"


def _operations(paths: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    found = [(path, method, one) for path, methods in paths.items() for method, one in methods.items()]
    found.sort(key=lambda operation: str(operation[2]["operationId"]))
    yield "/** By operationId. */"
    yield "export interface Operations {"
    for _, _, one in found:
        yield from _operation(one)
    yield "}\n"
    yield "export const ROUTES = {"
    for path, method, one in found:
        secured = "true" if one.get("security") else "false"
        yield f'  {one["operationId"]}: {{ method: "{method.upper()}", path: "{path}", secured: {secured} }},'
    yield "} as const satisfies Record<keyof Operations, { method: string; path: string; secured: boolean }>;\n"


def _operation(operation: Schema) -> Iterator[str]:
    yield f"  {operation['operationId']}: {{"
    for place in ("path", "query", "header"):
        of = [one for one in operation.get("parameters", ()) if one["in"] == place]
        if of:
            yield f"    {place}: {{ {'; '.join(_parameter(one) for one in of)} }};"
    if body := operation.get("requestBody"):
        yield f"    body: {_type(body['content']['application/json']['schema'])};"
    yield f"    answer: {_answer(operation)};"
    yield "  };"


def _parameter(parameter: Schema) -> str:
    name = parameter["name"] if parameter["name"].isidentifier() else f'"{parameter["name"]}"'
    return f"{name}{'' if parameter['required'] else '?'}: {_type(parameter['schema'])}"


def _answer(operation: Schema) -> str:
    for status, response in sorted(operation["responses"].items()):
        if status.startswith("2"):
            json = response.get("content", {}).get("application/json")
            return _type(json["schema"]) if json else "string"
    return "never"


def _type(schema: Schema) -> str:
    if reference := schema.get("$ref"):
        return str(reference).rpartition("/")[2]
    if choices := schema.get("oneOf"):
        return " | ".join(_type(one) for one in choices)
    if (constant := schema.get("const")) is not None:
        return f'"{constant}"'
    if values := schema.get("enum"):
        return " | ".join("null" if value is None else f'"{value}"' for value in values)
    return _structure(schema)


def _structure(schema: Schema) -> str:
    kind = schema.get("type")
    if kind == "array":
        return f"readonly ({_type(schema['items'])})[]"
    if kind == "object":
        return f"Readonly<Record<string, {_type(schema.get('additionalProperties') or {})}>>"
    return PLAIN.get(str(kind), "unknown")


def main(words: list[str]) -> int:
    made = typescript(document())
    if words == ["write"]:
        TARGET.write_text(made)
        return 0
    if words == ["check"]:
        fresh = TARGET.is_file() and TARGET.read_text() == made
        if not fresh:
            print(f"{TARGET.name} does not fit the API any more: make page-api", file=sys.stderr)
        return 0 if fresh else 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
