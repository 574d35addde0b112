"""Why nothing was learnt: the ways in which a run of a load tool comes to nothing."""


class CannotRush(RuntimeError):
    """The rush cannot take place: nothing was learnt about the shop."""


class CannotMeasure(RuntimeError):
    """The run came to nothing, or what was measured is not what it claims to be."""


class PlatformFailed(CannotMeasure):
    """The platform, or one of its programs, did not come up or did not do its work."""
