"""API-Key's embeddings as OpenAI's clients read them: order, length, encoding, counts and price."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.checks.apikeyorg_chat import tokens
from soundstage_contracts.checks.apikeyorg_errors import EMBEDDING, answer_to, denied
from soundstage_contracts.checks.apikeyorg_models import entry
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.oracles.apikeyorg import BY_TOKEN
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import expect

PATH = BY_TOKEN[1]
OPENAI = {"apikeyorg": "R-KEY-023"}
FORM = {"apikeyorg": '"OpenAI-compatible" is all that is documented; models, tokens and prices are not'}
MODEL_NAMES = ("text-embedding-3-small", "text-embedding-3-large")
TEXTS = ["a paper boat", "a mountain lake at dawn", "a paper boat", "42"]


def embed(stage: Stage, account: Account | None = None, /, **fields: Any) -> Reply:
    """Return the answer to an embedding with these fields beside the usual ones; None leaves one out."""
    return stage.answered(Request.json(PATH, {**EMBEDDING, **fields}), account)


def vectors(reply: Reply) -> list[list[float]]:
    """Return the vectors of a reply in order; raises Broken unless they are numbered and have length one."""
    data = reply.field("data")
    numbered = [(one["object"], one["index"]) for one in data]
    expect(numbered == [("embedding", index) for index in range(len(data))], f"the vectors are numbered {numbered}")
    found: list[list[float]] = [one["embedding"] for one in data]
    for vector in found:
        length = math.hypot(*vector)
        expect(math.isclose(length, 1, abs_tol=1e-4), f"a vector has the length {length}")
    return found


def counted(reply: Reply, wanted: int) -> None:
    """Raise Broken unless a reply's usage is so many tokens."""
    usage = reply.field("usage")
    both = {"prompt_tokens": wanted, "total_tokens": wanted}
    expect(usage == both, f"{wanted} tokens are told as {usage}")


@promise("OPEN-441", OPENAI, assumed=FORM, each=MODEL_NAMES)
def in_order(stage: Stage, case: str) -> None:
    """Every text gets a vector of the model's listed size, in order; the same text always the same one."""
    size = entry(stage, case)["parameters"]["dimensions"]
    reply = embed(stage, model=case, input=TEXTS, dimensions=None)
    shown = (reply.field("object"), reply.field("model"))
    expect(shown == ("list", case), f"the reply is {shown}")
    found = vectors(reply)
    expect(len(found) == len(TEXTS), f"{len(TEXTS)} texts have {len(found)} vectors")
    sizes = {len(vector) for vector in found}
    expect(sizes == {size}, f"{case} has the sizes {sizes}")
    expect(found[0] == found[2], "the same text has two vectors")
    expect(found[0] != found[1] and found[1] != found[3], "two texts have one vector")
    counted(reply, sum(tokens(text) for text in TEXTS))
    for text, vector in zip(TEXTS[:2], found, strict=False):
        alone = embed(stage, model=case, input=text, dimensions=None)
        expect(vectors(alone) == [vector], f"{text!r} has another vector among others than alone")
        counted(alone, tokens(text))


@promise("OPEN-442", OPENAI, assumed=FORM)
def shorter(stage: Stage) -> None:
    """With dimensions a vector has so many numbers and still the length one, in either encoding."""
    for size in (1, 2, 256, 1536):
        (vector,) = vectors(embed(stage, dimensions=size))
        expect(len(vector) == size, f"{size} dimensions were asked for, and {len(vector)} came")


@promise("OPEN-443", OPENAI, assumed=FORM)
def encoded(stage: Stage) -> None:
    """In base64 a vector is the same numbers as little-endian 32-bit floats; float is the default."""
    plain, told = (vectors(embed(stage, input=TEXTS, encoding_format=one)) for one in (None, "float"))
    expect(plain == told, "float is another encoding than the default")
    reply = embed(stage, input=TEXTS, encoding_format="base64")
    counted(reply, sum(tokens(text) for text in TEXTS))
    for one, vector in zip(reply.field("data"), plain, strict=True):
        raw = base64.b64decode(one["embedding"], validate=True)
        expect(len(raw) % 4 == 0, f"a vector in base64 has {len(raw)} bytes, which are no 32-bit floats")
        numbers = struct.unpack(f"<{len(raw) // 4}f", raw)
        near = len(numbers) == len(vector) and math.dist(numbers, vector) < 1e-4
        expect(near, f"in base64 the vector is {numbers[:3]}…, in numbers {vector[:3]}…")
    expect([one["index"] for one in reply.field("data")] == [0, 1, 2, 3], "base64 vectors are out of order")


