// Chat and tool calls through the OpenAI SDK for Node.

import assert from "node:assert/strict";

import {
  ABOUT_WEATHER, CHAT, PNG, QUESTION, TIME, WEATHER, ask, assertWeather, client, collect, hasShape, textOf,
} from "./node_kit.mjs";

export const chat = {
  async a_plain_answer_has_every_field_the_sdk_declares() {
    const answer = await ask();
    hasShape(answer, { id: "string", object: "string", created: "number", model: "string", choices: "array" });
    hasShape(answer.choices[0], { index: "number", finish_reason: "string", logprobs: "null", message: "object" });
    hasShape(answer.choices[0].message, { role: "string", content: "string", refusal: "null" });
    hasShape(answer.usage, { prompt_tokens: "number", completion_tokens: "number", total_tokens: "number" });
    assert.equal(answer.object, "chat.completion");
    assert.match(answer._request_id, /^req_/);
  },
  async a_plain_answer_stops_and_its_usage_adds_up() {
    const answer = await ask();
    assert.ok(textOf(answer));
    assert.equal(answer.choices[0].finish_reason, "stop");
    const { prompt_tokens: sent, completion_tokens: made, total_tokens: both } = answer.usage;
    assert.ok(sent > 0 && made > 0);
    assert.equal(both, sent + made);
  },
  async n_answers_come_when_n_are_asked_for() {
    const answer = await ask({ n: 3 });
    assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1, 2]);
  },
  async a_stop_sequence_is_not_in_the_text() {
    const answer = await ask({ stop: [" "] });
    assert.ok(!answer.choices[0].message.content.includes(" "), JSON.stringify(answer));
    assert.equal(answer.choices[0].finish_reason, "stop");
  },
  async max_tokens_cuts_the_answer() {
    for (const field of ["max_tokens", "max_completion_tokens"]) {
      const answer = await ask({ [field]: 5 });
      assert.equal(answer.choices[0].finish_reason, "length");
      assert.equal(answer.usage.completion_tokens, 5);
    }
  },
  async a_stream_is_a_role_then_pieces_then_a_reason() {
    const chunks = await collect(await ask({ stream: true }));
    assert.equal(chunks[0].choices[0].delta.role, "assistant");
    assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.choices[0].finish_reason === null));
    assert.ok(chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("").trim());
    for (const chunk of chunks) {
      hasShape(chunk, { id: "string", object: "string", created: "number", model: "string", choices: "array" });
      assert.equal(chunk.object, "chat.completion.chunk");
    }
  },
  async a_stream_tells_its_usage_last_when_asked() {
    const chunks = await collect(await ask({ stream: true, stream_options: { include_usage: true } }));
    const last = chunks.pop();
    assert.deepEqual(last.choices, []);
    assert.ok(last.usage.total_tokens > 0);
    assert.ok(chunks.every((chunk) => chunk.usage === null && chunk.choices.length === 1));
  },
  async a_stream_tells_no_usage_unasked() {
    const chunks = await collect(await ask({ stream: true }));
    assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !chunk.usage));
  },
  async a_stream_ends_at_once_after_its_last_chunk() {
    let last = 0;
    for await (const _ of await ask({ stream: true })) last = performance.now();
    assert.ok(performance.now() - last < 500, `${performance.now() - last} ms`);
  },
  async a_stream_that_is_broken_off_leaves_the_client_usable() {
    for (let times = 0; times < 3; times += 1) {
      for await (const _ of await ask({ stream: true })) break;
    }
    assert.ok(textOf(await ask()));
  },
  async the_stream_helper_puts_the_answer_together() {
    const answer = await client.chat.completions.stream({ model: CHAT, messages: QUESTION }).finalChatCompletion();
    assert.ok(textOf(answer));
    assert.equal(answer.choices[0].finish_reason, "stop");
  },
  async many_questions_at_once_are_all_answered() {
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask()));
    assert.equal(new Set(answers.map((answer) => answer.id)).size, 10);
  },
  async system_and_developer_messages_are_accepted() {
    for (const role of ["system", "developer"]) {
      assert.ok(textOf(await ask({ messages: [{ role, content: "Be brief." }, ...QUESTION] })));
    }
  },
  async images_by_address_and_as_data_are_accepted() {
    for (const url of ["https://cdn.example.com/cat.png", `data:image/png;base64,${PNG}`]) {
      const content = [{ type: "text", text: "What is this?" }, { type: "image_url", image_url: { url } }];
      assert.ok(textOf(await ask({ messages: [{ role: "user", content }] })));
    }
  },
  async settings_of_null_are_settings_left_out() {
    assert.ok(textOf(await ask({ temperature: null, stop: null, n: null, max_tokens: null, stream: null })));
  },
  async json_object_answers_are_json_objects() {
    const answer = await ask({ response_format: { type: "json_object" } });
    assert.equal(typeof JSON.parse(textOf(answer)), "object");
  },
  async json_schema_answers_fit_the_schema() {
    const { parameters: schema, name } = WEATHER.function;
    const format = { type: "json_schema", json_schema: { name, schema, strict: true } };
    const answer = await client.chat.completions.parse({ model: CHAT, messages: QUESTION, response_format: format });
    assertWeather(textOf(answer));
  },
  async a_required_tool_is_called_with_arguments_of_its_schema() {
    const { choices: [choice] } = await ask({ tools: [WEATHER], tool_choice: "required" });
    assert.equal(choice.finish_reason, "tool_calls");
    assert.equal(choice.message.tool_calls.length, 1);
    assert.match(choice.message.tool_calls[0].id, /^call_/);
    assertWeather(choice.message.tool_calls[0].function.arguments);
  },
  async a_named_tool_is_the_one_that_is_called() {
    const choice = { type: "function", function: { name: "get_time" } };
    const answer = await ask({ tools: [WEATHER, TIME], tool_choice: choice });
    assert.deepEqual(answer.choices[0].message.tool_calls.map((call) => call.function.name), ["get_time"]);
  },
  async a_tool_is_called_by_the_question_or_not_at_all() {
    const asked = await ask({ messages: ABOUT_WEATHER, tools: [WEATHER] });
    assert.equal(asked.choices[0].finish_reason, "tool_calls");
    for (const other of [{ tool_choice: "none", messages: ABOUT_WEATHER }, {}]) {
      const answer = await ask({ tools: [WEATHER], ...other });
      assert.ok(textOf(answer));
      assert.ok(!answer.choices[0].message.tool_calls);
    }
  },
  async a_tools_result_is_answered_with_text() {
    const { choices: [{ message }] } = await ask({ messages: ABOUT_WEATHER, tools: [WEATHER], tool_choice: "required" });
    const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "clear" };
    assert.ok(textOf(await ask({ messages: [...ABOUT_WEATHER, message, result], tools: [WEATHER] })));
  },
  async run_tools_calls_a_function_and_comes_back() {
    const given = [];
    const tool = structuredClone(WEATHER);
    Object.assign(tool.function, { parse: JSON.parse, function: (args) => String(given.push(args)) });
    const run = client.chat.completions.runTools({ model: CHAT, messages: ABOUT_WEATHER, tools: [tool] });
    assert.ok(await run.finalContent());
    assert.equal(given.length, 1);
  },
  async a_streamed_tool_call_is_put_together_from_pieces() {
    const asked = { model: CHAT, messages: QUESTION, tools: [WEATHER], tool_choice: "required" };
    const { choices: [choice] } = await client.chat.completions.stream(asked).finalChatCompletion();
    assert.equal(choice.message.tool_calls.length, 1);
    assertWeather(choice.message.tool_calls[0].function.arguments);
  },
};
