"""The Python package's tests share the interpreters and helpers of the system tests."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "system"))