@promise("OPEN-444", OPENAI, assumed=FORM)
def token_lists(stage: Stage) -> None:
    """Lists of token numbers are inputs as well, counted as they are."""
    for given, count in ([1, 2, 3], 3), ([[1], [2, 3], [1]], 4), (["a" * 9, "b"], 4):
        reply = embed(stage, input=given)
        found = vectors(reply)
        expect(len(found) == (1 if given == [1, 2, 3] else len(given)), f"{given} has {len(found)} vectors")
        counted(reply, count)
    one, _, again = vectors(embed(stage, input=[[1], [2, 3], [1]]))
    expect(one == again, "the same tokens have two vectors")


@promise("OPEN-445", OPENAI, assumed=FORM, each=MODEL_NAMES)
def charged(stage: Stage, case: str) -> None:
    """Embeddings cost their tokens at the model's listed price, at once; what is not covered is refused whole."""
    rate = Decimal(entry(stage, case)["pricing"]["input"]) / 1000
    account, spent = stage.account(), Decimal(0)
    for given in (TEXTS[0], TEXTS, [1, 2, 3, 4, 5]):
        spent += embed(stage, account, model=case, input=given).field("usage", "prompt_tokens") * rate
        books = stage.books(account)
        kept = (books.spent, books.held, books.available)
        expect(
            kept == (spent, Decimal(0), books.issued - spent), f"embeddings cost {spent} so far, the books say {books}"
        )
    cost = tokens(TEXTS[1]) * rate
    exact = stage.account(balance=cost)
    answer_to(stage, Request.json(PATH, {**EMBEDDING, "model": case, "input": TEXTS}), "credits", exact)
    embed(stage, exact, model=case, input=TEXTS[1])
    expect(stage.books(exact).available == 0, "a balance of exactly the price should be spent")


REFUSED: Mapping[str, tuple[dict[str, Any], str]] = {
    "no model": ({"model": None}, "model"),
    "a chat model": ({"model": "gpt-5"}, "model"),
    "no input": ({"input": None}, "input"),
    "an empty text": ({"input": ""}, "input"),
    "an empty text among others": ({"input": ["a", ""]}, "input"),
    "an empty list": ({"input": []}, "input"),
    "an object": ({"input": {"text": "a"}}, "input"),
    "mixed inputs": ({"input": [1, "a"]}, "input"),
    "a negative token": ({"input": [-1]}, "input"),
    "too many texts": ({"input": ["a"] * 2049}, "input"),
    "too long a text": ({"input": "x" * (4 * 8192 + 1)}, "input"),
    "no dimension": ({"dimensions": 0}, "dimensions"),
    "a dimension too many": ({"dimensions": 1537}, "dimensions"),
    "dimensions in text": ({"dimensions": "8"}, "dimensions"),
    "an unknown encoding": ({"encoding_format": "hex"}, "encoding_format"),
}


@promise("OPEN-446", OPENAI, assumed={"apikeyorg": "what is refused, and how"}, each=tuple(REFUSED))
def refused(stage: Stage, case: str) -> None:
    """An embedding that OpenAI would refuse is refused in the gateway's own shape, for nothing, and the field named."""
    fields, param = REFUSED[case]
    reply = answer_to(stage, Request.json(PATH, {**EMBEDDING, **fields}), "invalid")
    blamed = str(reply.field("error", "param")).partition(".")[0]
    expect(blamed == param, f"the refusal blames {blamed!r} and should blame {param!r}")
    denied(stage, Request.json(PATH, {**EMBEDDING, "model": "no-such-model-9"}), "no_model", "model")
