"""The bugs of the line that are planted: what is changed in which script, and a few steps that show it."""

from dataclasses import dataclass
from typing import Any, Final

Steps = tuple[tuple[Any, ...], ...]  # a rule's name and its arguments


@dataclass(frozen=True, slots=True)
class Bug:
    """The right text and the wrong one, and steps after which the two differ.

    `where`: a script's verb, or a function as `module:name`. `units` and `most_holds`: the shop as it opens;
    `has_draw`: it begins with a lobby whose order is drawn.
    """

    where: str
    changes: tuple[tuple[str, str], ...]
    steps: Steps
    units: int = 1
    most_holds: int = 0
    has_draw: bool = False


def come(*people: int, key: str = "") -> tuple[Any, ...]:
    """Have some submit, one unit each."""
    return ("submit", [(one, 1, False, key) for one in people], "")


BUGS: Final = {
    "the line is popped at its end": Bug(
        "claim",
        (
            (
                "'LRANGE', KEYS[2], 0, limit - #rows - in_lobby - 1)",
                "'LRANGE', KEYS[2], -(limit - #rows), -1)",
            ),
            ("'LTRIM', KEYS[2], popped - from_lobby, -1)", "'LTRIM', KEYS[2], 0, -popped - 1)"),
        ),
        (come(0, 1), ("claim", 1, "")),
    ),
    "a claim is not written down": Bug(
        "claim",
        (("redis.call('ZADD', KEYS[6], now_ms + lease_ms, new_claim)\nif popped", "if popped"),),
        (come(0), ("claim", 1, "")),
    ),
    "the line goes before standby": Bug(
        "claim",
        (
            (
                "elseif standing_by > 0 and not is_still then",
                "elseif standing_by > 0 and not is_still and redis.call('LLEN', KEYS[2]) == 0 then",
            ),
        ),
        (come(0, 1), ("drain",), come(2), ("expire", {0}), ("release", ""), ("claim", 1, "")),
    ),
    "who could hope is refused": Bug(
        "claim",
        (
            (
                "one.need > available + held then\n        write(id, one, 'sold_out', '', 0)\n      else\n ",
                "one.need > available then\n        write(id, one, 'sold_out', '', 0)\n      else\n ",
            ),
        ),
        (come(0, 1), ("claim", 2, "")),
    ),
    "open holds are not bounded": Bug(
        "claim",
        (("open_holds >= max_open_holds", "open_holds > max_open_holds"),),
        (come(0, 1, 2), ("drain",)),
        units=3,
        most_holds=2,
    ),
    "a hold comes home as often as it is released": Bug(
        "release",
        (("redis.call('HDEL', KEYS[2], ARGV[at])", ""),),
        (come(0), ("drain",), ("expire", {0}), ("release", "reply"), ("release", "")),
    ),
    "a cut takes units that are held": Bug(
        "adjust",
        (("if tonumber(found[2]) + units < 0 then", "if false then"),),
        (come(0), ("claim", 1, ""), ("change_allocation", -1, "")),
    ),
    "an adjustment is made again when retried": Bug(
        "adjust",
        (("if before then", "if false then"),),
        (("change_allocation", 2, "reply"), ("sweep",)),
    ),
    "a key is not remembered": Bug(
        "submit",
        (("local known = redis.call('GET', key)", "local known = nil"),),
        (come(0, key="a"), come(0, key="a")),
    ),
    "who has left keeps the units": Bug(
        "leave",
        (("if redis.call('HINCRBY', KEYS[4], user, -tonumber(quantity)) <= 0 then", "if false then"),),
        (come(0), ("leave", 0, "", False)),
    ),
    "who has left the lobby stays in it": Bug(
        "leave",
        (("redis.call('ZREM', KEYS[8], intent) == 1", "redis.call('ZSCORE', KEYS[8], intent)"),),
        (come(0, 1), ("leave", 0, "", False)),
        has_draw=True,
    ),
    "the ledger does not learn who left the lobby": Bug(
        "leave",
        (("redis.call('RPUSH', KEYS[9], intent)", "1"),),
        (come(0, 1), ("leave", 0, "", False), ("drain",)),
        has_draw=True,
    ),
    "coming again costs nothing": Bug(
        "submit",
        (("if wait_ms > 0 then", "if false then"),),
        (*[step for time in range(4) for step in (come(0), ("leave", time, "", False))], come(0)),
        has_draw=True,
    ),
    "a lobby is not drawn": Bug(
        "configure",
        (("now[2] == 'draw' and size > 1", "false"),),
        (come(0, 1, 2, 3, 4, 5), ("open_the_line", "")),
        has_draw=True,
    ),
    "who was in the lobby is served before lots are drawn": Bug(
        "claim",
        (("if state.undrawn_until then", "if false then"),),
        (come(0, 1, 2, 3, 4, 5), ("open_the_line", "reply"), ("claim", 1, "")),
        has_draw=True,
    ),
    "who leaves a closed lobby shifts the tickets of the others": Bug(
        "leave",
        (("if state[5] == 'scheduled' and redis", "if redis"),),
        (come(0, 1, 2), ("open_the_line", ""), ("leave", 0, "", False)),
        has_draw=True,
    ),
    "what came before a rebuild is accepted": Bug(
        "submit", (("if state[1] ~= ARGV[1] then", "if false then"),), (("rebuild",),)
    ),
    "a settled claim forgets who stands by": Bug(
        "settle",
        (("if outcome ~= 'standby' then", "if true then"),),
        (come(0, 1), ("claim", 2, ""), ("persist", 0, True), ("settle", 0, "")),
    ),
}
BY_INTERLEAVING: Final = (
    "the line is popped at its end",
    "a claim is not written down",
    "the line goes before standby",
    "who could hope is refused",
    "a hold comes home as often as it is released",
    "a settled claim forgets who stands by",
)
BY_CHANCE: Final = (
    "the line is popped at its end",
    "who could hope is refused",
    "a hold comes home as often as it is released",
)
PERSISTED_TWICE: Final[Steps] = (come(0), ("claim", 1, ""), ("persist", 0, True), ("persist", 0, True))
PERSISTED_TOO_LATE: Final[Steps] = (
    *(come(0), ("claim", 1, ""), ("persist", 0, True)),
    *(("rebuild",), ("persist", 0, True)),
)
