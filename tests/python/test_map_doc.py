"""The examples in docs/map.md give what it says."""
import doctest
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "build/python/neap/_map.abi3.so").exists():
    pytest.skip("the package is built without its containers", allow_module_level=True)


def test_worked_example():
    failed, tried = doctest.testfile(str(ROOT / "docs/map.md"), module_relative=False)
    assert tried > 20 and failed == 0
