// The rest of the OpenAI SDK for Node: embeddings, models, videos, keys, errors and repeats.

import assert from "node:assert/strict";

import {
  CHAT, EMBEDDING, KEY, OpenAI, PNG, ask, client, collect, connect, hasShape, refusal, register, textOf, toFile,
} from "./node_kit.mjs";

export const rest = {
  async an_embedding_is_a_vector_of_unit_length() {
    const { data: [{ embedding }], usage } = await client.embeddings.create({ model: EMBEDDING, input: "hello" });
    assert.equal(embedding.length, 1536);
    assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-4);
    assert.ok(usage.total_tokens > 0);
  },
  async base64_and_float_carry_the_same_numbers() {
    const given = { model: EMBEDDING, input: "hello" };
    const packed = (await client.embeddings.create(given)).data[0].embedding;
    const floats = (await client.embeddings.create({ ...given, encoding_format: "float" })).data[0].embedding;
    assert.equal(packed.length, floats.length);
    assert.ok(packed.every((one, index) => Math.abs(one - floats[index]) < 1e-6));
  },
  async lists_dimensions_and_tokens_are_honoured() {
    for (const [input, count] of [[["one", "two"], 2], [[15339, 1917], 1], [[[15339], [9906]], 2]]) {
      const { data } = await client.embeddings.create({ model: EMBEDDING, input, dimensions: 64 });
      assert.deepEqual(data.map((one) => [one.index, one.embedding.length]), [[0, 64], [1, 64]].slice(0, count));
    }
  },
  async equal_texts_have_equal_vectors_and_like_ones_are_nearer() {
    const input = ["the black cat sleeps", "the black cat sleeps", "the black cat sleeps now", "quarterly tax return"];
    const { data } = await client.embeddings.create({ model: EMBEDDING, input });
    const [cat, again, kitten, tax] = data.map((one) => one.embedding);
    const near = (one, other) => one.reduce((sum, value, index) => sum + value * other[index], 0);
    assert.deepEqual(cat, again);
    assert.ok(near(cat, kitten) > near(cat, tax));
  },
  async models_are_listed() {
    const models = await collect(client.models.list());
    for (const model of models) hasShape(model, { id: "string", created: "number", object: "string", owned_by: "string" });
    assert.ok(models.some((model) => model.id === CHAT) && models.some((model) => model.id === "seedance-2"));
  },
  async a_video_is_created_and_comes_to_an_end() {
    const video = await client.videos.create({ model: "seedance-2-fast", prompt: "A cat", seconds: "6" });
    assert.match(video.id, /^task_/);
    assert.equal(video.status, "pending");
    let task;
    const until = performance.now() + 10_000;
    do task = await client.get(`/tasks/${video.id}`);
    while (["pending", "processing"].includes(task.status) && performance.now() < until);
    assert.equal(task.status, "completed", JSON.stringify(task));
    assert.ok((await fetch(task.output_urls[0])).ok);
  },
  async a_video_is_created_from_a_file() {
    const file = await toFile(Buffer.from(PNG, "base64"), "start.png", { type: "image/png" });
    const video = await client.videos.create({ model: "seedance-2", prompt: "A cat", input_reference: file });
    assert.match(video.id, /^task_/);
    assert.equal(video.status, "pending");
  },
  async a_key_in_x_api_key_is_as_good_as_a_bearer() {
    const by = (key) => connect("unused", { defaultHeaders: { Authorization: null, "x-api-key": key } });
    assert.ok(textOf(await ask({}, by(KEY))));
    await refusal(OpenAI.AuthenticationError, 401, "invalid_api_key", () => ask({}, by(`${KEY}_revoked`)));
  },
  async a_revoked_key_is_an_authentication_error() {
    await refusal(OpenAI.AuthenticationError, 401, "invalid_api_key", () => ask({}, connect(`${KEY}_revoked`)));
  },
  async an_unknown_model_is_not_found() {
    await refusal(OpenAI.NotFoundError, 404, "model_not_found", () => ask({ model: "gpt-imaginary" }));
  },
  async a_bad_field_is_a_bad_request_that_names_it() {
    for (const stream of [false, true]) {
      const call = () => ask({ temperature: 9, stream });
      const error = await refusal(OpenAI.BadRequestError, 400, "invalid_request", call);
      assert.equal(error.param, "temperature");
    }
  },
  async no_credits_is_payment_required() {
    const poor = connect(await register({ balance: "0" }));
    await refusal(OpenAI.APIError, 402, "insufficient_credits", () => ask({}, poor));
  },
  async a_model_outside_the_keys_limits_is_denied() {
    const limited = connect(await register({ models: ["gpt-5"] }));
    assert.ok(textOf(await ask({ model: "gpt-5" }, limited)));
    await refusal(OpenAI.PermissionDeniedError, 403, "model_not_allowed", () => ask({}, limited));
  },
  async too_many_calls_are_told_when_to_come_back() {
    const limited = connect(await register({ limits: { requests_per_minute: 1 } }));
    await ask({}, limited);
    const error = await refusal(OpenAI.RateLimitError, 429, "rate_limit_exceeded", () => ask({}, limited));
    assert.ok(Number(error.headers.get("retry-after")) >= 1);
    assert.ok(Number(error.headers.get("retry-after-ms")) >= 1);
  },
  async the_sdk_repeats_a_call_that_came_too_soon() {
    let refused = 0;
    const counting = async (...given) => {
      const answer = await fetch(...given);
      refused += answer.status === 429;
      return answer;
    };
    const key = await register({ limits: { requests_per_minute: 120 } });
    const by = connect(key, { maxRetries: 1, fetch: counting });
    for (let calls = 0; calls < 200 && !refused; calls += 1) {
      await by.embeddings.create({ model: EMBEDDING, input: "x", dimensions: 1 });
    }
    assert.ok(refused, "200 calls at once were never too many");
  },
  async raw_answers_show_the_request_id() {
    const { data, response, request_id: id } = await client.models.list().withResponse();
    assert.ok(data.data.length);
    assert.match(response.headers.get("x-request-id"), /^req_/);
    assert.equal(id, response.headers.get("x-request-id"));
  },
};
