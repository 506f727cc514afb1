"""API-Key's embeddings: vectors of length one in which like texts lie close, charged by token at once (R-KEY-023)."""

from collections.abc import Sequence
from typing import Any

from soundstage.core.call import Call, Problem, Reply
from soundstage.core.universe import draw_for
from soundstage.core.usage import Use, charge
from soundstage.core.view import Tx
from soundstage.core.wallet import covers
from soundstage.media.text import tokens
from soundstage.media.vectors import as_base64, embedding
from soundstage.providers.apikeyorg.catalogue import Model
from soundstage.providers.apikeyorg.chat_wire import Embeddings
from soundstage.providers.apikeyorg.errors import INSUFFICIENT, reply_to
from soundstage.providers.apikeyorg.wanted import find_model
from soundstage.validation import compact, read, warned

OPERATION = "createEmbedding"
Text = str | Sequence[int]


def embed(call: Call, tx: Tx) -> Reply:
    """POST /v1/embeddings: one vector for each input."""
    model = find_model(call.body, call.key, "embedding")
    if isinstance(model, Problem):
        return reply_to(model)
    request = read(Embeddings, call.body)
    if isinstance(request, Problem):
        return reply_to(request)
    texts = _texts(request.input)
    counts = [tokens(text) if isinstance(text, str) else len(text) for text in texts]
    problem = _too_much(model, request, counts)
    if problem is not None:
        return reply_to(problem)
    used = sum(counts)
    price = used * model.per_token[0]
    if not covers(tx, call.key.wallet, price):
        return reply_to(INSUFFICIENT)
    draw = draw_for(tx, OPERATION, compact([model.id, request.input]))
    use_id = f"emb-{draw.hex('id', 24)}"
    charge(tx, Use(use_id, call.key.wallet, call.key.id, model.id, "embedding", tx.now, price, tokens=(used, 0, 0)))
    size = request.dimensions or int(model.data["dimensions"])
    body = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _vector(text, size, request.encoding_format)}
            for index, text in enumerate(texts)
        ],
        "model": model.id,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }
    return Reply(body, headers=warned(Embeddings, call.body))


def _texts(given: Any) -> list[Text]:
    if isinstance(given, str) or isinstance(given[0], int):
        return [given]
    return list(given)


def _too_much(model: Model, request: Embeddings, counts: list[int]) -> Problem | None:
    own = int(model.data["dimensions"])
    if request.dimensions is not None and request.dimensions > own:
        message = f"dimensions must be at most {own} for {model.id}, got {request.dimensions}."
        return Problem("invalid_request", message, "dimensions")
    most = int(model.data["context_tokens"])
    if max(counts) > most:
        message = f"An input has {max(counts)} tokens, {model.id} takes at most {most} each; split it."
        return Problem("invalid_request", message, "input")
    return None


def _vector(text: Text, size: int, encoding: str | None) -> str | list[float]:
    vector = embedding(text, size)
    return as_base64(vector) if encoding == "base64" else vector.tolist()
