"""The admin API's own OpenAPI document, made from the routes that are served."""

from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import models_json_schema

from soundstage import __version__
from soundstage.edge.admin.context import Route


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """Return an OpenAPI 3.1 document for these routes."""
    listed = list(routes)
    bodies = {route.body for route in listed if route.body is not None}
    _, schemas = models_json_schema(
        [(body, "validation") for body in sorted(bodies, key=lambda body: body.__name__)],
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in listed:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Soundstage admin",
            "version": __version__,
            "description": "Drives one Soundstage server: keys, clocks, tasks, records. "
            "Name a universe with its API key as bearer, or with X-Soundstage-Universe (an id, or * for all).",
        },
        "paths": paths,
        "components": {
            "schemas": {
                **schemas.get("$defs", {}),
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {
                        "error": {
                            "type": "object",
                            "required": ["code", "message", "hint"],
                            "properties": {name: {"type": "string"} for name in ("code", "message", "hint")},
                        }
                    },
                },
            }
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    text = {"type": "string"}
    operation: dict[str, Any] = {
        "operationId": f"{route.handle.__module__.rsplit('.', 1)[-1]}_{route.handle.__name__}",
        "summary": route.summary,
        "description": (route.handle.__doc__ or "").strip(),
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": text} for name in names),
            *({"name": name, "in": "query", "schema": text} for name in route.query),
            {"name": "X-Soundstage-Universe", "in": "header", "schema": text},
        ],
        "responses": {
            str(route.status): {"description": "Done" if route.status == 204 else "The answer"},
            "4XX": {
                "description": "Refused",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    if route.body is not None:
        schema = {"$ref": f"#/components/schemas/{route.body.__name__}"}
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return operation
