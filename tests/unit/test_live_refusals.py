"""What Redis says when it takes nothing, by every version and on every way, is one error; the rest is not."""

import pytest
import redis
from redis.exceptions import ExecAbortError, MasterDownError

from models.errors import LineRefused, LineUnavailable
from models.live.redis import translated

CODES = (
    "OOM",
    "READONLY",
    "MISCONF",
    "NOREPLICAS",
    "LOADING",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "BUSY",
)
SHA = "1f8f4cfba6f3375f8c4ec02b9de4361a5dea5c64"
RUNNING = f"Error running script (call to f_{SHA}): "
FORMS = {
    "plain": "{code} Not now (see the manual).",
    "script, Redis 6.2": f"{RUNNING}@user_script:80: @user_script: 80: -{{code}} Not now.",
    "the same, whole": f"ERR {RUNNING}@user_script:80: @user_script: 80: -{{code}} Not now.",
    "pcall, Redis 6.2": "@user_script: 12: -{code} Not now.",
    "script, Redis 7": f"{{code}} Not now. script: {SHA}, on @user_script:80.",
    "pipeline": "Command # 2 (HSET {{sale:1}}:state a OOM) of pipeline caused error: {code} Not now.",
    "script in a pipeline": (
        f"Command # 1 (EVALSHA {SHA} 0) of pipeline caused error: "
        f"{RUNNING}@user_script:8: @user_script: 8: -{{code}} Not now."
    ),
    "MULTI": "EXECABORT Transaction discarded because of: {code} Not now.",
    "MULTI, cut": "Transaction discarded because of: {code} Not now.",
}
OTHERS = (
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    "BUSYGROUP Consumer Group name already exists",
    "BUSYKEY Target key name already exists.",
    "NOSCRIPT No matching script. Please use EVAL.",
    "ERR unknown command 'OOM '",
    "unknown command `READONLY `, with args beginning with: ",
    "Transaction discarded because of previous errors.",
    f"{RUNNING}@user_script:1: user_script:1: OOM of my own",
    f"{RUNNING}@user_script:1: WRONGTYPE Operation against a key",
    f"user_script:1: OOM of my own script: {SHA}, on @user_script:1.",
    "Command # 1 (HSET k OOM x) of pipeline caused error: WRONGTYPE Operation against a key",
    "Command # 1 (SET a -OOM ) of pipeline caused error: value is not an integer: MISCONF ",
    "OOMPH is not a code",
    "",
)
TYPED = (
    redis.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
    redis.ReadOnlyError("You can't write against a read only replica."),
    MasterDownError("Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
    redis.BusyLoadingError("Redis is loading the dataset in memory"),
    ExecAbortError("Transaction discarded because of: MISCONF Errors writing to the AOF file"),
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("code", CODES)
def test_a_refusal_is_recognised_however_it_is_told(code: str, form: str) -> None:
    with pytest.raises(LineRefused), translated():
        raise redis.ResponseError(FORMS[form].format(code=code))


@pytest.mark.parametrize("error", TYPED, ids=lambda error: type(error).__name__)
def test_what_the_client_has_a_class_for_is_recognised_too(error: redis.RedisError) -> None:
    with pytest.raises(LineRefused), translated():
        raise error


@pytest.mark.parametrize("text", OTHERS)
def test_any_other_error_stays_what_it_is(text: str) -> None:
    with pytest.raises(redis.ResponseError), translated():
        raise redis.ResponseError(text)


@pytest.mark.parametrize("error", [redis.ConnectionError("lost"), redis.TimeoutError("late"), OSError()])
def test_silence_is_no_refusal(error: Exception) -> None:
    with pytest.raises(LineUnavailable) as told, translated():
        raise error
    assert not isinstance(told.value, LineRefused)
