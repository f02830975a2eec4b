#!/usr/bin/env python3
"""What each mode of a heap, and other allocators, notice of the misuse in tests/misuse.

Each program of tests/misuse runs in each mode of Neap's heap, and, compiled to use malloc, under each
allocator that is found. The table says what happened:

    ends        the process was ended, by a message or a signal
    succeeds    the program found that the misuse had succeeded (its exit code is 1)
    warns       the program went on after a message
    -           the program went on

    bench/misuse.py                                  the table
    bench/misuse.py --write docs/hardening.md        put it between the marks of a document
"""
import argparse
import glob
import os
import resource
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "bench"))

from harness import peers  # noqa: E402

MODES = ("normal", "hardened", "checked")
ALLOCATORS = ("glibc", "jemalloc", "mimalloc", "mimalloc-secure", "scudo")
BEGIN, END = "<!-- misuse: written by bench/misuse.py -->", "<!-- misuse: end -->"
HARMLESS = {"no_misuse"}  # it shows that a mode is quiet, and is tested elsewhere
OURS = {"free_in_other_heap", "shared_double_free", "shared_free_of_libc_block", "free_of_libc_block"}
LIMIT_S = 60


def compiled(source, folder, build, uses_malloc):
    program = os.path.join(folder, os.path.basename(source)[:-2] + ("-malloc" if uses_malloc else ""))
    options = ["-DMISUSE_MALLOC", "-fno-builtin"] if uses_malloc else [
        "-I", os.path.join(ROOT, "include"), "-L", build, "-lneap", "-Wl,-rpath," + os.path.abspath(build)]
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-O1", "-w", "-o", program, source, *options], check=True)
    return program


def outcome(program, mode=None, preload=None):
    environment = {"PATH": os.environ["PATH"], "MIMALLOC_SHOW_ERRORS": "1", **({"LD_PRELOAD": preload} if preload else {})}
    try:
        ended = subprocess.run([program, *([mode] if mode else [])], env=environment, capture_output=True, text=True,
                               check=False, timeout=LIMIT_S,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
    except subprocess.TimeoutExpired:
        return "hangs"
    if ended.stdout != "misused\n" and ended.returncode == 0:
        return "?"
    return ("ends" if ended.returncode < 0 or ended.returncode > 1 else "succeeds" if ended.returncode else
            "warns" if ended.stderr else "-")


def found_allocators():
    """Name and library of each allocator that is here; None for glibc's own."""
    for name in ALLOCATORS:
        try:
            yield name, None if name == "glibc" else peers.library(name)
        except peers.Absent as absent:
            print("misuse: left out: %s: %s" % (name, absent), file=sys.stderr)


def table(build):
    allocators = list(found_allocators())
    lines = ["| misuse | Neap, normal | hardened | checked | " + " | ".join(name for name, _ in allocators) + " |",
             "|---" * (4 + len(allocators)) + "|"]
    with tempfile.TemporaryDirectory() as folder:
        for source in sorted(glob.glob(os.path.join(ROOT, "tests/misuse/*.c"))):
            name = os.path.basename(source)[:-2]
            if name in HARMLESS:
                continue
            program = compiled(source, folder, build, False)
            row = [outcome(program, mode) for mode in MODES]
            if name in OURS:
                row += [""] * len(allocators)
            else:
                program = compiled(source, folder, build, True)
                row += [outcome(program, preload=library) for _, library in allocators]
            lines.append("| %s | %s |" % (name.replace("_", " "), " | ".join(row)))
    return "\n".join(lines)


def write(path, text):
    with open(path, encoding="utf-8") as file:
        document = file.read()
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit("misuse: %s has not the two marks %s and %s" % (path, BEGIN, END))
    with open(path, "w", encoding="utf-8") as file:
        file.write("%s%s\n\n%s\n\n%s%s" % (before, BEGIN, text, END, after))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), metavar="FOLDER", help="where neap was built (build)")
    parser.add_argument("--write", metavar="FILE", help="put the table between the marks of a document")
    options = parser.parse_args()
    text = table(options.build)
    print(text)
    if options.write:
        write(options.write, text)


if __name__ == "__main__":
    main()
