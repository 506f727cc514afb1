"""Values for JSON Schemas: valid ones, the same for the same draw, or one sentence that says why there is none."""

import re
import timeit
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

import jsonschema  # type: ignore[import-untyped]
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, RootModel, StringConstraints, TypeAdapter

from soundstage.core.randomness import Draw
from soundstage.media.instances import UnsatisfiableError, instance
from soundstage.media.instances.scalars import TooLargeError
from soundstage.media.instances.schema import plan_for

DRAW = Draw("seed", "u")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    city: str
    postcode: Annotated[str, StringConstraints(pattern=r"^\d{5}(-\d{4})?$")]


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")
    first_name: str = Field(min_length=1, max_length=40)
    age: int = Field(ge=0, lt=150)
    email: str | None = None
    home: Address
    others: list[Address] = Field(default_factory=list, max_length=3)
    favourite: Colour = Colour.RED


class Tree(BaseModel):
    label: str
    children: list["Tree"]


class Chain(BaseModel):
    value: int
    following: Optional["Chain"]


class Plus(BaseModel):
    kind: Literal["plus"]
    left: "Expression"
    right: "Expression"


class Number(BaseModel):
    kind: Literal["number"]
    value: float


class Expression(RootModel[Annotated[Plus | Number, Field(discriminator="kind")]]):
    pass


class Moments(BaseModel):
    day: date
    at: datetime
    clock: time
    lasting: timedelta
    key: UUID
    link: AnyUrl
    host: IPv4Address
    other_host: IPv6Address


class Numbers(BaseModel):
    half: float = Field(gt=0, lt=1)
    price: float = Field(ge=0, multiple_of=0.05, le=9.95)
    even: int = Field(ge=11, multiple_of=2)
    negative: int = Field(lt=0)
    exact: Literal[3] = 3


class Patterns(BaseModel):
    sku: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}-\d{4,6}$")]
    slug: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", min_length=20, max_length=24)]
    colour: Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
    phone: Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{6,14}$")]


class Event(BaseModel):
    title: str
    starts: datetime
    tags: set[Literal["music", "film", "talk"]] = Field(min_length=3)
    seats: tuple[int, str, bool]
    extra: dict[str, int]
    more: dict[Annotated[str, StringConstraints(pattern="^[a-z]{2}$")], Address]
    anything: Any


class Step(BaseModel):
    explanation: str
    output: str


class Reasoning(BaseModel):
    steps: list[Step]
    final_answer: str


