"""The files of a deployment: they parse, name what is there, run as nobody special, and hold no secret."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tidegate.service.keys import ALL_NAMES
from tidegate.service.restarts import FINAL_CODES, RestartPolicy
from tidegate.values.time import SECOND_NS, parse_duration

pytestmark = [pytest.mark.req("F1"), pytest.mark.req("F3")]

DEPLOY = ROOT / "deploy"
UNITS = sorted(path.name for path in DEPLOY.glob("tidegate*.*") if path.suffix in {".service", ".timer"})
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
PAGE = (ROOT / "docs" / "deployment.md").read_text()
TOOL = shutil.which("systemd-analyze")
with_systemd = pytest.mark.skipif(TOOL is None, reason="systemd-analyze is not on this machine; the units are not verified")


def lines(name: str) -> list[tuple[str, str]]:
    """The settings of a unit, in order."""
    pairs = [line.partition("=") for line in (DEPLOY / name).read_text().splitlines() if "=" in line and not line.startswith("#")]
    return [(key, value) for key, _, value in pairs]


def setting(name: str, key: str) -> str:
    (value,) = [found for known, found in lines(name) if known == key]
    return value


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return read


def instructions() -> list[tuple[str, str]]:
    """The Containerfile's instructions, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", (DEPLOY / "Containerfile").read_text())
    pairs = [line.partition(" ") for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, _, rest in pairs]


@with_systemd
def test_systemd_reads_every_unit(tmp_path: Path) -> None:
    assert TOOL is not None
    for name in UNITS:  # the program itself is not at its place on this machine
        text = (DEPLOY / name).read_text()
        (tmp_path / name).write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text))
    done = subprocess.run([TOOL, "verify", *(str(tmp_path / name) for name in UNITS)], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "tidegate" in line]
    assert ours == []


