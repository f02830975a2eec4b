"""The Python package's tests share the interpreters and helpers of the system tests, and import the package as it
was built, here and in the processes that they start."""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "system"))

from support import BUILD

PACKAGES = str(BUILD / "python")
sys.path.insert(0, PACKAGES)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [PACKAGES, os.environ.get("PYTHONPATH")]))
