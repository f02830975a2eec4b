"""The worked example in docs/trie.md gives what it says."""

import doctest
from pathlib import Path

DOC = Path(__file__).resolve().parents[2] / "docs/trie.md"


def test_worked_example():
    failed, tried = doctest.testfile(str(DOC), module_relative=False, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert tried > 10 and failed == 0
