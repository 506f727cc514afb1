"""MidSync: video generation by task, with quotes, callbacks and usage views, in both documented dialects."""
