"""API-Key: media tasks with a budget guard, OpenAI-compatible chat and embeddings, signed callbacks."""
