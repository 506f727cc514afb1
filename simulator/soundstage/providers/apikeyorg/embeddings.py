"""API-Key's embeddings: vectors of length one in which like texts lie close, charged by token at once (R-KEY-023).

ASSUMED: prices, limits, and that likeness is shared wording: these vectors know nothing of meaning.
"""

from collections.abc import Sequence
from typing import Any

from soundstage.core.call import Call, Problem, Reply
from soundstage.core.view import Tx
from soundstage.media.text import tokens
from soundstage.media.vectors import as_base64, embedding
from soundstage.providers.apikeyorg.billing import pay
from soundstage.providers.apikeyorg.catalogue import Model
from soundstage.providers.apikeyorg.chat_wire import Embeddings
from soundstage.providers.apikeyorg.errors import INSUFFICIENT, reply_to
from soundstage.providers.apikeyorg.wanted import find_model
from soundstage.validation import compact, read, warned

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
    if pay(call, tx, model, compact([model.id, request.input]), read=used, written=0, prefix="emb") is None:
        return reply_to(INSUFFICIENT)
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
