"""The /v2 gateway: one pair of calls for images, videos and audio of any model, followed by polling."""
