"""The promises, one module a subject; a function with `@promise` is found by being here.

A promise is documented for a provider when at least one requirement it cites is marked [doc:…], or when it rests on a
[found] fact that gives exact figures or shapes of that very provider (D3); what rests on [inference], a gap, an OLD
source or common sense alone is `assumed`.
"""
