"""langchain-openai against a running Soundstage: `python langchain_client.py SERVER_URL`."""

from __future__ import annotations

from typing import Any

import openai
from behaviours import Server, behaviour, main
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel


class Place(BaseModel):
    """A place somebody may travel to."""

    name: str
    inhabitants: int
    has_harbour: bool


def get_weather(city: str, days: int) -> str:
    """Return the weather of a city for some days."""
    return f"{days} clear days in {city}"


weather = tool(get_weather)


def chat(server: Server, **given: Any) -> Any:
    """Return the chat model an application makes."""
    return ChatOpenAI(**{"base_url": server.api, "api_key": server.key, "model": "gpt-5", "max_retries": 0, **given})


@behaviour
def invoke_answers_with_text_and_usage(server: Server) -> None:
    answer = chat(server).invoke("Describe a lighthouse at night.")
    assert isinstance(answer.content, str), answer
    assert answer.content, answer
    assert answer.response_metadata["finish_reason"] == "stop", answer
    assert answer.usage_metadata["total_tokens"] > 0, answer


@behaviour
def stream_yields_pieces_that_add_up(server: Server) -> None:
    chunks = list(chat(server, stream_usage=True).stream("Describe a lighthouse at night."))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert len(chunks) > 3, chunks
    assert whole.content, chunks
    assert whole.usage_metadata["output_tokens"] > 0, whole


@behaviour
def batch_answers_every_question(server: Server) -> None:
    answers = chat(server).batch(["One?", "Two?", "Three?"])
    assert all(answer.content for answer in answers), answers


@behaviour
def a_bound_tool_is_called_run_and_answered(server: Server) -> None:
    model = chat(server).bind_tools([weather], tool_choice="any")
    question = HumanMessage("What will the weather be in Hue?")
    asked = model.invoke([question])
    (call,) = asked.tool_calls
    assert call["name"] == "get_weather", asked
    result = weather.invoke(call)
    assert isinstance(result, ToolMessage), result
    answer = chat(server).bind_tools([weather]).invoke([question, asked, result])
    assert answer.content, answer


@behaviour
def structured_output_is_the_pydantic_model(server: Server) -> None:
    for method in ("json_schema", "function_calling"):
        place = chat(server).with_structured_output(Place, method=method).invoke("Name a place.")
        assert isinstance(place, Place), (method, place)


@behaviour
def embeddings_of_documents_and_a_query_agree(server: Server) -> None:
    model = OpenAIEmbeddings(
        base_url=server.api, api_key=server.key, model="text-embedding-3-small", check_embedding_ctx_length=False
    )
    one, other = model.embed_documents(["a red fox", "a tax return"])
    assert len(one) == 1536, len(one)
    assert model.embed_query("a red fox") == one
    assert one != other


@behaviour
def refusals_are_the_sdks_own_errors(server: Server) -> None:
    wanted = {"api_key": (openai.AuthenticationError, f"{server.key}_revoked"), "model": (openai.NotFoundError, "x-1")}
    for field, (kind, value) in wanted.items():
        try:
            answer: object = chat(server, **{field: value}).invoke("Hello")
        except openai.APIStatusError as error:
            answer = error
        assert isinstance(answer, kind), repr(answer)


if __name__ == "__main__":
    main()
