"""The OpenAPI document. Clients are generated from it, so this module adds what Litestar cannot derive."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeGuard

from litestar import Request, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import (
    Components,
    Example,
    OpenAPI,
    OpenAPIHeader,
    OpenAPIResponse,
    Operation,
    Parameter,
    Schema,
    SecurityScheme,
)
from litestar.openapi.spec.enums import OpenAPIType

from ordersys import __version__
from ordersys.entrypoint.http.problem import MEDIA_TYPE
from ordersys.entrypoint.http.refusals import Flaw, Problem

PATH: Final = "/schema"
ASSETS: Final = f"{PATH}/assets"
HEADERS: Final[Mapping[str, Mapping[str, str]]] = {
    "401": {"WWW-Authenticate": "The reason why the token was refused."},
    "503": {"Retry-After": "Seconds to wait before the next attempt."},
}


class _Page(SwaggerRenderPlugin):
    """The packaged Swagger UI 4 cannot read OpenAPI 3.1, so it gets the document converted to 3.0."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, {**_in_words_of_3_0(openapi_schema), "openapi": "3.0.3"})


def config() -> OpenAPIConfig:
    """The scripts of the page come from the package, so that it works offline."""
    return OpenAPIConfig(
        title="ordersys",
        version=__version__,
        description="Flights, orders and their workflows. Errors are problem+json (RFC 9457) with a stable `code`.",
        components=Components(
            security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
        ),
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
        openapi_router=Router(PATH, route_handlers=[], include_in_schema=False, opt={"exclude_from_auth": True}),
        render_plugins=[
            _Page(
                js_url=f"{ASSETS}/swagger-ui-bundle.js",
                css_url=f"{ASSETS}/swagger-ui.css",
                favicon=f"<link rel='icon' type='image/png' href='{ASSETS}/favicon-32x32.png'>",
                standalone_preset_js_url=f"{ASSETS}/swagger-ui-standalone-preset.js",
            )
        ],
    )


def correct(document: OpenAPI) -> None:
    """Corrects what Litestar derives from types alone."""
    for name, schema in document.components.schemas.items():
        if name.endswith("Body"):
            schema.additional_properties = False
        elif name not in (Problem.__name__, Flaw.__name__):
            # Responses contain every field: unknown values are null or empty.
            schema.required = sorted(schema.properties or ())
    for operation in _operations(document):
        for parameter in operation.parameters or ():
            if isinstance(parameter, Parameter) and isinstance(parameter.schema, Schema):
                _correct_parameter(parameter, parameter.schema)
        responses = operation.responses or {}
        if "400" in responses and not _is_problem(responses["400"]):
            del responses["400"]  # Litestar's default for an invalid request; this API returns 422
        for status, response in responses.items():
            if _is_problem(response):
                _correct_problem(status, response)


def _correct_parameter(parameter: Parameter, schema: Schema) -> None:
    if parameter.name == "Idempotency-Key":
        # The default exists only so that a missing header gets its own error code.
        parameter.required, schema.default = True, None
    for choice in schema.one_of or ():
        if isinstance(choice, Schema) and choice.type != OpenAPIType.NULL:
            # A parameter can be omitted, but not null.
            schema.type, schema.one_of = choice.type, None


def _correct_problem(status: str, response: OpenAPIResponse) -> None:
    response.headers = {name: _header(text) for name, text in HEADERS.get(status, {}).items()} or None
    for media in (response.content or {}).values():
        # OpenAPI examples have no id; Litestar writes one.
        examples = (media.examples or {}).items()
        media.examples = {name: replace(one, id=None) for name, one in examples if isinstance(one, Example)}


def _is_problem(response: Any) -> TypeGuard[OpenAPIResponse]:
    return isinstance(response, OpenAPIResponse) and MEDIA_TYPE in (response.content or {})


def _in_words_of_3_0(node: Any) -> Any:
    """In OpenAPI 3.0, null is a property of a type, not a type, and a schema has one example and no constant."""
    if isinstance(node, list):
        return [_in_words_of_3_0(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {name: _in_words_of_3_0(value) for name, value in node.items()}
    choices = [choice for choice in plain.get("oneOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del plain["oneOf"]
        plain |= {"allOf": choices, "nullable": True}
    elif len(choices) < len(plain.get("oneOf", ())):
        plain |= {"oneOf": choices, "nullable": True}
    if isinstance(plain.get("type"), list):
        (kind,) = (one for one in plain["type"] if one != "null")
        plain |= {"type": kind, "nullable": True}
    if isinstance(plain.get("const"), str):
        plain["enum"] = [plain.pop("const")]
    if isinstance(plain.get("examples"), list):
        plain["example"] = plain.pop("examples")[0]
    return plain


def _header(description: str) -> OpenAPIHeader:
    return OpenAPIHeader(schema=Schema(type=OpenAPIType.STRING), description=description)


def _operations(document: OpenAPI) -> Iterator[Operation]:
    for item in (document.paths or {}).values():
        yield from (found for found in (item.get, item.post, item.put, item.delete) if found)


def _operation_id(handler: HTTPRouteHandler, *_: object) -> str:
    """Returns the name of the function in a generated client: search_flights -> searchFlights."""
    first, *rest = handler.handler_name.split("_")
    return first + "".join(word.title() for word in rest)
