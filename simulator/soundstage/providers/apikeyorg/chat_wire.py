"""What API-Key's chat and embeddings accept: OpenAI's fields, with OpenAI's ranges.

Source: R-KEY-022, R-KEY-023 say "OpenAI-compatible"; the fields are those of OpenAI's public API. ASSUMED: what has no
meaning for a stand-in (temperature, penalties and the like) is checked and then without effect.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from soundstage.providers.apikeyorg.wire import Image
from soundstage.validation import WireModel

_Text = Annotated[str, Field(max_length=1_000_000)]
_Stop = Annotated[str, Field(min_length=1)]


class TextPart(WireModel):
    """A piece of text."""

    type: Literal["text"]
    text: _Text


class ImageUrl(WireModel):
    """Where a picture is, or the picture itself as a data: URL."""

    url: Image
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(WireModel):
    """A picture."""

    type: Literal["image_url"]
    image_url: ImageUrl


class Sound(WireModel):
    """A recording in base64."""

    data: str
    format: Literal["wav", "mp3"]


class SoundPart(WireModel):
    """Sound; counted and not listened to."""

    type: Literal["input_audio"]
    input_audio: Sound


class File(WireModel):
    """A file, by its id or whole."""

    file_id: str | None = None
    file_data: str | None = None
    filename: str | None = None


class FilePart(WireModel):
    """A file; counted and not looked into."""

    type: Literal["file"]
    file: File


class RefusalPart(WireModel):
    """What an assistant declined earlier."""

    type: Literal["refusal"]
    refusal: _Text


Part = TextPart | ImagePart | SoundPart | FilePart | RefusalPart
Content = str | Sequence[Part]
_Asked = Annotated[TextPart | ImagePart | SoundPart | FilePart, Field(discriminator="type")]
_Answered = Annotated[TextPart | RefusalPart, Field(discriminator="type")]
_Parts = Field(min_length=1, max_length=1000, fail_fast=True)
_Plain = _Text | Annotated[list[TextPart], _Parts]


# Values are judged after their number: a million wrong ones would be told one by one.
def _all_numbers(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in given.values()):
        raise ValueError("logit_bias must map tokens to numbers.")
    return given


def _all_texts(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if not all(isinstance(value, str) for value in given.values()):
        raise ValueError("metadata must map names to strings.")
    return given


class FunctionCall(WireModel):
    """A call an assistant made earlier."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    arguments: _Text


class ToolCall(WireModel):
    """One tool call of an assistant's message."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    type: Literal["function"]
    function: FunctionCall


class Instruction(WireModel):
    """What the developer tells the model."""

    role: Literal["system", "developer"]
    content: _Plain
    name: str | None = None


class UserMessage(WireModel):
    """What the user says."""

    role: Literal["user"]
    content: _Text | Annotated[list[_Asked], _Parts]
    name: str | None = None


class AssistantMessage(WireModel):
    """What the model answered earlier."""

    role: Literal["assistant"]
    content: _Text | Annotated[list[_Answered], _Parts] | None = None
    tool_calls: Annotated[list[ToolCall], Field(max_length=128, fail_fast=True)] | None = None
    name: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.content is None and not self.tool_calls:
            raise ValueError("an assistant message needs content or tool_calls.")
        return self


class ToolMessage(WireModel):
    """What a tool returned."""

    role: Literal["tool"]
    content: _Plain
    tool_call_id: Annotated[str, Field(min_length=1, max_length=200)]
    name: str | None = None


Message = Annotated[Instruction | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")]


class Function(WireModel):
    """A function the model may call; `parameters` is a JSON Schema."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    parameters: Mapping[str, Any] | None = None
    strict: bool | None = None


class Tool(WireModel):
    """One tool."""

    type: Literal["function"]
    function: Function


class NamedFunction(WireModel):
    """The name of one function."""

    name: str


class NamedTool(WireModel):
    """The one tool that must be called."""

    type: Literal["function"]
    function: NamedFunction


class JsonSchema(WireModel):
    """The schema an answer must fit."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    schema_: Mapping[str, Any] | None = Field(default=None, alias="schema")
    strict: bool | None = None


class PlainFormat(WireModel):
    """Text, or any JSON object."""

    type: Literal["text", "json_object"]


class SchemaFormat(WireModel):
    """JSON under a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


class StreamOptions(WireModel):
    """How a stream ends."""

    include_usage: bool | None = None


class Chat(WireModel):
    """POST /v1/chat/completions."""

    model: str
    messages: Annotated[list[Message], Field(min_length=1, max_length=2048, fail_fast=True)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=8)] | None = None
    stop: _Stop | Annotated[list[_Stop], Field(max_length=4)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    tools: Annotated[list[Tool], Field(max_length=128, fail_fast=True)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: Annotated[PlainFormat | SchemaFormat, Field(discriminator="type")] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    logit_bias: Annotated[Mapping[str, Any], Field(max_length=1024), AfterValidator(_all_numbers)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    seed: int | None = None
    user: str | None = None
    metadata: Annotated[Mapping[str, Any], Field(max_length=64), AfterValidator(_all_texts)] | None = None
    store: bool | None = None
    reasoning_effort: str | None = None
    service_tier: str | None = None
    verbosity: str | None = None

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options needs stream: true.")
        if self.tool_choice not in {None, "none"} and not self.tools:
            raise ValueError("tool_choice needs tools.")
        for tool in self.tools or ():
            if (tool.function.parameters or {}).get("type", "object") != "object":
                raise ValueError(f"tools: the parameters of {tool.function.name} must be of type object.")
        if isinstance(self.tool_choice, NamedTool):
            names = [tool.function.name for tool in self.tools or ()]
            if self.tool_choice.function.name not in names:
                raise ValueError(f"tool_choice must name one of the tools: {', '.join(names)[:200]}.")
        return self

    @model_validator(mode="after")
    def _tools_were_called(self) -> Self:
        called: set[str] = set()
        for message in self.messages:
            if isinstance(message, AssistantMessage):
                called |= {call.id for call in message.tool_calls or ()}
            elif isinstance(message, ToolMessage) and message.tool_call_id not in called:
                raise ValueError("messages: a tool message must answer a tool call of an earlier assistant message.")
        return self

    @property
    def limit(self) -> int | None:
        """The most tokens an answer may have."""
        return self.max_completion_tokens or self.max_tokens


class Embeddings(WireModel):
    """POST /v1/embeddings. `input` is a text or its tokens, or a list of either."""

    model: str
    input: (
        Annotated[str, Field(min_length=1)]
        | Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=2048, fail_fast=True)]
        | Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=8192, fail_fast=True)]
        | Annotated[
            list[Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=8192, fail_fast=True)]],
            Field(min_length=1, max_length=2048, fail_fast=True),
        ]
    )
    dimensions: Annotated[int, Field(ge=1)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None
