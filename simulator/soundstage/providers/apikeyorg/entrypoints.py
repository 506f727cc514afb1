"""API-Key's machine-readable entry points, all made from the same data the server answers by (R-KEY-005..011).

The words come from openapi.yaml and guides.yaml in schemas/apikeyorg, models and prices from catalogue.yaml there.
Only the base URL varies.

ASSUMED: what is in them; only their addresses are published.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import orjson

from soundstage.core.call import Call, Reply
from soundstage.core.provider import Handler
from soundstage.core.view import Tx
from soundstage.providers.apikeyorg.catalogue import Model, catalogue
from soundstage.resources import read_yaml, schema_root

OPENAPI, DOCS, LLMS, CATALOG, AUTH = (
    "/openapi.json",
    "/api-docs/index.md",
    "/llms.txt",
    "/.well-known/api-catalog",
    "/auth.md",
)
_MARKDOWN = "text/markdown; charset=utf-8"
_LINKSET = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
_METHODS = ("get", "post")


@cache
def _document() -> Mapping[str, Any]:
    document: Mapping[str, Any] = read_yaml(schema_root() / "apikeyorg" / "openapi.yaml")
    return document


def _guide(name: str) -> str:
    guides: Mapping[str, str] = read_yaml(schema_root() / "apikeyorg" / "guides.yaml")
    return guides[name].strip()


def _base(call: Call) -> str:
    # One provider at the root has no prefix of its own; the call's path tells which it was.
    return f"{call.base_url}{call.prefix}"


def _openapi(base: str) -> bytes:
    return orjson.dumps({**_document(), "servers": [{"url": base, "description": "This server"}]})


def _catalog(base: str) -> bytes:
    # The API's own address answers nothing; its list of models is where a reader of the catalogue can begin.
    api = f"{base}/v1/models"
    return orjson.dumps(
        {
            "linkset": [
                {
                    "anchor": f"{base}{CATALOG}",
                    "item": [{"href": api, "title": _document()["info"]["title"]}],
                },
                {
                    "anchor": api,
                    "service-desc": [{"href": f"{base}{OPENAPI}", "type": "application/json"}],
                    "service-doc": [
                        {"href": f"{base}{DOCS}", "type": "text/markdown"},
                        {"href": f"{base}{LLMS}", "type": "text/plain"},
                        {"href": f"{base}{AUTH}", "type": "text/markdown"},
                    ],
                },
            ]
        }
    )


def _docs(base: str) -> bytes:
    document = _document()
    lines = [f"# {document['info']['title']}", "", f"Base URL: `{base}`", "", document["info"]["description"].strip()]
    for path, method, operation in _operations():
        lines += ["", f"## {method.upper()} {path}", "", operation["summary"]]
        if "description" in operation:
            lines += ["", operation["description"].strip()]
        lines += _parameters(operation)
        lines += ["", f"Replies: {', '.join(operation['responses'])}."]
    lines += ["", "## Models", "", *_model_table(), "", _guide("errors"), "", _guide("callbacks"), ""]
    return "\n".join(lines).encode()


def _llms(base: str) -> bytes:
    info = _document()["info"]
    lines = [f"# {info['title']}", "", f"> {info.get('summary', '')}".rstrip(), "", "## Documents", ""]
    lines += [
        f"- [Reference]({base}{DOCS}): every endpoint, its fields, models and prices",
        f"- [OpenAPI 3.1]({base}{OPENAPI}): the same for machines",
        f"- [Authentication]({base}{AUTH}): keys, headers, callback signatures",
        f"- [API catalog]({base}{CATALOG}): a linkset of all of these",
        "",
        "## Endpoints",
        "",
    ]
    lines += [f"- `{method.upper()} {path}`: {operation['summary']}" for path, method, operation in _operations()]
    lines += ["", _guide("budget"), ""]
    return "\n".join(lines).encode()


def _auth(base: str) -> bytes:
    return f"{_guide('auth').replace('{base}', base)}\n".encode()


def _operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in _document()["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _parameters(operation: Mapping[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return []
    name = content["schema"]["$ref"].rsplit("/", 1)[1]
    schema = _document()["components"]["schemas"][name]
    lines = ["", "| field | required | type | meaning |", "| --- | --- | --- | --- |"]
    for field, rules in schema["properties"].items():
        required = "yes" if field in schema.get("required", ()) else "no"
        lines.append(f"| `{field}` | {required} | {_type(rules)} | {_meaning(rules)} |")
    return lines


def _whole(rules: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a field's rules with those of the schema it refers to."""
    if "$ref" not in rules:
        return rules
    return {**_document()["components"]["schemas"][rules["$ref"].rsplit("/", 1)[1]], **rules}


def _type(rules: Mapping[str, Any]) -> str:
    rules = _whole(rules)
    kind = rules.get("type")
    if kind is None:
        alternatives = rules.get("anyOf", rules.get("oneOf", ()))
        kind = list(dict.fromkeys(_type(one) for one in alternatives)) or ["string" if "enum" in rules else "any"]
    return kind if isinstance(kind, str) else " or ".join(one for one in kind if one != "null")


def _meaning(rules: Mapping[str, Any]) -> str:
    rules = _whole(rules)
    said = [str(rules["description"]).strip()] if "description" in rules else []
    values = rules.get("enum") or [
        value for one in rules.get("anyOf", rules.get("oneOf", ())) for value in _whole(one).get("enum", ())
    ]
    if values:
        said.append(f"One of {', '.join(str(value) for value in values if value is not None)}.")
    if "default" in rules:
        said.append(f"Default {rules['default']}.")
    return " ".join(said).replace("\n", " ").replace("|", "\\|")


def _model_table() -> list[str]:
    lines = ["| model | category | credits |", "| --- | --- | --- |"]
    return lines + [f"| `{model.id}` | {model.category} | {_price(model)} |" for model in catalogue().values()]


def _price(model: Model) -> str:
    price = model.data["price"]
    if price["kind"] == "per_1000_tokens":
        written = f", {price['output']} written" if "output" in price else ""
        return f"{price['input']} per 1,000 tokens read{written}"
    unit = price["kind"].replace("_", " ")
    if "rows" not in price:
        return f"{price['credits']} {unit}"
    return f"{unit}: " + "; ".join(f"{', '.join(row['when'].values())} {row['credits']}" for row in price["rows"])


@cache
def _made(make: Callable[[str], bytes], base: str) -> bytes:
    return make(base)


def _serve(make: Callable[[str], bytes], content_type: str, call: Call, tx: Tx) -> Reply:
    return Reply(_made(make, _base(call)), content_type=content_type)


def catalog(call: Call, tx: Tx) -> Reply:
    """GET /.well-known/api-catalog: the set of links, and one to itself, which is what a HEAD is for (RFC 9727)."""
    link = f'<{_base(call)}{CATALOG}>; rel="api-catalog"'
    return Reply(_made(_catalog, _base(call)), headers={"Link": link}, content_type=_LINKSET)


openapi: Handler = partial(_serve, _openapi, "application/json")
docs: Handler = partial(_serve, _docs, _MARKDOWN)
llms: Handler = partial(_serve, _llms, "text/plain; charset=utf-8")
auth: Handler = partial(_serve, _auth, _MARKDOWN)
