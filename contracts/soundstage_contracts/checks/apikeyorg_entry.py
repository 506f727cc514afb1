"""API-Key's entry points: the five documents that tools and agents start from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.oracles.apikeyorg import BY_TOKEN, CREATES, ENTRY_POINTS, ESTIMATE, MODELS
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import expect

TYPES: Mapping[str, str] = dict(
    zip(
        ENTRY_POINTS,
        ("application/json", "text/markdown", "text/plain", "application/linkset+json", "text/markdown"),
        strict=True,
    )
)
ENDPOINTS = (MODELS, ESTIMATE, *BY_TOKEN, *CREATES, "/v1/tasks/{task_id}")
CATALOG = "/.well-known/api-catalog"
OURS = {"apikeyorg": "what the documents say"}


@promise(
    "DOC-401",
    {"apikeyorg": "R-KEY-005 R-KEY-006 R-KEY-007 R-KEY-008 R-KEY-009 R-KEY-010 R-KEY-011"},
    each=ENTRY_POINTS,
)
def served(stage: Stage, case: str) -> None:
    """An entry point is served, with something in it; without a key too, and as its own media type."""
    reply = stage.answered(Request.get(case))
    expect(bool(reply.body.strip()), f"{case} is empty")
    if stage.assumptions:
        expect(reply.media_type == TYPES[case], f"{case} should be {TYPES[case]}, and is {reply.media_type}")
        bare = stage.bare(Request.get(case))
        expect(bare.status == 200, f"{case} needs no key, and answers {bare.status} without one")
        expect(bare.body == reply.body, f"{case} depends on who asks")
        _head(stage, case, reply)


def _head(stage: Stage, path: str, whole: Reply) -> None:
    head = stage.bare(Request("HEAD", path))
    expect((head.status, head.body) == (200, b""), f"HEAD of {path} answers {head.status} and {len(head.body)} bytes")
    for name in ("content-type", "content-length"):
        given = (head.header(name), whole.header(name))
        expect(given[0] == given[1], f"{name} of {path} is {given[0]} for HEAD and {given[1]} for GET")


@promise("DOC-402", {"apikeyorg": "R-KEY-005 R-KEY-027"}, assumed=OURS)
def described(stage: Stage) -> None:
    """The OpenAPI document describes every endpoint, with one operation of its method and a reply for 200."""
    document = stage.answered(Request.get("/openapi.json")).object()
    expect(str(document["openapi"]).startswith("3."), f"the document is of OpenAPI {document['openapi']}")
    for path in (*ENDPOINTS, *ENTRY_POINTS):
        method = "post" if path in {ESTIMATE, *BY_TOKEN, *CREATES} else "get"
        item: dict[str, Any] = document["paths"].get(path, {})
        expect(method in item, f"the OpenAPI document does not have {method.upper()} {path}")
        expect("200" in item[method]["responses"], f"the OpenAPI document has no 200 for {path}")
    names = [item[method]["operationId"] for item in document["paths"].values() for method in item]
    expect(len(set(names)) == len(names), "two operations have the same operationId")
    # Half a second of imports, for the one check that needs them.
    from openapi_spec_validator import OpenAPIV31SpecValidator  # noqa: PLC0415

    wrong = next(iter(OpenAPIV31SpecValidator(document).iter_errors()), None)
    expect(wrong is None, f"the document is no valid OpenAPI 3.1: {wrong and wrong.message[:200]}")
    schemes = document["components"]["securitySchemes"].values()
    shown = {(one.get("scheme") or one.get("name") or "").lower() for one in schemes}
    expect({"bearer", "x-api-key"} <= shown, f"the document should know both forms of a key, and knows {shown}")


@promise("DOC-403", {"apikeyorg": "R-KEY-006 R-KEY-007 R-KEY-009"}, assumed=OURS)
def told(stage: Stage) -> None:
    """The Markdown documents name every endpoint, the guide to keys names both headers."""
    for document in ("/api-docs/index.md", "/llms.txt"):
        text = stage.answered(Request.get(document)).body.decode()
        missing = [path for path in ENDPOINTS if path not in text]
        expect(not missing, f"{document} does not name {missing}")
    guide = stage.answered(Request.get("/auth.md")).body.decode().lower()
    for name in ("authorization: bearer", "x-api-key:", "x-api-key-signature", "x-api-key-timestamp"):
        expect(name in guide, f"/auth.md does not name {name}")


@promise("DOC-404", {"apikeyorg": "R-KEY-008 R-KEY-011"}, assumed={"apikeyorg": "the catalogue's form (RFC 9727)"})
def catalogue(stage: Stage) -> None:
    """The catalogue is a link set whose links all answer as the type they are told to be, and names itself in Link."""
    reply = stage.answered(Request.get(CATALOG))
    expect('rel="api-catalog"' in (reply.header("link") or ""), "the reply's Link names no catalogue")
    expect(f"{CATALOG}>" in (reply.header("link") or ""), "the reply's Link is not the catalogue's address")
    links = [
        link
        for context in reply.field("linkset")
        for relation, given in context.items()
        if relation != "anchor"
        for link in given
    ]
    found = {entry for link in links for entry in (*ENTRY_POINTS, MODELS) if link["href"].endswith(entry)}
    wanted = {MODELS, *ENTRY_POINTS} - {CATALOG}
    expect(found == wanted, f"the catalogue should link to {sorted(wanted)}, and links to {sorted(found)}")
    for link in links:
        there = stage.fetch(link["href"])
        expect(there.status == 200, f"{link['href']} answers {there.status}")
        expect(link.get("type", there.media_type) == there.media_type, f"{link['href']} is {there.media_type}")
    anchors = [context["anchor"] for context in reply.field("linkset")]
    items = [item["href"] for item in reply.field("linkset")[0].get("item", ())]
    expect(
        anchors[0].endswith(CATALOG) and items == anchors[1:], f"the catalogue's items are {items}, not {anchors[1:]}"
    )