@with_systemd
def test_systemd_finds_the_trader_little_exposed() -> None:
    assert TOOL is not None
    command = [TOOL, "security", "--offline=yes", "--no-pager", "--threshold=20", str(DEPLOY / "tidegate.service")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Unknown" in done.stderr or "unrecognized" in done.stderr:
        pytest.skip("this systemd-analyze cannot judge a file")
    assert done.returncode == 0, done.stdout[-200:]


def test_the_unit_runs_as_its_own_user_and_is_not_restarted_after_a_refusal() -> None:
    assert setting("tidegate.service", "User") == "tidegate"
    assert {int(code) for code in setting("tidegate.service", "RestartPreventExitStatus").split()} == set(FINAL_CODES)
    assert setting("tidegate.service", "Restart") == "on-failure"
    assert all(setting(name, "User") not in {"root", "0"} for name in UNITS if name.endswith(".service"))


def test_whoever_stops_the_service_waits_longer_than_the_supervisor_does() -> None:
    longest_ns = 2 * RestartPolicy().stop_ns  # two children, one after the other
    assert parse_duration(setting("tidegate.service", "TimeoutStopSec")) > longest_ns
    assert parse_duration(compose()["services"]["trader"]["stop_grace_period"]) > longest_ns
    assert longest_ns > SECOND_NS


def test_credentials_have_the_names_that_are_looked_for() -> None:
    loaded = [value.partition(":")[0] for key, value in lines("tidegate.service") if key == "LoadCredential"]
    assert loaded
    assert set(loaded) <= set(ALL_NAMES)
    assert set(compose()["services"]["trader"]["secrets"]) <= set(ALL_NAMES)
    known = set(compose()["secrets"])
    assert all(set(service["secrets"]) <= known for service in compose()["services"].values())


def test_the_image_copies_what_is_there_and_runs_as_a_user_without_rights() -> None:
    copied = [part for word, rest in instructions() if word == "COPY" and "--from" not in rest for part in shlex.split(rest)[:-1]]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert [name for name in copied if not any(Path(name).match(keep) for keep in kept)] == []
    users = [rest for word, rest in instructions() if word == "USER"]
    assert users == ["10001:10001"]
    words = [word for word, _ in instructions()]
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert "EXPOSE" not in words
    assert [rest for word, rest in instructions() if word == "ENTRYPOINT"] == ['["tidegate"]']


def test_the_driver_of_postgresql_is_taken_from_the_lock_with_its_hashes() -> None:
    (command,) = [rest for word, rest in instructions() if word == "RUN" and "awk" in rest]
    program = command.split("awk ")[1].split(" > ")[0]
    taken = subprocess.run(["sh", "-c", f"awk {program}"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^([a-z-]+)==", taken, re.MULTILINE) == ["psycopg", "psycopg-binary"]
    assert taken.count("--hash=sha256:") > 2
    assert "hatchling==" in (ROOT / "requirements" / "runtime.lock").read_text()  # what builds without isolation


def test_services_are_confined_and_publish_no_port() -> None:
    for service in compose()["services"].values():
        assert service["user"].split(":")[0] not in {"0", "root"}
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "ports" not in service
        assert "privileged" not in service
    assert compose()["services"]["ledger"]["profiles"] == ["postgres"]
    assert compose()["networks"]["inside"] == {"internal": True}
    assert compose()["services"]["ledger"]["networks"] == ["inside"]


def test_what_compose_names_is_there_or_is_the_users_to_give() -> None:
    trader = compose()["services"]["trader"]
    assert (DEPLOY / trader["build"]["context"] / trader["build"]["dockerfile"]).is_file()
    theirs = [secret["file"] for secret in compose()["secrets"].values()]
    theirs += [volume.split(":")[0] for volume in trader["volumes"] if volume.startswith("./")]
    ignored = (ROOT / ".gitignore").read_text()
    assert all(name.startswith("./keys/") or name == "./config.yaml" for name in theirs)
    assert "/deploy/keys/" in ignored
    assert "/deploy/config.yaml" in ignored
    volumes = [volume.split(":")[0] for service in compose()["services"].values() for volume in service["volumes"]]
    assert {name for name in volumes if not name.startswith(".")} == set(compose()["volumes"])


SECRET = re.compile(r"\b(PK|AK)[A-Z0-9]{10,}|(password|secret|api_key)\s*[:=]\s*[\"']?[A-Za-z0-9+][A-Za-z0-9+/]{7,}", re.IGNORECASE)


@pytest.mark.req("E1")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_secret_stands_in_a_file(path: Path) -> None:
    assert SECRET.search(path.read_text()) is None


def test_the_rule_catches_a_secret() -> None:
    for text in ("key: PKABCDEFGHIJ12", "POSTGRES_PASSWORD: hunter2hunter2", 'api_secret="abcdefgh12345678"'):
        assert SECRET.search(text) is not None, text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_is_explained_in_the_manual(path: Path) -> None:
    assert f"deploy/{path.name}" in PAGE or path.stem == "tidegate-health"


def test_the_units_verbs_exist_or_are_told_of_in_the_manual() -> None:
    for name in UNITS:
        if name.endswith(".service"):
            verb = setting(name, "ExecStart").split()[1]
            assert f"tidegate {verb}" in PAGE


def test_the_steps_put_everything_where_the_service_looks_for_it() -> None:
    steps = PAGE.partition("## systemd")[2].partition("\n## ")[0]
    configuration = re.search(r"--config (\S+)", setting("tidegate.service", "ExecStart"))
    assert configuration is not None
    assert re.search(rf"install -m 0644 \S+ {configuration[1]}\n", steps), "the configuration is never put there"
    assert "install -d -m 0755 /etc/tidegate\n" in steps, "a folder that the service's user cannot enter hides the configuration"
    assert re.search(r"pip install (?!-)\w", steps) is None, "nothing of this name is installed from an index"
    for key, value in lines("tidegate.service"):
        if key == "LoadCredential":
            assert value.partition(":")[2] in steps


def test_the_steps_of_the_container_make_what_its_file_mounts() -> None:
    steps = PAGE.partition("## Container")[2].partition("**The ledger on PostgreSQL**")[0]
    mounted = [volume.split(":")[0] for volume in compose()["services"]["trader"]["volumes"] if volume.startswith("./")]
    secrets = [compose()["secrets"][name]["file"] for name in compose()["services"]["trader"]["secrets"]]
    assert [path for path in (*mounted, *secrets) if f"deploy/{path.removeprefix('./')}" not in steps] == []
