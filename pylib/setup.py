"""Adds to an installation what pyproject.toml cannot say: a line that puts the folder of our luna3 onto sys.path.

Not into site-packages, where its files would replace those of VisionLabs' own luna3.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithPath(build_py):
    """Writes the .pth file beside the package."""

    def run(self) -> None:
        super().run()
        Path(self.build_lib).mkdir(parents=True, exist_ok=True)
        Path(self.build_lib, "luna_lambda_tools_luna3.pth").write_text("luna_lambda_tools/fallback\n")


setup(cmdclass={"build_py": BuildWithPath})
