"""What an operator installs: the systemd unit and the image's Dockerfile, as far as they can be read without running them."""

import re
import shutil
import subprocess

import pytest

from support.lambdapool import PROGRAMS, ROOT

UNIT = (ROOT / "deploy" / "lambdapool.service").read_text()
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()

with_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


@pytest.fixture(params=["lambdapool.service", "lambdapool@.service"])
def unit(request, tmp_path):
    """The unit under both of its names, with the programs of this build."""
    file = tmp_path / request.param
    file.write_text(UNIT.replace("/usr/bin/lambdapool", str(PROGRAMS / "lambdapool")))
    return file


def instance(file):
    return file.with_name(file.name.replace("@.", "@one."))


@with_systemd
def test_systemd_understands_all_of_the_unit(unit):
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", instance(unit)],
        capture_output=True,
        text=True,
        timeout=50,
    )

    # Of other units of this machine it may say more.
    about_it = [line for line in (verified.stdout + verified.stderr).splitlines() if "lambdapool" in line]
    assert not about_it


@with_systemd
def test_the_unit_is_rated_as_its_comment_says(unit):
    assert "keep it at 1.5 or less" in UNIT
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", instance(unit)],
        capture_output=True,
        text=True,
        timeout=50,
    )

    assert rated.returncode == 0, rated.stdout[-500:] + rated.stderr


def test_the_units_time_to_stop_is_longer_than_what_lambdapool_may_take():
    defaults = (ROOT / "configs" / "lambdapool.yml").read_text()

    def seconds(key):
        (found,) = re.findall(rf"^  {key}: (\d+)s$", defaults, re.MULTILINE)
        return int(found)

    (limit,) = re.findall(r"^TimeoutStopSec=(\d+)s$", UNIT, re.MULTILINE)
    assert int(limit) > seconds("grace") + seconds("shutdown_timeout")


def test_nothing_of_the_unit_is_named_after_one_instance():
    settings = [line for line in UNIT.splitlines() if re.match(r"\w+=", line)]

    assert not [line for line in settings if re.search(r"(%S|%t|/etc/lambdapool)/lambdapool|Directory=lambdapool", line)]
    # Without a name systemd gives all instances of a template one user.
    assert "User=lambdapool%i" in settings


def test_the_image_runs_as_a_user_with_a_number():
    """Kubernetes' runAsNonRoot refuses a name."""
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)

    assert users == ["999"]
    assert "--uid 999 " in DOCKERFILE


def test_no_build_of_the_tree_is_sent_to_docker():
    """By the file that docker reads with and without BuildKit: a build folder of another path would break cmake's."""
    assert "build" in (ROOT / ".dockerignore").read_text().splitlines()
    assert not (ROOT / "deploy" / "Dockerfile.dockerignore").exists()
