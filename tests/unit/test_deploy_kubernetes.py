"""deploy/kubernetes is what Kubernetes' own schemas allow, and says the same as the Procfile and compose."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from config import ROOT
from deploy.run.procfile import read_procfile

PLACE = ROOT / "deploy/kubernetes"
OVERLAYS = ("production", "trial")
VERSION = "1.37"
PROCFILE = read_procfile(ROOT / "Procfile")
FOREIGN = {"ServiceMonitor"}  # kinds that others define, of which there is no schema here
PODS = ("Deployment", "Job", "StatefulSet")
STOP_S = 15  # seconds that a web process takes at most when its DRAIN_SECONDS are over
Manifest = dict[str, Any]

in_each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@cache
def built(overlay: str) -> tuple[Manifest, ...]:
    """Everything that `kubectl apply -k` would send."""
    return tuple(yaml.safe_load_all(kustomized(PLACE / "overlays" / overlay)))


def kustomized(overlay: Path) -> str:
    kubectl = shutil.which("kubectl") or pytest.skip("no kubectl on this machine")
    words = [kubectl, "kustomize", str(overlay)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def of_kind(overlay: str, *kinds: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in built(overlay) if one["kind"] in kinds}


def pod_of(manifest: Manifest) -> Manifest:
    found: Manifest = manifest["spec"]["template"]["spec"]
    return found


def settings_of(overlay: str) -> dict[str, str]:
    (found,) = of_kind(overlay, "ConfigMap").values()
    told: dict[str, str] = found["data"]
    return told


def processes(overlay: str) -> dict[str, Manifest]:
    found = of_kind(overlay, "Deployment", "Job")
    return {name: one for name, one in found.items() if name in PROCFILE.commands}


def test_every_file_is_yaml_and_named_by_a_kustomization() -> None:
    for folder in (PLACE / "base", *(PLACE / "overlays" / name for name in OVERLAYS)):
        told = yaml.safe_load((folder / "kustomization.yaml").read_text())
        named = {one for one in told["resources"] if not one.startswith("../")}
        named |= {one["path"] for one in told.get("patches", ()) if "path" in one}
        assert named == {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    for path in (PLACE / "metrics").glob("*.yaml"):
        assert yaml.safe_load(path.read_text())


def test_every_manifest_is_as_its_schema_says() -> None:
    written = [
        one
        for path in PLACE.rglob("*.yaml")
        if "kustomization" not in path.name and "every-" not in path.name and "wait-" not in path.name
        for one in yaml.safe_load_all(path.read_text())
        if one.get("kind", "") not in {*FOREIGN, ""}
    ]
    assert len(written) > 20
    for manifest in written:
        kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_a_wrong_manifest_is_found() -> None:
    wrong = yaml.safe_load((PLACE / "base/account.yaml").read_text()) | {"automountServiceAccountTokn": False}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


@in_each_overlay
def test_what_is_applied_is_as_its_schema_says(overlay: str) -> None:
    for manifest in built(overlay):
        kubernetes_validate.validate(manifest, VERSION, strict=True)


@in_each_overlay
def test_every_process_of_the_procfile_runs_with_its_command(overlay: str) -> None:
    commands = {name: pod_of(one)["containers"][0]["command"][2] for name, one in processes(overlay).items()}
    assert commands == {name: f"exec {command}" for name, command in PROCFILE.commands.items()}


@in_each_overlay
def test_pods_may_nothing_and_write_nowhere_else(overlay: str) -> None:
    for name, manifest in of_kind(overlay, *PODS).items():
        pod = pod_of(manifest)
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["automountServiceAccountToken"] is False
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            said = container["securityContext"]
            assert said["capabilities"] == {"drop": ["ALL"]}, name
            assert said["allowPrivilegeEscalation"] is False
            assert said.get("readOnlyRootFilesystem", name == "postgres")
            assert {"requests", "limits"} <= set(container["resources"]), name


def test_every_process_has_the_shops_terms_once_the_overlay_has_them(tmp_path: Path) -> None:
    shutil.copytree(PLACE, tmp_path, dirs_exist_ok=True)
    place = tmp_path / "overlays/production"
    file = place / "kustomization.yaml"
    text, found = re.subn(
        r"^( +)# (- .*_FILE=.*|- name: legal .*|  files: .*)$", r"\1\2", file.read_text(), flags=re.M
    )
    assert found == 4
    file.write_text(text)
    for name in ("terms.txt", "privacy.txt"):
        (place / name).write_text("Whatever\n")
    manifests = [*yaml.safe_load_all(kustomized(place))]
    maps = {one["metadata"]["name"]: one["data"] for one in manifests if one["kind"] == "ConfigMap"}
    (legal,) = (name for name, data in maps.items() if set(data) == {"terms.txt", "privacy.txt"})
    (settings,) = (data for name, data in maps.items() if name != legal)
    assert (settings["TERMS_FILE"], settings["PRIVACY_FILE"]) == ("/legal/terms.txt", "/legal/privacy.txt")
    pods = [pod_of(one) for one in manifests if one["kind"] in PODS]
    for pod in pods:
        assert {"name": "legal", "configMap": {"name": legal, "optional": True}} in pod["volumes"]
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            assert {"name": "legal", "mountPath": "/legal", "readOnly": True} in container["volumeMounts"]
    assert len(pods) == len(PROCFILE.commands)


@in_each_overlay
def test_nobody_works_before_the_ledger_is_migrated(overlay: str) -> None:
    for name in PROCFILE.processes:
        (first,) = pod_of(processes(overlay)[name])["initContainers"]
        assert first["command"] == ["flask", "--app", "web", "ledger", "await-schema"]


@in_each_overlay
def test_secrets_are_named_and_never_told(overlay: str) -> None:
    assert not of_kind(overlay, "Secret")
    text = (ROOT / ".env.example").read_text()
    told = settings_of(overlay)
    assert set(told) <= set(re.findall(r"^#?([A-Z][A-Z_]*)=", text, flags=re.MULTILINE))
    secret = {name for name in told if re.search("SECRET|PASSWORD|TOKEN|_KEY|_URL", name)}
    assert secret - {"SHOP_URL"} == {"SANDBOX_WEBHOOK_URL"}


@in_each_overlay
def test_web_is_given_the_time_that_it_takes_to_leave(overlay: str) -> None:
    pod = pod_of(processes(overlay)["web"])
    drain_s = int(settings_of(overlay)["DRAIN_SECONDS"])
    probe = pod["containers"][0]["readinessProbe"]
    assert probe["httpGet"]["path"] == "/readyz"
    assert drain_s > probe["periodSeconds"] * probe["failureThreshold"]
    assert pod["terminationGracePeriodSeconds"] > drain_s + STOP_S
    assert pod["containers"][0]["livenessProbe"]["httpGet"]["path"] == "/healthz"


@in_each_overlay
def test_there_is_one_beat_and_never_two(overlay: str) -> None:
    said = processes(overlay)["beat"]["spec"]
    assert (said["replicas"], said["strategy"]) == (1, {"type": "Recreate"})


def test_who_is_several_has_a_budget_and_who_grows_says_no_number() -> None:
    budgets, scaled = (
        of_kind("production", kind) for kind in ("PodDisruptionBudget", "HorizontalPodAutoscaler")
    )
    assert set(budgets) == set(PROCFILE.processes) - {"beat"}
    for name, one in processes("production").items():
        if name in budgets:
            assert budgets[name]["spec"]["selector"] == one["spec"]["selector"]
            assert ("replicas" in one["spec"]) == (name not in scaled)


def test_workers_grow_with_the_age_of_the_lines_head() -> None:
    (figure,) = of_kind("production", "HorizontalPodAutoscaler")["worker"]["spec"]["metrics"]
    name = figure["external"]["metric"]["name"]
    (rule,) = yaml.safe_load((PLACE / "metrics/adapter-values.yaml").read_text())["rules"]["external"]
    assert rule["name"]["as"] == name
    assert rule["seriesQuery"].startswith(name)
    assert f"| `{name}` | gauge |" in (ROOT / "docs/metrics.md").read_text()


@in_each_overlay
def test_nobody_speaks_to_anybody_but_for_what_is_allowed(overlay: str) -> None:
    policies = of_kind(overlay, "NetworkPolicy")
    closed = policies["nobody"]["spec"]
    assert closed["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(closed)
    labels = closed["podSelector"]["matchLabels"].items()
    for one in processes(overlay).values():
        assert labels <= one["spec"]["template"]["metadata"]["labels"].items()
    ports = [rule["ports"][0]["port"] for rule in policies["to-web"]["spec"]["ingress"]]
    names = [port["name"] for port in pod_of(processes(overlay)["web"])["containers"][0]["ports"]]
    assert ports == names == ["http", "operators"]
