"""The edge: the only code that speaks aiohttp. It reads calls, runs them on the world and sends what comes back."""
