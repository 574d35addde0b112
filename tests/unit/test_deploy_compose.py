"""docker-compose.yml says the same as the Procfile, the embedded servers and .env.example."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import load_settings
from deploy.embedded import postgres, redis
from deploy.run.procfile import read_procfile
from tests.support.engines import require_binary

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
PROCFILE = read_procfile(ROOT / "Procfile")
INTERPOLATED = re.compile(r"(?<!\$)\$\{([A-Z_]+)(:?[-?][^{}$]*)?(?=[}$])")
IMAGE_USER = "10001"
OF_TESTS = {"FAILPOINT", "STRIPE_API_URL", "STRIPE_JS_URL"}
OF_MAKE_RUN = {"WORKER_PROCESSES"}  # compose counts replicas


def names_in(path: str) -> set[str]:
    """The names that a file in the notation of .env lists, commented out or not."""
    return set(re.findall(r"^#?([A-Z][A-Z_]*)=", (ROOT / path).read_text(), flags=re.MULTILINE))


def environment_of(service: str) -> dict[str, str | None]:
    found: dict[str, str | None] = SERVICES[service]["environment"]
    return found


def test_every_process_of_the_procfile_has_a_service_with_its_command() -> None:
    commands = {
        name: service["command"][2].replace("$$", "$")
        for name, service in SERVICES.items()
        if service.get("command", [])[:2] == ["/bin/sh", "-c"]
    }
    assert commands == {name: f"exec {command}" for name, command in PROCFILE.commands.items()}


def test_redis_is_as_durable_as_the_embedded_one() -> None:
    words = SERVICES["redis"]["command"][1:]
    told = dict(zip(words[::2], words[1::2], strict=True))
    del told["--requirepass"]
    assert told == {f"--{name}": value for name, value in redis.DURABLE.items()}
    assert SERVICES["redis"]["volumes"] == ["redis:/data"]


def test_postgres_is_as_durable_as_the_embedded_one() -> None:
    words = SERVICES["postgres"]["command"][1:]
    told = dict(word.split("=", 1) for word in words[1::2])
    embedded = {name: value for name, value in postgres.SETTINGS.items() if name in told}
    assert embedded == told
    assert {"fsync", "full_page_writes", "synchronous_commit", "max_connections"} <= set(told)
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]


@pytest.mark.parametrize("service", PROCFILE.commands)
def test_every_name_in_a_services_environment_is_explained(service: str) -> None:
    assert set(environment_of(service)) <= names_in(".env.example")


@pytest.mark.parametrize("service", PROCFILE.commands)
def test_every_process_has_the_files_that_its_settings_name(service: str) -> None:
    assert {"PRIVACY_FILE", "TERMS_FILE"} <= set(environment_of(service))
    assert SERVICES[service]["volumes"] == ["./deploy/legal:/legal:ro"]


@pytest.mark.parametrize("service", PROCFILE.commands)
def test_every_setting_reaches_every_service(service: str) -> None:
    """What stands in .env alone is known to compose, and to no process."""
    read = set(re.findall(r"env\.[a-z_]+\(\s*\"([A-Z_]+)\"", (ROOT / "config.py").read_text()))
    assert len(read) > 50
    assert read - OF_TESTS - OF_MAKE_RUN <= set(environment_of(service))


def test_every_interpolated_name_is_explained() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert {name for name, _ in INTERPOLATED.findall(text)} <= names_in(".env.example")


@pytest.mark.parametrize("name", ["SECRET_KEY", "ADMIN_PASSWORD", "POSTGRES_PASSWORD"])
def test_secrets_have_no_default(name: str) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    modifiers = [modifier for found, modifier in INTERPOLATED.findall(text) if found == name]
    assert modifiers
    assert all(modifier.startswith(":?") for modifier in modifiers)


def filled_in(text: str, **environment: str) -> str:
    """A value as compose fills it in, innermost first."""
    once = re.compile(r"\$\{([A-Z_]+)(?:(:?)([-?])([^{}]*))?\}")

    def value(found: re.Match[str]) -> str:
        name, colon, sign, other = found.groups()
        if name in environment and (environment[name] or not colon):
            return environment[name]
        assert sign == "-", f"{name} must be set"
        return other or ""

    while once.search(text):
        text = once.sub(value, text)
    return text


THREE = {
    "SECRET_KEY": "0f3b8e5d9c7a4162b8d0e6f1a2c39485",
    "POSTGRES_PASSWORD": "pg",
    "ADMIN_PASSWORD": "hT7xpQ2rvLx9",
}


@pytest.mark.parametrize("password", [None, "own"])
def test_redis_and_who_uses_it_share_a_password(password: str | None) -> None:
    given = THREE | ({"REDIS_PASSWORD": password} if password else {})
    words = SERVICES["redis"]["command"]
    asked = filled_in(words[words.index("--requirepass") + 1], **given)
    assert (
        asked == filled_in(SERVICES["redis"]["environment"]["REDISCLI_AUTH"], **given) == (password or "pg")
    )
    told = environment_of("web")
    for name in ("REDIS_URL", "BROKER_URL"):
        assert filled_in(told[name] or "", **given).startswith(f"redis://:{asked}@redis:6379/")


def test_with_the_three_values_that_must_be_set_production_comes_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for service in ("release", *PROCFILE.processes):
        given = {name: filled_in(value, **THREE) for name, value in environment_of(service).items() if value}
        for name, value in (given | {"DATA_DIR": str(tmp_path)}).items():
            monkeypatch.setenv(name, value)
        settings = load_settings()
        assert settings.is_production
        assert set(settings.risks) == {"sandbox", "no_proxy"}


@pytest.mark.parametrize("service", PROCFILE.processes)
def test_processes_start_when_the_release_is_through(service: str) -> None:
    conditions = {name: wait["condition"] for name, wait in SERVICES[service]["depends_on"].items()}
    assert conditions == {
        "postgres": "service_healthy",
        "redis": "service_healthy",
        "release": "service_completed_successfully",
    }


def test_the_release_runs_once() -> None:
    assert SERVICES["release"]["restart"] == "no"
    assert "release" not in SERVICES["release"]["depends_on"]


def test_only_the_proxy_is_published_beyond_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.pop("proxy") == ["80:80", "443:443", "443:443/udp"]
    assert set(published) == {"web", "prometheus", "grafana"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_stores_are_reached_by_the_processes_alone_and_operators_figures_from_inside() -> None:
    inside = {name for name, service in SERVICES.items() if "stores" in service["networks"]}
    assert inside == {"postgres", "redis", "release", *PROCFILE.processes}
    assert COMPOSE["networks"]["stores"] == {"internal": True}
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/compose.yml").read_text())["scrape_configs"][0]
    assert str(scraped["dns_sd_configs"][0]["port"]) == environment_of("web")["OPS_PORT"] == "9000"
    assert "9000" not in str(SERVICES["web"]["ports"])


def test_images_are_named_by_exact_versions() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    foreign = {service["image"] for service in SERVICES.values()} - {"flash-sale"}
    named = [*foreign, *re.findall(r"^FROM (\S+)", dockerfile, flags=re.MULTILINE)]
    assert len(foreign) == 5
    assert all(re.search(r":v?\d+(\.\d+)+([-\w]*)(@sha256:[0-9a-f]{64})?$", image) for image in named), named


def test_whatever_is_mounted_from_here_is_there() -> None:
    mounted = [one for service in SERVICES.values() for one in service.get("volumes", [])]
    own = [one.split(":")[0] for one in mounted if one.startswith("./")]
    assert {"./deploy/legal", "./deploy/proxy/Caddyfile"} <= set(own)
    assert all((ROOT / path).exists() for path in own)
    named = {one.split(":")[0] for one in mounted if not one.startswith("./")}
    assert named == set(COMPOSE["volumes"])


def test_compose_itself_takes_the_file(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if (
        docker
        and not subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode
    ):
        command = ["docker", "compose"]
    else:
        command = [shutil.which("docker-compose") or pytest.skip("no docker compose on this machine")]
    file = tmp_path / "docker-compose.yml"  # the first generation of compose does not know a project's name
    file.write_text((ROOT / "docker-compose.yml").read_text().replace("\nname: flash-sale\n", "\n"))
    profiles = ["--profile", "tls", "--profile", "monitoring"]
    environment = {"PATH": os.environ["PATH"], **THREE}
    done = subprocess.run(
        [*command, "--file", str(file), *profiles, "config", "--quiet"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_prometheus_takes_its_file() -> None:
    promtool = require_binary("promtool")
    file = ROOT / "deploy/prometheus/compose.yml"
    done = subprocess.run(
        [promtool, "check", "config", file], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("service", ["postgres", "redis", "web", "worker", "background", "payments"])
def test_who_can_be_asked_has_a_healthcheck(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"]


def test_the_image_runs_as_the_user_who_owns_the_data_directory() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert f"\nUSER {IMAGE_USER}\n" in dockerfile
    assert f"--uid {IMAGE_USER} " in dockerfile
    assert f"/data:uid={IMAGE_USER},gid={IMAGE_USER},mode=0700" in SERVICES["web"]["tmpfs"]
    assert "--require-hashes -r requirements/app.txt" in dockerfile


def test_the_image_gets_every_package_that_its_processes_import() -> None:
    allowed = set((ROOT / ".dockerignore").read_text().split())
    assert {"!config.py", "!requirements/app.txt"} <= allowed
    assert {f"!{name}" for name in ("deploy", "migrations", "models", "tasks", "web", "workers")} <= allowed
