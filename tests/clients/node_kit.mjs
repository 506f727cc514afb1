// What both tables of the Node SDK share: the client, keys with limits, a few requests and checks.

import assert from "node:assert/strict";

const [server, packageName] = process.argv.slice(2);
export const { default: OpenAI, toFile } = await import(packageName);

const API = `${server}/apikeyorg/v1`;
export const KEY = "sk-client-tests-node";
export const CHAT = "gpt-5-mini";
export const EMBEDDING = "text-embedding-3-small";
export const QUESTION = [{ role: "user", content: "Describe a lighthouse at night in two sentences." }];
export const ABOUT_WEATHER = [{ role: "user", content: "What will the weather be in Hue?" }];
export const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
export const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string" },
        days: { type: "integer", minimum: 1, maximum: 7 },
        unit: { type: "string", enum: ["celsius", "fahrenheit"] },
      },
      required: ["city", "days", "unit"],
      additionalProperties: false,
    },
  },
};
export const TIME = { type: "function", function: { name: "get_time", parameters: { type: "object", properties: {} } } };

export const client = connect(KEY);

// Repeats nothing unless told to, so that a wrong answer is seen at once.
export function connect(apiKey, options = {}) {
  return new OpenAI({ baseURL: API, apiKey, maxRetries: 0, timeout: 10_000, ...options });
}

export async function register(limits) {
  const answer = await fetch(`${server}/__admin/keys`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ provider: "apikeyorg", ...limits }),
  });
  return (await answer.json()).key;
}

export const ask = (given = {}, by = client) => by.chat.completions.create({ model: CHAT, messages: QUESTION, ...given });

export async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

export function textOf(answer) {
  const text = answer.choices[0].message.content;
  assert.equal(typeof text, "string", JSON.stringify(answer));
  assert.ok(text.trim(), JSON.stringify(answer));
  return text;
}

// `shape` names the type each field must have; "null" and others are joined by "|".
export function hasShape(value, shape) {
  for (const [field, types] of Object.entries(shape)) {
    const given = value[field];
    const type = given === null ? "null" : Array.isArray(given) ? "array" : typeof given;
    assert.ok(types.split("|").includes(type), `${field} is ${type}, not ${types}: ${JSON.stringify(value)}`);
  }
}

export function assertWeather(text) {
  const given = JSON.parse(text);
  assert.deepEqual(Object.keys(given).sort(), ["city", "days", "unit"]);
  assert.equal(typeof given.city, "string");
  assert.ok(Number.isInteger(given.days) && given.days >= 1 && given.days <= 7, text);
  assert.ok(["celsius", "fahrenheit"].includes(given.unit), text);
}

// The refusal `call` ends with: exactly this class and status, filled in as an application reads it.
export async function refusal(kind, status, code, call) {
  let error;
  try {
    await call();
  } catch (raised) {
    error = raised;
  }
  assert.ok(error, `no ${kind.name} was raised`);
  assert.equal(error.constructor, kind, `${error.constructor.name}: ${error.message}`);
  assert.equal(error.status, status, error.message);
  assert.equal(error.code, code, JSON.stringify(error.error));
  assert.ok(error.type && error.error.message, JSON.stringify(error.error));
  assert.match(String(error.requestID), /^req_/);
  return error;
}
