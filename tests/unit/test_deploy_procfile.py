"""What a Procfile may say, and how many processes follow from it."""

from pathlib import Path

import pytest

from deploy.run.procfile import Procfile, ProcfileError, parse_procfile, parse_scale, read_procfile, specs_of

ROOT = Path(__file__).resolve().parents[2]


def test_comments_and_blank_lines_are_skipped() -> None:
    text = '# processes\n\nrelease: flask release\nweb: gunicorn --bind :$PORT "web:create_app()"\n'
    assert parse_procfile(text) == {
        "release": "flask release",
        "web": 'gunicorn --bind :$PORT "web:create_app()"',
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("web gunicorn", "line 1 is not"),
        ("web:", "line 1 is not"),
        ("web: a\nweb: b", "line 2 names web a second time"),
        ("web: a && b", "joins commands"),
        ("web: a; b", "joins commands"),
        ("web: a | b", "joins commands"),
        ("web: a > file", "joins commands"),
        ('web: echo "open', "open quote"),
    ],
)
def test_a_line_that_cannot_be_run_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ProcfileError, match=complaint):
        parse_procfile(text)


def test_quoted_operators_do_not_join_commands() -> None:
    assert parse_procfile("""web: python -c 'print(1); print("a|b")'""")


def test_a_scale_counts_processes_by_name() -> None:
    assert parse_scale("web=1, worker=4,") == {"web": 1, "worker": 4}
    assert parse_scale("") == {}


@pytest.mark.parametrize("text", ["web", "web=", "web=many", "web=-1"])
def test_a_malformed_scale_is_refused(text: str) -> None:
    with pytest.raises(ProcfileError, match="web=1,worker=4"):
        parse_scale(text)


def test_each_process_has_one_instance_unless_scaled_and_release_is_none_of_them() -> None:
    procfile = Procfile(ROOT, {"release": "r", "web": "w", "worker": "k", "beat": "b"})
    labels = [spec.label for spec in specs_of(procfile, {"worker": 3, "beat": 0})]
    assert labels == ["web.1", "worker.1", "worker.2", "worker.3"]


def test_a_scale_of_an_unknown_process_is_refused() -> None:
    with pytest.raises(ProcfileError, match="names wroker; the Procfile has worker"):
        specs_of(Procfile(ROOT, {"worker": "k"}), {"wroker": 2})


def test_the_projects_own_procfile_is_understood() -> None:
    procfile = read_procfile(ROOT / "Procfile")
    assert procfile.release == "flask --app web release"
    assert list(procfile.processes) == ["web", "worker", "background", "payments", "beat"]


def test_a_missing_procfile_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProcfileError, match="No such file"):
        read_procfile(tmp_path / "Procfile")
