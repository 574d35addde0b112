"""Passwords: hashed as OWASP says, and off the event loop where there is one."""

import subprocess
import sys

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from config import ROOT
from web.auth.hashing import Passwords

UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent, os, sys, types
sys.modules["web"] = types.ModuleType("web")  # the package without the application that it makes
sys.modules["web"].__path__ = ["web"]
from web.auth.hashing import Passwords
passwords = Passwords()
stored = passwords.hash("correct horse")
turns = [0]
def tick():
    while True:
        turns[0] += 1
        gevent.sleep(0)
ticking = gevent.spawn(tick)
gevent.sleep(0)
before = turns[0]
jobs = [gevent.spawn(passwords.verify, stored, "correct horse") for _ in range(3)]
gevent.joinall(jobs)
assert all(job.value for job in jobs)
assert turns[0] - before > 100, turns
rank = lambda: os.getpriority(os.PRIO_PROCESS, 0)
assert (passwords.share.run(rank), rank()) == (10, 0)  # of its thread, and of the loop's
print("the loop went on")
"""


def test_a_hash_is_argon2id_with_the_parameters_of_owasp() -> None:
    stored = Passwords().hash("correct horse")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_only_the_right_password_matches() -> None:
    passwords = Passwords()
    stored = passwords.hash("correct horse")
    assert passwords.verify(stored, "correct horse")
    assert not passwords.verify(stored, "correct horsf")
    assert not passwords.verify(None, "correct horse")
    assert not passwords.verify("no hash at all", "correct horse")


def test_who_has_no_account_is_compared_with_a_hash_like_any_and_never_matches() -> None:
    passwords = Passwords()
    nobodys = passwords._nobodys
    assert not passwords.is_outdated(nobodys)
    with pytest.raises(VerifyMismatchError):  # compared, and not unreadable
        PasswordHasher().verify(nobodys, "correct horse")


def test_a_hash_does_not_hold_up_the_event_loop() -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNDER_GEVENT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "the loop went on"), done.stderr