PASSWORD = r"^(?=.*[A-Z])(?=.*\d)(?=.*[!#])[A-Za-z\d!#]{8,12}$"
ZOD_EMAIL = r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$"
WEATHER = {
    "type": "object",
    "properties": {
        "location": {"type": "string", "description": "City and country e.g. Bogotá, Colombia"},
        "units": {"type": ["string", "null"], "enum": ["celsius", "fahrenheit", None]},
    },
    "required": ["location", "units"],
    "additionalProperties": False,
}
LINKED_LIST = {
    "type": "object",
    "properties": {"linked_list": {"$ref": "#/$defs/node"}},
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "value": {"type": "number"},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            },
            "required": ["value", "next"],
            "additionalProperties": False,
        }
    },
    "required": ["linked_list"],
    "additionalProperties": False,
}
UI = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": ["div", "button", "section"]},
        "children": {"type": "array", "items": {"$ref": "#"}},
        "attributes": {"type": "array", "items": {"$ref": "#/$defs/attribute"}},
    },
    "required": ["type", "children", "attributes"],
    "additionalProperties": False,
    "$defs": {"attribute": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
}
OLD_DRAFT = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {
        "pair": {"type": "array", "items": [{"type": "integer"}, {"$ref": "#/definitions/a~1b"}], "minItems": 2}
    },
    "required": ["pair"],
    "definitions": {"a/b": {"type": "string", "maxLength": 3}},
}
REALISTIC: dict[str, Any] = {
    **{
        model.__name__: model.model_json_schema()
        for model in (Address, Person, Tree, Chain, Expression, Moments, Numbers, Patterns, Event, Reasoning)
    },
    "people": TypeAdapter(list[Person]).json_schema(),
    "weather": WEATHER,
    "linked list": LINKED_LIST,
    "user interface": UI,
    "draft-07": OLD_DRAFT,
    "old tuple without a draft": {"type": "array", "items": [{"type": "integer"}, {"type": "null"}], "minItems": 2},
    "password": {"type": "string", "pattern": PASSWORD},
    "email by pattern": {"type": "string", "pattern": ZOD_EMAIL},
    "property classes": {"type": "string", "pattern": r"^\p{Lu}\p{L}+[\s\u00e9](?<digit>\d)$"},
    "classes": {"type": "string", "pattern": r"^[^\W\d]\D\S\W[\]\x41-\x43-][^abc]\/\.\t(a|b)??c*?$"},
    "either field": {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
        "oneOf": [{"required": ["id"]}, {"required": ["name"]}],
    },
    "all of": {
        "$defs": {"base": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}},
        "allOf": [
            {"$ref": "#/$defs/base"},
            {"properties": {"id": {"minimum": 7, "maximum": 7}, "note": {"type": "string"}}, "required": ["note"]},
        ],
    },
    "condition": {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "size": {"type": "integer"}, "text": {"type": "string"}},
        "required": ["kind"],
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"required": ["size"]},
        "else": {"required": ["text"]},
    },
    "contains": {"type": "array", "items": {"type": "integer"}, "contains": {"const": 700}, "minContains": 2},
    "permutation": {
        "type": "array",
        "items": {"type": "integer", "minimum": 1, "maximum": 9},
        "uniqueItems": True,
        "minItems": 9,
    },
    "named by pattern": {
        "type": "object",
        "patternProperties": {"^x-": {"type": "integer"}},
        "additionalProperties": False,
        "minProperties": 3,
    },
    "dependent": {
        "type": "object",
        "properties": {"card": {"type": "string"}},
        "dependentRequired": {"card": ["address"]},
        "dependentSchemas": {"card": {"properties": {"address": {"type": "string"}}}},
    },
    "not a string": {"not": {"type": "string"}},
    "no type": {"minimum": 5, "exclusiveMaximum": 6},
    "anchor": {"$ref": "#part", "$defs": {"x": {"$anchor": "part", "type": "boolean"}}},
    "closed parts": {
        "allOf": [
            {"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "additionalProperties": False},
            {"properties": {"a": True, "c": {"type": "integer"}}, "required": ["a"]},
        ],
        "type": "object",
    },
    "anything": {},
    "true": True,
}


@pytest.mark.parametrize("schema", REALISTIC.values(), ids=REALISTIC)
def test_a_realistic_schema_gets_a_valid_value(schema: Any) -> None:
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    if isinstance(schema, dict) and "$schema" not in schema and isinstance(schema.get("items"), list):
        kind = jsonschema.Draft7Validator
    for seed in range(20):
        value = instance(schema, Draw(str(seed)))
        assert value == instance(schema, Draw(str(seed)))
        if "\\p" not in str(schema):  # the other validator uses Python's expressions, which lack these
            kind(schema).validate(value)


@pytest.mark.parametrize("model", [Address, Person, Tree, Chain, Expression, Moments, Numbers, Patterns, Event])
def test_a_model_accepts_the_value_for_its_schema(model: type[BaseModel]) -> None:
    for seed in range(20):
        model.model_validate(instance(model.model_json_schema(), Draw(str(seed))))


def outcome(schema: Any) -> tuple[Any, str]:
    """Return the value, or the sentence it is refused with."""
    try:
        return instance(schema, DRAW), ""
    except UnsatisfiableError as error:
        return None, str(error)


def doubling(count: int) -> dict[str, Any]:
    defs: dict[str, Any] = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(count)}
    return {"oneOf": [{"type": "string"}, {"$ref": "#/$defs/a0"}], "$defs": {**defs, f"a{count}": {"maxLength": 0}}}


