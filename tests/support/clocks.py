"""A clock for what takes one as its `clock`."""


class Clock:
    """A time that tests move."""

    now = 100.0  # seconds

    def __call__(self) -> float:
        return self.now
