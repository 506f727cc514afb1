"""API-Key's five entry points and its list of models: what they say is what the server does (R-KEY-005..011, 020)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from conftest import OpenStage
from soundstage.providers.apikeyorg.catalogue import catalogue
from soundstage.providers.apikeyorg.provider import PROVIDER
from support.client import Gateway, House
from support.gateway import DOCUMENT, MODELS, nobody, refused

TYPES = {
    "/openapi.json": "application/json",
    "/api-docs/index.md": "text/markdown; charset=utf-8",
    "/llms.txt": "text/plain; charset=utf-8",
    "/.well-known/api-catalog": 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"',
    "/auth.md": "text/markdown; charset=utf-8",
}
EVERY = pytest.mark.parametrize("path", sorted(TYPES))
CALLS = [(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item]


async def text_of(client: Gateway, path: str) -> str:
    """Return an entry point as text."""
    answer = await client.get(path)
    assert answer.status == 200, answer.raw
    return answer.raw.decode()


async def at_root(open_stage: OpenStage) -> Gateway:
    """Return a client of a server that serves API-Key alone, at its root."""
    stage = await open_stage(provider="apikeyorg")
    return Gateway(stage.http, stage.url, None)


async def answers(client: Gateway, urls: set[str]) -> dict[str, int]:
    """Return the status of a GET of each URL."""
    found = {}
    for url in sorted(urls):
        async with client.http.get(url) as reply:
            found[url] = reply.status
    return found


@EVERY
async def test_r_key_005_to_011_each_has_its_media_type_and_needs_no_key(stage: House, path: str) -> None:
    """R-KEY-005, R-KEY-006, R-KEY-007, R-KEY-008, R-KEY-009, R-KEY-010, R-KEY-011."""
    answer = await nobody(stage).get(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == TYPES[path]
    assert (await stage.gateway().get(path)).raw == answer.raw
    assert (await stage.anybody().get("/universes"))["universes"][1:] == []


@EVERY
async def test_head_has_the_headers_of_get_and_no_body(stage: House, path: str) -> None:
    whole = await nobody(stage).get(path)
    head = await nobody(stage).call("HEAD", path)
    assert (head.status, head.raw) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(whole.raw)
    assert head.headers["Content-Type"] == TYPES[path]


@EVERY
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_405(stage: House, path: str, method: str) -> None:
    answer = await nobody(stage).call(method, path)
    assert refused(answer, 405, "method_not_allowed", "invalid_request_error")
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("root", [False, True])
async def test_r_key_005_the_served_openapi_document_is_valid_and_names_this_server(
    open_stage: OpenStage, root: bool
) -> None:
    """R-KEY-001 is what the file says; what is served names where it is served."""
    client = await at_root(open_stage) if root else nobody(await open_stage())
    served = (await client.get("/openapi.json")).body
    assert re.fullmatch(r"3\.1\.\d", served["openapi"])
    OpenAPIV31SpecValidator(served).validate()
    assert [server["url"] for server in served["servers"]] == [client.base]
    assert {**served, "servers": None} == {**DOCUMENT, "servers": None}
    assert DOCUMENT["servers"][0]["url"] == "https://api-key.org"
    async with client.http.get(f"{served['servers'][0]['url']}/v1/models") as reply:
        assert reply.status == 200


def test_the_document_has_the_operations_that_the_server_has() -> None:
    """R-KEY-020..027."""
    documented = {
        (method.upper(), path, operation["operationId"])
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    }
    assert documented == {(one.method, one.path, one.id) for one in PROVIDER.operations}


@pytest.mark.parametrize("root", [False, True])
async def test_r_key_007_every_link_of_llms_txt_answers(open_stage: OpenStage, root: bool) -> None:
    client = await at_root(open_stage) if root else nobody(await open_stage())
    text = await text_of(client, "/llms.txt")
    links = set(re.findall(r"\]\(([^)]+)\)", text))
    assert links == {f"{client.base}{path}" for path in TYPES if path != "/llms.txt"}
    assert set((await answers(client, links)).values()) == {200}
    assert re.match(r"# .+\n\n> .+\n\n## ", text), "a title, a summary and sections, as llmstxt.org has it"


@pytest.mark.parametrize("root", [False, True])
async def test_r_key_008_011_the_catalogue_is_a_link_set_whose_links_all_answer(
    open_stage: OpenStage, root: bool
) -> None:
    """RFC 9727: items from the catalogue to its APIs, and from each API to its descriptions."""
    client = await at_root(open_stage) if root else nobody(await open_stage())
    document = (await client.get("/.well-known/api-catalog")).body
    assert list(document) == ["linkset"]
    contexts = {context["anchor"]: context for context in document["linkset"]}
    assert len(contexts) == len(document["linkset"])
    links = []
    for context in contexts.values():
        relations = {name: targets for name, targets in context.items() if name != "anchor"}
        assert relations
        assert relations.keys() <= {"item", "service-desc", "service-doc", "service-meta", "status", "api-catalog"}
        links += [target for targets in relations.values() for target in targets]
    items = contexts[f"{client.base}/.well-known/api-catalog"]["item"]
    assert [item["href"] for item in items] == [anchor for anchor in contexts if "api-catalog" not in anchor]
    for item in items:
        (description,) = contexts[item["href"]]["service-desc"]
        assert (description["href"], description["type"]) == (f"{client.base}/openapi.json", "application/json")
    for target in links:
        if "type" in target:
            async with client.http.get(target["href"]) as reply:
                assert reply.content_type == target["type"]
    hrefs = {target["href"] for target in links}
    assert {f"{client.base}{path}" for path in TYPES} - hrefs == {f"{client.base}/.well-known/api-catalog"}
    assert {url: status for url, status in (await answers(client, hrefs)).items() if status != 200} == {}


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_r_key_006_007_every_operation_is_told_in_both_documents(stage: House, method: str, path: str) -> None:
    client = nobody(stage)
    summary = DOCUMENT["paths"][path][method.lower()]["summary"]
    assert f"- `{method} {path}`: {summary}\n" in await text_of(client, "/llms.txt")
    docs = await text_of(client, "/api-docs/index.md")
    assert docs.count(f"\n## {method} {path}\n\n{summary}\n") == 1


@pytest.mark.parametrize("model", sorted(MODELS))
async def test_r_key_006_020_every_model_is_in_the_documentation_with_its_price(stage: House, model: str) -> None:
    docs = await text_of(nobody(stage), "/api-docs/index.md")
    (row,) = [line for line in docs.splitlines() if line.startswith(f"| `{model}` |")]
    category, price = (cell.strip() for cell in row.split("|")[2:4])
    given = MODELS[model]["price"]
    assert category == MODELS[model]["category"]
    if given["kind"] == "per_1000_tokens":
        written = f", {given['output']} written" if "output" in given else ""
        assert price == f"{given['input']} per 1,000 tokens read{written}"
        return
    unit = given["kind"].replace("_", " ")
    if "rows" not in given:
        assert price == f"{given['credits']} {unit}"
        return
    assert price.startswith(f"{unit}: ")
    told = [cell.rsplit(" ", 1) for cell in price.removeprefix(f"{unit}: ").split("; ")]
    assert told == [[", ".join(one["when"].values()), str(one["credits"])] for one in given["rows"]]


async def test_the_documentation_names_this_server_and_every_field(stage: House) -> None:
    client = nobody(stage)
    docs = await text_of(client, "/api-docs/index.md")
    assert f"`{client.base}`" in docs
    for name in ("EstimateRequest", "VideoRequest", "ImageRequest", "MusicRequest", "ChatRequest", "EmbeddingRequest"):
        section = DOCUMENT["components"]["schemas"][name]
        rows = [f"| `{field}` | {'yes' if field in section['required'] else 'no'} |" for field in section["properties"]]
        assert [row for row in rows if row not in docs] == []
    for leak in ("components/schemas", "{base}", "None"):
        assert leak not in docs
    assert all(
        len(line.split(" | ")) == 4 for line in docs.splitlines() if line.startswith("| `") and " | no | " in line
    )


@pytest.mark.parametrize("root", [False, True])
async def test_r_key_009_the_guide_to_keys_says_both_headers_and_where(open_stage: OpenStage, root: bool) -> None:
    client = await at_root(open_stage) if root else nobody(await open_stage())
    guide = await text_of(client, "/auth.md")
    for said in (
        "Authorization: Bearer YOUR_API_KEY",
        "x-api-key: YOUR_API_KEY",
        f"`{client.base}`",
        "invalid_api_key",
    ):
        assert said in guide
    assert "{base}" not in guide


async def test_a_public_base_url_is_what_the_documents_show(open_stage: OpenStage) -> None:
    stage = await open_stage(public_base_url="https://stage.example/")
    client = nobody(stage)
    shown = "https://stage.example/apikeyorg"
    assert (await client.get("/openapi.json"))["servers"][0]["url"] == shown
    for path in sorted(TYPES):
        text = await text_of(client, path)
        assert shown in text
        assert stage.url not in text


async def test_r_key_020_047_the_list_of_models_is_the_catalogue(stage: House) -> None:
    """R-KEY-020: categories and metadata. R-KEY-047: both named models are there."""
    body = (await nobody(stage).get("/v1/models")).body
    assert body["object"] == "list"
    listed: dict[str, Any] = {entry["id"]: entry for entry in body["data"]}
    assert list(listed) == list(MODELS) == list(catalogue())
    assert {"seedance-2", "seedance-2-fast"} <= listed.keys()
    for name, given in MODELS.items():
        entry = listed[name]
        assert {key: entry[key] for key in ("name", "category", "created", "modalities")} == {
            key: given[key] for key in ("name", "category", "created", "modalities")
        }
        assert entry.get("input_modes") == given.get("input_modes")
        assert all(given[key] == value for key, value in entry["parameters"].items())
        rows = entry["pricing"].get("rows", [])
        assert rows == [{"when": row["when"], "credits": row["credits"]} for row in given["price"].get("rows", [])]
        assert not re.search("assumed|source|paths|priority|busy", str(entry))