def fields_doubling(count: int) -> dict[str, Any]:
    defs: dict[str, Any] = {
        f"a{n}": {
            "type": "object",
            "required": ["l", "r"],
            "properties": {side: {"$ref": f"#/$defs/a{n + 1}"} for side in "lr"},
        }
        for n in range(count)
    }
    return {"$ref": "#/$defs/a0", "$defs": {**defs, f"a{count}": {"type": "integer"}}}


def nested(count: int, key: str) -> Any:
    schema: Any = {"type": "integer"}
    for _ in range(count):
        schema = {"type": "object", "required": ["x"], "properties": {"x": schema}} if key == "x" else {key: [schema]}
    return schema


def unevaluated(count: int) -> Any:
    schema: Any = {"properties": {"a": True}}
    for _ in range(count):
        schema = {"anyOf": [schema, {"properties": {"b": True}}], "unevaluatedProperties": False}
    return schema


def deep_default() -> dict[str, Any]:
    value: Any = {"x": 1}
    for _ in range(50):
        value = {"x": value}
    twice = {"properties": {"x": {"$ref": "#/$defs/a"}}}
    return {"$defs": {"a": {"allOf": [twice, dict(twice)]}}, "default": value, "$ref": "#/$defs/a"}


BIG = "y" * 100_000
HOSTILE: dict[str, Any] = {
    "endless text": {"type": "string", "minLength": 10**9},
    "endless list": {"type": "array", "minItems": 10**9},
    "endless object": {"type": "object", "minProperties": 10**9},
    "long list of long texts": {"type": "array", "minItems": 100, "items": {"type": "string", "minLength": 9999}},
    "repeated constant": {"type": "array", "minItems": 5000, "items": {"const": [BIG]}},
    "repeat bomb": {"type": "string", "pattern": "(((a{1000}){1000}){1000}){1000}"},
    "empty repeat bomb": {"type": "string", "pattern": "(?:(?:){1000000000})b"},
    "huge repeat": {"type": "string", "pattern": "a{99999999999999999999999}"},
    "deep groups": {"type": "string", "pattern": "(" * 900 + "a" + ")" * 900},
    "long pattern": {"type": "string", "pattern": "a" * 100_000},
    "open group": {"type": "string", "pattern": "(a"},
    "back-reference bomb": {
        "type": "string",
        "pattern": "(a{9000})" + "".join(rf"(\{n}\{n})" for n in range(1, 9)) + "$",
    },
    "pattern without a match in many places": {
        "type": "array",
        "minItems": 9000,
        "items": {"properties": {"x": {"type": "string", "pattern": "^(?!a)a{9999}$"}}},
    },
    "slow pattern for many values": {
        "enum": ["a" * 24 + str(n) for n in range(8000)],
        "pattern": r"^(?=(a|aa)+\1$)(a|aa)+\2$",
    },
    "many items of many values": {
        "type": "array",
        "minItems": 9000,
        "items": {"enum": list(range(9000)), "type": "integer"},
    },
    "many items of long lists": {
        "type": "array",
        "minItems": 9000,
        "items": {"allOf": [{"enum": list(range(3000))}, {"enum": list(range(2999, 6000))}]},
    },
    "many items of many properties": {
        "type": "array",
        "minItems": 9000,
        "items": {"allOf": [{"type": "object", "properties": {str(n): {} for n in range(3000)}}, {"required": ["1"]}]},
    },
    "never matches": {"type": "string", "pattern": "^(?!a)a$"},
    "backtracking": {
        "type": "string",
        "pattern": r"^(?=(a|a)*\2$)(a+)+\2$",
        "minLength": 300,
        "maxLength": 301,
        "format": "date",
    },
    "empty loops in every item": {
        "type": "array",
        "minItems": 2000,
        "items": {"enum": ["a"], "pattern": "^(?:(?:(?=a)|){1000000000}b|a)"},
    },
    "many looks ahead": {
        "type": "array",
        "minItems": 2000,
        "items": {"enum": ["a" * 300], "pattern": "^((?=(a+)+)(?:(?=a)|){500}a)*$"},
    },
    "many items of many alternatives": {
        "type": "array",
        "minItems": 4000,
        "items": {"anyOf": [{"type": "integer", "minimum": n} for n in range(5000)]},
    },
    "many items without a long list": {
        "type": "array",
        "minItems": 9000,
        "items": {"properties": {"x": {"allOf": [{"enum": list(range(3000))}, {"enum": list(range(3000, 6000))}]}}},
    },
    "long tuple": {"type": "array", "minItems": 9000, "prefixItems": [{"type": "null"}] * 4000},
    "nested unevaluated properties": unevaluated(40),
    "self reference": {"$ref": "#"},
    "circle": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    "required recursion": {"type": "object", "required": ["x"], "properties": {"x": {"$ref": "#"}}},
    "long chain": {"$ref": "#/$defs/a0", "$defs": {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(5000)}},
    "doubling references": doubling(40),
    "doubling fields": fields_doubling(40),
    "doubling over a deep value": deep_default(),
    "deep objects": nested(70, "x"),
    "deep allOf": nested(100, "allOf"),
    "very deep": nested(5000, "anyOf"),
    "huge enum": {"enum": list(range(100_000))},
    "huge schema": {"type": "string", "description": "x" * 300_000},
    "too many parts": {"anyOf": [{"type": "integer", "title": str(n)} for n in range(9_000)]},
    "remote reference": {"$ref": "http://127.0.0.1:9/schema.json"},
    "reference to a file": {"properties": {"x": {"$ref": "file:///etc/hostname"}}},
    "unused remote reference": {"type": "integer", "$defs": {"x": {"$ref": "other.json"}}},
    "unknown reference": {"$ref": "#/$defs/none"},
    "dynamic reference": {"$dynamicRef": "#"},
    "own name inside": {"$ref": "#/$defs/a", "$defs": {"a": {"$id": "a", "$ref": "#/$defs/b", "$defs": {"b": {}}}}},
    "anchor twice": {"$ref": "#a", "$defs": {"x": {"$anchor": "a"}, "y": {"$anchor": "a", "type": "null"}}},
    "keyword of a newer draft": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "array",
        "prefixItems": 5,
    },
    "back-reference": {"type": "string", "pattern": r"^(\d)\1$"},
    "unknown draft": {"$schema": "http://127.0.0.1:9/draft", "type": "integer", "maximum": "x"},
    "old draft": {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1, "exclusiveMinimum": True},
    "reference to no schema": {"$ref": "#/x", "x": {"type": "object", "required": "abc", "minimum": "a"}},
    "reference to a list": {"$ref": "#/x", "x": []},
    "unknown type": {"type": "text"},
    "false": False,
    "no type left": {"allOf": [{"type": "string"}, {"type": "integer"}]},
    "no number": {"type": "integer", "minimum": 5, "maximum": 4},
    "no number between": {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 1},
    "no multiple": {"type": "integer", "minimum": 1, "maximum": 6, "multipleOf": 7},
    "number beyond 64 bits": {"type": "integer", "minimum": 1e300},
    "infinite": {"type": "number", "minimum": 1e308, "exclusiveMinimum": 1.7976931348623157e308},
    "crossed lengths": {"type": "string", "minLength": 5, "maxLength": 4},
    "crossed items": {"type": "array", "minItems": 5, "maxItems": 4},
    "too few values": {"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": True, "minItems": 3},
    "closed object": {"type": "object", "required": ["a"], "additionalProperties": False},
    "no alternative": {"oneOf": [{"type": "integer"}, {"type": "integer"}]},
    "empty enum value": {"type": "string", "enum": [1, 2]},
    "format and length": {"type": "string", "format": "uuid", "maxLength": 10},
    "not JSON": {"default": {1, 2}},
    "lone surrogate": {"const": "\ud800"},
    "huge number": {"minimum": 10**400},
}
# A value may come out of these, as long as it does at once.
MAY_SUCCEED = {
    "doubling references",
    "self reference",
    "circle",
    "too many parts",
    "backtracking",
    "infinite",
    "deep allOf",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_answered_with_one_sentence_at_once(name: str) -> None:
    answers: list[tuple[Any, str]] = []
    assert timeit.timeit(lambda: answers.append(outcome(HOSTILE[name])), number=1) < 2
    [(value, refusal)] = answers
    if refusal:
        assert 10 < len(refusal) < 700
        assert "\n" not in refusal
    else:
        assert name in MAY_SUCCEED
        assert len(orjson.dumps(value)) <= 256 * 1024


def test_a_remote_reference_is_refused_without_a_look() -> None:
    with pytest.raises(UnsatisfiableError, match="points outside the schema and is not fetched"):
        instance({"$ref": "http://127.0.0.1:9/schema.json"}, DRAW)


def test_a_refusal_says_why() -> None:
    inner = {"type": "object", "required": ["b"], "properties": {"b": {"type": "integer", "minimum": 2, "maximum": 1}}}
    with pytest.raises(UnsatisfiableError, match="no value was found: no number lies within the bounds"):
        instance({"type": "object", "required": ["a"], "properties": {"a": inner}}, DRAW)
    with pytest.raises(UnsatisfiableError, match="the schema is not valid: at /properties/a/type"):
        instance({"properties": {"a": {"type": "text"}}}, DRAW)
    unmet = {"type": "array", "items": {"type": "integer"}, "contains": {"minimum": 0}, "maxContains": 0, "minItems": 1}
    with pytest.raises(UnsatisfiableError):
        instance(unmet, DRAW)


def test_optional_properties_are_included_and_recursion_ends() -> None:
    tree = instance(Tree.model_json_schema(), DRAW)
    assert tree["children"]
    assert all(child["children"] == [] for child in tree["children"])
    chain = instance(Chain.model_json_schema(), DRAW)
    assert chain["following"]["following"] is None
    assert isinstance(instance(Person.model_json_schema(), DRAW)["email"], str)


def test_a_property_nothing_fits_is_left_out() -> None:
    schema = {"type": "object", "properties": {"a": False, "b": {"type": "integer"}}}
    assert list(instance(schema, DRAW)) == ["b"]


def test_examples_and_defaults_are_used_when_they_are_valid() -> None:
    assert instance({"type": "string", "examples": ["Bergen"], "default": "Oslo"}, DRAW) == "Bergen"
    assert instance({"type": "string", "examples": [5], "default": "Oslo"}, DRAW) == "Oslo"
    assert instance({"type": "integer", "default": 3, "minimum": 4, "maximum": 4}, DRAW) == 4
    assert instance({"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}, DRAW) is not None


def test_strings_suit_the_name_of_their_property() -> None:
    names = ("userEmail", "home_city", "websiteUrl", "dueDate", "tags", "first_name", "COLOR", "description", "orderId")
    value = instance({"type": "object", "properties": {name: {"type": "string"} for name in names}}, DRAW)
    assert "@" in value["userEmail"]
    assert value["websiteUrl"].startswith("https://")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", value["dueDate"])
    assert value["home_city"].istitle()
    assert value["description"].endswith(".")
    assert value["orderId"].startswith("id_")
    assert value["first_name"].isalpha()


def test_values_differ_between_draws() -> None:
    values = {orjson.dumps(instance(Person.model_json_schema(), Draw(str(seed)))) for seed in range(50)}
    assert len(values) > 45


PATTERNS = [
    r"^(?:[01]\d|2[0-3]):[0-5]\d$",
    r"^https?://[^\s/$.?#].[^\s]*$",
    r"^-?\d+(\.\d+)?$",
    r"^P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?$",
    r"^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$",
    r"^(?=.{3,20}$)(?![_.])(?!.*[_.]{2})[a-zA-Z0-9._]+(?<![_.])$",
    r"^[\u4e00-\u9fa5]{2,4}$",
    r"^\s*\S+(\s+\S+){2,4}$",
    r"foo|bar",
    r"^$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_string_matches_its_pattern(pattern: str) -> None:
    for seed in range(20):
        assert re.search(pattern, instance({"type": "string", "pattern": pattern}, Draw(str(seed))))


def test_a_value_can_be_changed_without_changing_the_next_one() -> None:
    schema = {"const": {"list": [1]}}
    instance(schema, DRAW)["list"].append(2)
    assert instance(schema, DRAW) == {"list": [1]}


def test_a_mapping_that_is_no_dict_is_a_schema_too() -> None:
    schema: Mapping[str, Any] = MappingProxyType({"type": "integer", "minimum": 3, "maximum": 3})
    assert instance(schema, DRAW) == 3


def test_a_schema_is_compiled_once() -> None:
    plan_for.cache_clear()
    for seed in range(5):
        instance(WEATHER, Draw(str(seed)))
    assert plan_for.cache_info().misses == 1


def test_a_schema_of_ten_fields_is_filled_in_quickly() -> None:
    schema = {"type": "object", "properties": {f"field_{n}": {"type": "string"} for n in range(10)}}
    instance(schema, DRAW)
    assert min(timeit.repeat(lambda: instance(schema, DRAW), number=50, repeat=5)) / 50 < 0.001


SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "minimum": st.integers(-9, 9), "maximum": st.integers(-9, 9) | st.floats(-9, 9),
    "multipleOf": st.sampled_from([1, 2, 0.5, 0.01]), "exclusiveMinimum": st.integers(-9, 9),
    "minLength": st.integers(0, 9), "maxLength": st.integers(0, 9),
    "pattern": st.text("ab.*+?()[]{}|^$\\d-,123", max_size=8),
    "format": st.sampled_from(["date", "uri", "uuid", "odd"]),
    "minItems": st.integers(0, 4), "maxItems": st.integers(0, 4), "uniqueItems": st.booleans(),
    "minProperties": st.integers(0, 3), "maxProperties": st.integers(0, 3),
    "required": st.lists(st.sampled_from("abc"), unique=True), "const": st.none() | st.booleans() | st.integers(0, 2),
    "enum": st.lists(st.sampled_from([1, "a", None, True, 2.5]), min_size=1, unique_by=repr),
    "default": st.sampled_from([1, "a", [], {"a": 1}]),
    "$ref": st.sampled_from(["#", "#/$defs/d", "#/properties/a", "#/x"]),
}  # fmt: skip
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "object", "array"])


def wider(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    keys: dict[str, st.SearchStrategy[Any]] = {
        **SCALARS, "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
        "items": inner, "contains": inner, "not": inner, "if": inner, "then": inner, "additionalProperties": inner,
        "anyOf": several, "oneOf": several, "allOf": several, "prefixItems": several,
        "properties": named, "$defs": st.fixed_dictionaries({"d": inner}),
        "patternProperties": st.fixed_dictionaries({"^a": inner}),
    }  # fmt: skip
    chosen = st.lists(st.sampled_from(sorted(keys)), max_size=5, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: keys[name] for name in names}))


