""".env.example lists every name that is read from the environment, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LISTED = re.compile(r"^#?([A-Z][A-Z_]*)=(.*)$", re.MULTILINE)
READ_BY_CONFIG = re.compile(r"env\.[a-z_]+\(\s*\"([A-Z_]+)\"")
READ_BY_DEPLOY = re.compile(r"environ(?:\.get\(|\[)\s*\"([A-Z_]+)\"|\"([A-Z_]+)\" (?:not )?in os\.environ")
# Read by no program of this project's: by docker compose, by deploy/setup.sh, by a process' command line.
READ_ELSEWHERE = {
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "SHOP_ADDRESS",
    "GRAFANA_PASSWORD",
    "PYTHON",
    "INSTANCE",
}


def listed() -> dict[str, str]:
    return dict(LISTED.findall((ROOT / ".env.example").read_text()))


def read_by_config() -> set[str]:
    return set(READ_BY_CONFIG.findall((ROOT / "config.py").read_text()))


def read_by_deploy() -> set[str]:
    texts = [path.read_text() for path in (ROOT / "deploy").rglob("*.py")]
    return {first or second for text in texts for first, second in READ_BY_DEPLOY.findall(text)}


def test_every_name_that_is_read_is_listed_and_no_other() -> None:
    assert "SECRET_KEY" in read_by_config()
    assert "SCALE" in read_by_deploy()
    assert set(listed()) == read_by_config() | read_by_deploy() | READ_ELSEWHERE


def test_every_listed_name_is_explained_above_it() -> None:
    blocks = (ROOT / ".env.example").read_text().split("\n\n")
    for block in blocks:
        lines = block.strip().splitlines()
        if LISTED.match(lines[0]):
            raise AssertionError(f"nothing explains {lines[0]}")


def test_listed_defaults_are_the_configurations_own() -> None:
    source = (ROOT / "config.py").read_text()
    for name, default in listed().items():
        match = re.search(rf"env\.[a-z_]+\(\s*\"{name}\", ([^,)\n]+)", source)
        if match and default:
            assert _plain(match[1]) == default, name


def test_copying_the_example_sets_only_what_must_be_set() -> None:
    text = (ROOT / ".env.example").read_text()
    assert re.findall(r"^([A-Z_]+)=", text, flags=re.MULTILINE) == [
        "POSTGRES_PASSWORD",
        "SECRET_KEY",
        "ADMIN_PASSWORD",
    ]


def _plain(expression: str) -> str:
    """A default of the source as it is written in the environment."""
    factors = expression.strip().strip('"').replace("_", "").split(" * ")
    if len(factors) == 2 and all(factor.isdigit() for factor in factors):
        return str(int(factors[0]) * int(factors[1]))
    plain = expression.strip().strip('"')
    return plain.lower() if plain in ("True", "False") else plain
