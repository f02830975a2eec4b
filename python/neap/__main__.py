"""python3 -m neap [options] (SCRIPT | -m MODULE | -c CODE) [ARGUMENT ...]

Runs a program on Neap's heap, with this interpreter and its flags, as python3
itself would run it. The options are those of `neap run`.
"""

import os
import shutil
import sys

# Options of `neap run` whose value is the next word. `neap run` itself checks the value.
TAKES_VALUE = {"--decay", "--limit", "--reserve"}


def find_tool():
    """Path of the program `neap`: in a folder above the package (build or prefix), or else on PATH."""
    folder = os.path.dirname(os.path.realpath(__file__))
    while folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
        for place in (folder, os.path.join(folder, "bin")):
            tool = os.path.join(place, "neap")
            if os.path.isfile(tool) and os.access(tool, os.X_OK):
                return tool
    return shutil.which("neap")


def split_options(words):
    """(options of `neap run`, the program and its arguments)"""
    at = 0
    while at < len(words) and words[at].startswith("--") and words[at] != "--":
        at += 2 if words[at] in TAKES_VALUE else 1
    options = words[:at]
    return options, words[at + 1 :] if words[at : at + 1] == ["--"] else words[at:]


def interpreter_flags(words, arguments):
    """The flags in front of `-m neap` in an interpreter's command line `words`, which ends in `arguments`."""
    flags = words[1 : len(words) - len(arguments)]
    last = flags.pop()
    if "m" not in last or not last.startswith("-"):  # "-m neap", the module's name on its own
        last = flags.pop()
    letters = last[: last.index("m")]  # of "-m", "-mneap", "-Bm"
    return flags + ([letters] if letters != "-" else [])


def main():
    options, program = split_options(sys.argv[1:])
    tool = find_tool()
    if tool is None:
        sys.exit("neap: the program `neap` is missing, above the package and on PATH: install Neap again")
    if "--help" in options:
        print(__doc__, flush=True)
        os.execv(tool, [tool, "run", "--help"])
    if not program:
        print("neap: no program to run: give one, like `python3 -m neap app.py`", file=sys.stderr)
        sys.exit(2)
    flags = interpreter_flags(sys.orig_argv, sys.argv[1:])
    os.execv(tool, [tool, "run", *options, "--", sys.executable, *flags, *program])


if __name__ == "__main__":
    main()
