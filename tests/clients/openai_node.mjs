// The OpenAI SDK for Node against a running Soundstage: `node openai_node.mjs SERVER_URL PACKAGE_NAME`.
// It lies beside the package's node_modules when it runs. One JSON line per behaviour: {"name", "ok", "detail"}.

import { chat } from "./node_chat.mjs";
import { rest } from "./node_rest.mjs";

for (const [name, check] of Object.entries({ ...chat, ...rest })) {
  let detail = "";
  try {
    await check();
  } catch (error) {
    detail = String(error?.stack ?? error).slice(0, 2000);
  }
  console.log(JSON.stringify({ name, ok: detail === "", detail }));
}
