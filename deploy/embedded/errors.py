"""What can go wrong with an embedded server."""


class EmbeddedError(Exception):
    """The root of this package's errors; each message is meant for the person who started the server."""


class ServerFailed(EmbeddedError):
    """A server could not start, or did not become ready."""


class DirectoryInUse(EmbeddedError):
    """A process from before still uses the directory; it may be about to end."""


class UnsafePlace(EmbeddedError):
    """A directory that should be private belongs to somebody else, or is open to others."""


class NoBinary(EmbeddedError):
    """No program on this machine can serve the data that is there."""


class NoIdentity(EmbeddedError):
    """Root found no user who could run the program."""
