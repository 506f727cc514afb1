"""The OpenAI SDK for Python, 2.x and 3.x, against a running Soundstage: `python openai_python.py SERVER_URL`."""

from __future__ import annotations

import openai_chat
import openai_rest
import openai_tools
from behaviours import main

TABLES = (openai_chat, openai_tools, openai_rest)

if __name__ == "__main__":
    main()
