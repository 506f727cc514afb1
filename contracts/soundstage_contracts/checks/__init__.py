"""The promises, one module a subject; a function with `@promise` is found by being here."""
