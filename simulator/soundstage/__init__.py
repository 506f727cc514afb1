"""Soundstage stands in for paid AI-media providers: their endpoints, tasks, prices, credits, files and callbacks.

Words used everywhere: a *provider* is a documented API; an *operation* one endpoint of it; a *universe* one isolated
world chosen by the API key; a *task* one piece of asynchronous work; the *ledger* every movement of credits; a
*callback* a signed POST to the user's receiver; an *attempt* one try to deliver it.
"""

__version__ = "0.1.0"
