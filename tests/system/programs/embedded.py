"""What the embedding programs run: works, and tells whether Neap serves it where that must be."""
import os
import sys

sys.path.insert(0, os.environ["NEAP_PROGRAMS"])
sys.argv = getattr(sys, "argv", [""])

import witness  # noqa: E402
import work  # noqa: E402

if os.environ.get("NEAP_MUST_SERVE") == "1":
    witness.must_serve()
made = work.burst(10)
assert made[-1][1]["n"] == len(made) - 1 > 10000
del made
assert work.churn(2, rounds=2) == 2
