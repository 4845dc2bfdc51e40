"""The published OpenAPI document, made of the route table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lpdesk import __version__
from lpdesk.api.problems import CODES
from lpdesk.api.reading import MAX_PAGE, MAX_PAGE_SIZE
from lpdesk.api.resources import Column, Resource
from lpdesk.api.routes import Route

JSON_API = "application/vnd.api+json"
Schema = dict[str, Any]

_COMMON = (400, 401, 405, 406, 408, 413, 415, 429, 431, 503)
_READS = (404,)
_DEALS = (403, 409, 422)

ERRORS: Schema = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["status", "code", "title", "detail"],
                "properties": {
                    "status": {"type": "string"},
                    "code": {"type": "string", "enum": sorted(CODES)},
                    "title": {"type": "string"},
                    "detail": {"type": "string"},
                    "source": {"type": "object"},
                    "meta": {"type": "object"},
                },
            },
        }
    },
}


def document(routes: Iterable[Route]) -> Schema:
    """The whole document."""
    paths: Schema = {}
    resources: dict[str, Resource] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
        if route.gives:
            resources[route.gives.type] = route.gives
    schemas = {name: resource.schema() for name, resource in resources.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "lpdesk", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas | {"errors": ERRORS},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-API-KEY",
                    "description": "With X-TIMESTAMP (Unix ms) and X-SIGNATURE: hex HMAC-SHA256 of"
                    " timestamp + method + path with query + body. Good for one POST.",
                },
            },
        },
    }


def _operation(route: Route) -> Schema:
    operation: Schema = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": list(_parameters(route)),
        "responses": _responses(route),
    }
    if not route.open:
        operation["security"] = [{"bearer": []}, {"signature": []}]
    if route.body:
        content = {JSON_API: {"schema": route.body.schema()}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _responses(route: Route) -> Schema:
    success: Schema = {"description": "Done."}
    if route.gives:
        success["content"] = {JSON_API: {"schema": _answer(route.gives, route.many)}}
    else:
        success["content"] = {route.media_type: {"schema": {}}}
    errors = {JSON_API: {"schema": {"$ref": "#/components/schemas/errors"}}}
    statuses = [*_COMMON, *route.refuses]
    statuses += _READS if "{" in route.path else ()
    statuses += _DEALS if route.deals else ()
    refusals = {
        str(status): {"description": "Refused.", "content": errors}
        for status in sorted(set(statuses))
    }
    return {str(route.success): success} | refusals


def _answer(resource: Resource, many: bool) -> Schema:
    ref: Schema = {"$ref": f"#/components/schemas/{resource.type}"}
    data: Schema = {"type": "array", "items": ref} if many else ref
    properties: Schema = {"data": data}
    if many:
        properties |= {"links": {"type": "object"}, "meta": {"type": "object"}}
    return {"type": "object", "required": sorted(properties), "properties": properties}


def _parameters(route: Route) -> Iterable[Schema]:
    if "{id}" in route.path:
        yield _parameter("id", "path", {"type": "string", "maxLength": 128, "minLength": 1})
    if route.deals:
        yield _parameter(
            "Idempotency-Key",
            "header",
            {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"},
            "A repeat with the same key and body gets the stored answer.",
        )
    if route.many and route.gives:
        yield _parameter("page[number]", "query", _whole(MAX_PAGE))
        yield _parameter("page[size]", "query", _whole(MAX_PAGE_SIZE))
        columns = route.gives.listed
        if columns:
            yield _parameter("sort", "query", _sorts(columns), "With - in front: downwards.")
        for column in columns:
            for op in ("eq",) if column.where else column.kind.ops:
                name = f"filter[{column.name}{'' if op == 'eq' else ' ' + op}]"
                yield _parameter(name, "query", column.kind.filter)


def _parameter(name: str, place: str, schema: Schema, about: str = "") -> Schema:
    parameter: Schema = {"name": name, "in": place, "schema": schema}
    if place == "path":
        parameter["required"] = True
    return parameter | ({"description": about} if about else {})


def _whole(most: int) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": most}


def _sorts(columns: Iterable[Column]) -> Schema:
    names = "|".join(column.name for column in columns)
    return {"type": "string", "pattern": f"^-?({names})(,-?({names})){{0,7}}$"}
