"""deploy/setup.sh, on a small checkout whose lock asks for nothing, so that nothing is fetched."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120
BASE: str = vars(sys)["_base_executable"]

# A Python as some systems package it: no ensurepip, so that environments get no pip of their own. It is also
# much quicker, as it has nothing to unpack; and its pip does nothing, unless it is asked to be the real one.
STUB = """\
#!/bin/sh
if [ "$1 $2" = "-m pip" ] && [ -z "${{REAL_PIP:-}}" ]; then exit; fi
if [ "$1" = -c ]; then "{python}" "$@" >/dev/null && echo "$0"; exit; fi
if [ "$1 $2" = "-m venv" ] && [ "$3" != "--without-pip" ]; then exit 1; fi
exec "{python}" "$@"
"""
# A Python that stands in an environment, and is good for nothing but to say on what it rests.
RESTING = """\
#!/bin/sh
[ "$1" = -c ] && echo "{base}"
"""


def python_with_pip() -> str:
    """This interpreter, or the one that its own environment rests on."""
    return sys.executable if importlib.util.find_spec("pip") else BASE


class Checkout:
    """A directory with what setup.sh needs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "deploy").mkdir(parents=True)
        (root / "requirements").mkdir()
        shutil.copy(ROOT / "deploy" / "setup.sh", root / "deploy")
        self.stub.write_text(STUB.format(python=python_with_pip()))
        self.stub.chmod(0o755)
        self.lock("local", "# nothing\n")
        self.lock("dev", "# nothing either\n")

    def lock(self, purpose: str, text: str) -> None:
        (self.root / "requirements" / f"{purpose}.txt").write_text(text)

    def begin(self, purpose: str, **environment: str) -> subprocess.Popen[str]:
        # The fields of another environment would make the interpreter believe that it stands there.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("VIRTUAL_ENV")}
        return subprocess.Popen(
            ["sh", str(self.root / "deploy" / "setup.sh"), purpose],
            env={**inherited, "PYTHON": str(self.stub), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def setup(self, purpose: str, *, code: int = 0, **environment: str) -> str:
        process = self.begin(purpose, **environment)
        told, _ = process.communicate(timeout=LIMIT_S)
        assert process.returncode == code, told
        return told

    @property
    def stub(self) -> Path:
        return self.root / "python-without-ensurepip"

    @property
    def python(self) -> Path:
        return self.root / ".venv" / "bin" / "python"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "a clone")


@pytest.mark.parametrize(
    "whole", [False, pytest.param(True, marks=pytest.mark.release)], ids=["a stub", "with ensurepip and pip"]
)
def test_it_installs_once_until_the_lock_changes(checkout: Checkout, whole: bool) -> None:
    python = sys.executable if whole else str(checkout.stub)
    assert "installing requirements/local.txt" in checkout.setup("local", PYTHON=python)
    subprocess.run([checkout.python, "-c", ""], check=True)
    assert checkout.setup("local") == ""
    checkout.lock("local", "# nothing again\n")
    told = checkout.setup("local")
    assert "installing" in told
    assert "making" not in told


def test_what_checks_the_platform_holds_what_runs_it(checkout: Checkout) -> None:
    checkout.setup("dev")
    assert checkout.setup("local") == ""
    checkout.lock("dev", "# something new\n")
    assert "installing requirements/local.txt" in checkout.setup("local")
    assert "installing requirements/dev.txt" in checkout.setup("dev")
    checkout.lock("local", "# something new\n")
    assert "installing requirements/dev.txt" in checkout.setup("dev")


def test_a_checkout_that_moved_gets_a_new_environment(checkout: Checkout) -> None:
    checkout.setup("local")
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    assert "making .venv" in checkout.setup("local")
    assert checkout.setup("local") == ""


def test_a_link_to_another_checkouts_environment_is_used_as_it_is(checkout: Checkout, tmp_path: Path) -> None:
    checkout.setup("local")
    made = checkout.python.lstat().st_ino
    other = Checkout(tmp_path / "other")
    (other.root / ".venv").symlink_to(checkout.root / ".venv")
    assert other.setup("local") == ""
    assert other.setup("local", PYTHON=str(other.python)) == ""
    assert checkout.python.lstat().st_ino == made


@pytest.mark.parametrize(
    "real", [False, pytest.param(True, marks=pytest.mark.release)], ids=["a stub", "with ensurepip and pip"]
)
def test_an_environment_is_never_made_from_itself(checkout: Checkout, real: bool) -> None:
    checkout.setup("local")
    (checkout.root / ".venv" / ".installed").write_text("local 0 0 /elsewhere\n")
    if not real:
        checkout.python.unlink()
        checkout.python.write_text(RESTING.format(base=checkout.stub))
        checkout.python.chmod(0o755)
    assert "making .venv" in checkout.setup("local", PYTHON=str(checkout.python))
    subprocess.run([checkout.python, "-c", ""], check=True)


def test_two_at_once_install_once(checkout: Checkout) -> None:
    both = [checkout.begin("local", REAL_PIP="1"), checkout.begin("local", REAL_PIP="1")]
    told = [process.communicate(timeout=LIMIT_S)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert sum("installing" in text for text in told) == 1


def test_a_failed_installation_is_told_and_tried_again(checkout: Checkout) -> None:
    checkout.lock("local", "no-hash-is-given==1.0\n")
    told = checkout.setup("local", code=1, REAL_PIP="1", PIP_NO_INDEX="1")
    assert "pip could not install requirements/local.txt" in told
    assert not (checkout.root / ".venv" / ".installed").exists()
    checkout.lock("local", "# nothing\n")
    assert "ready" in checkout.setup("local")


def test_a_python_that_does_not_work_is_refused(checkout: Checkout) -> None:
    told = checkout.setup("local", code=1, PYTHON="/nonexistent/python")
    assert "PYTHON=/nonexistent/python is not a working Python 3.11" in told


def test_an_interpreter_without_ensurepip_is_enough_when_it_has_pip(checkout: Checkout) -> None:
    assert "ready" in checkout.setup("local", REAL_PIP="1")
    assert not (checkout.root / ".venv" / "bin" / "pip").exists()


def test_an_unknown_purpose_is_refused(checkout: Checkout) -> None:
    assert "there is no requirements/fun.txt" in checkout.setup("fun", code=1)
