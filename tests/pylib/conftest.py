"""Tests of the Python library alone: no worker program, no supervisor."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PYLIB = HERE.parents[1] / "pylib"
sys.path[:0] = [str(PYLIB), str(HERE)]
sys.path.append(str(PYLIB / "luna_lambda_tools" / "fallback"))

from fake_channel import HostedLambda  # noqa: E402


@pytest.fixture
def hosted(tmp_path):
    """A folder for one lambda."""
    return HostedLambda(tmp_path)