SCHEMAS = st.recursive(st.booleans() | TYPES.map(lambda kind: {"type": kind}), wider, max_leaves=12)


@settings(max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(SCHEMAS)
def test_any_schema_gets_a_valid_value_or_a_refusal(schema: Any) -> None:
    value, refusal = outcome(schema)
    if not refusal:
        assert len(orjson.dumps(value)) <= 256 * 1024
        assert plan_for(orjson.dumps(schema)).validator.is_valid(value)
    assert "not what JSON Schema says" not in refusal  # that is for what no validator looks at


def test_a_value_that_would_take_long_to_validate_is_refused() -> None:
    value: Any = {"x": 1}
    for _ in range(30):
        value = {"x": value}
    for schema, hard in ((doubling(40), "x"), (deep_default(), value)):
        with pytest.raises(TooLargeError, match="refers to itself too often"):
            plan_for(orjson.dumps(schema)).check(hard)
    plan_for(orjson.dumps(UI)).check(instance(UI, DRAW))


def test_work_is_bounded_when_nothing_fits() -> None:
    defs = {f"t{n}": {"anyOf": [{"$ref": f"#/$defs/t{n + 1}"}] * 10} for n in range(12)}
    with pytest.raises(TooLargeError):
        instance({"$ref": "#/$defs/t0", "$defs": {**defs, "t12": {"type": "string", "pattern": "^(?!a)a$"}}}, DRAW)
