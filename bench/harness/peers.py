"""Who is compared: allocators ("peers") and Pythons, each found or left out by name.

A peer is a way to start a Python: words in front of the command, and environment variables.
The first peer is always CPython's own allocator; ratios are to it.
"""
import glob
import os
import subprocess

NAMES = ("cpython", "neap", "mimalloc", "jemalloc", "tcmalloc", "glibc")
ON_REQUEST = ("neap-env", "neap-no-mesh", "neap-hardened", "own-mimalloc", "jemalloc-tuned", "mimalloc-secure", "scudo")
LIBRARIES = {
    "mimalloc": ("libmimalloc.so.2", "libmimalloc.so.2.*", "libmimalloc.so"),
    "jemalloc": ("libjemalloc.so.2",),
    "jemalloc-tuned": ("libjemalloc.so.2",),
    "mimalloc-secure": ("libmimalloc-secure.so.2", "libmimalloc-secure.so"),
    "scudo": ("clang/*/lib/linux/libclang_rt.scudo_standalone-x86_64.so",),
    "tcmalloc": ("libtcmalloc_minimal.so.4", "libtcmalloc_minimal.so"),
}
# The thread that its TUNING.md suggests, and the decay times of the example there for little memory.
TUNED = {"MALLOC_CONF": "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0"}
FOLDERS = ("/usr/lib/*-linux-gnu*", "/usr/lib", "/usr/lib64", "/usr/local/lib",
           "/usr/local/lib/mimalloc-*", "/usr/lib/llvm-*/lib")
VERSIONS = ("3.11", "3.13")
# What would change the allocator or the modules behind our back.
CLEARED = ("LD_PRELOAD", "PYTHONMALLOC", "PYTHONMALLOCSTATS", "PYTHONPATH", "PYTHONHOME",
           "PYTHONSTARTUP", "PYTHONDEVMODE", "PYTHONOPTIMIZE", "PYTHONGIL", "MALLOC_CONF")

PROGRAMS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "programs")


class Absent(Exception):
    """A peer or a Python that is not here; the text says why."""


class Peer:
    def __init__(self, name, front=(), variables=None, about=""):
        self.name, self.front, self.variables = name, list(front), dict(variables or {})
        self.about = about
        self.refused = {}  # label of a Python -> why this peer does not run it

    def command(self, python, words):
        return self.front + [python.path] + list(words)

    def environment(self):
        """The same for all peers but for what makes the peer. NEAP_... settings pass through."""
        chosen = {name: value for name, value in os.environ.items() if name not in CLEARED}
        chosen.update(PYTHONPATH=PROGRAMS, PYTHONHASHSEED="0", PYTHONNOUSERSITE="1")
        chosen.update(self.variables)
        return chosen


class Python:
    def __init__(self, path):
        self.path = path
        asked = subprocess.run(
            [path, "-c", "import sys, platform; print(platform.python_version(), sys.maxsize)"],
            capture_output=True, text=True, env=Peer("cpython").environment(), check=False)
        if asked.returncode:
            raise Absent("does not start")
        version, largest = asked.stdout.split()
        bits = "" if int(largest) > 2 ** 32 else ", 32 bit"
        debian = " (Debian)" if path.startswith("/usr/bin/") else ""
        self.label = version + debian + bits
        self.minor = ".".join(version.split(".")[:2])


def library(name):
    for pattern in LIBRARIES[name]:
        for folder in FOLDERS:
            for path in sorted(glob.glob(os.path.join(folder, pattern))):
                return path
    raise Absent("no %s on this system" % LIBRARIES[name][0])


def neap(build, name):
    """By its command, as a user starts it; by its environment alone, as a child inherits it."""
    tool = os.path.join(build, "neap")
    preload = os.path.join(build, "libneap-preload.so")
    if name == "neap-env":
        if not os.path.exists(preload):
            raise Absent("%s is not built" % os.path.basename(preload))
        return Peer("neap-env", variables={"LD_PRELOAD": preload})
    if not os.path.exists(tool):
        raise Absent("build/neap is not built: ./dev build")
    options = {"neap-no-mesh": ["--no-mesh"], "neap-hardened": ["--harden"]}.get(name, [])
    return Peer(name, front=[tool, "run", *options, "--"])


def find_peer(name, build):
    """The peer of that name; raises Absent, or ValueError for a name nobody knows."""
    if name == "cpython":
        return Peer(name, about="CPython's own allocator")
    if name in ("neap", "neap-env", "neap-no-mesh", "neap-hardened"):
        return neap(build, name)
    if name == "glibc":
        return Peer(name, variables={"PYTHONMALLOC": "malloc"})
    if name == "own-mimalloc":
        return Peer(name, variables={"PYTHONMALLOC": "mimalloc"})
    if name not in LIBRARIES:
        raise ValueError(name)
    path = library(name)
    tuned = TUNED if name == "jemalloc-tuned" else {}
    return Peer(name, variables={"LD_PRELOAD": path, "PYTHONMALLOC": "malloc", **tuned},
                about=os.path.basename(os.path.realpath(path)))


def refuses(peer, python):
    """Why the peer does not run this Python, None if it does: started once, silently."""
    tried = subprocess.run(peer.command(python, ["-c", "import probe, workload"]),
                           env=peer.environment(), capture_output=True, text=True, check=False)
    if tried.returncode == 0 and not tried.stderr:
        return None
    return (tried.stderr.strip().splitlines() or ["exits with %d" % tried.returncode])[0]


def installed_pythons():
    """Paths of every Python of VERSIONS that the system or pyenv has, Debian's first."""
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    for version in VERSIONS:
        patterns = ["/usr/bin/python" + version, "/usr/local/bin/python" + version,
                    os.path.join(root, "versions", version + ".*", "bin", "python" + version)]
        for pattern in patterns:
            yield from sorted(glob.glob(pattern))


def find_python(wish):
    """A Python by path or by version (3.13, 3.8.18)."""
    if os.path.sep in wish:
        if not os.access(wish, os.X_OK):
            raise Absent("no program of that name")
        return Python(os.path.abspath(wish))
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    minor = ".".join(wish.split(".")[:2])
    tail = "" if wish.count(".") > 1 else ".*"
    places = ["/usr/bin/python" + wish, "/usr/local/bin/python" + wish,
              os.path.join(root, "versions", wish + tail, "bin", "python" + minor)]
    for place in places:
        for path in sorted(glob.glob(place)):
            return Python(path)
    raise Absent("no Python of that version found")
