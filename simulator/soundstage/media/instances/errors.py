"""What is raised when no value can be made for a schema."""


class UnsatisfiableError(ValueError):
    """No instance is made for this schema; the message is one sentence that says why."""


class DeadEndError(UnsatisfiableError):
    """No value fits here; another branch of the schema may have one."""


class TooLargeError(UnsatisfiableError):
    """The schema or its value is beyond what is worked on; no branch is tried after that."""
