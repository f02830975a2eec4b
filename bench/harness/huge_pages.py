"""The system's setting of transparent huge pages, changed for a while and put back."""
import contextlib

PATH = "/sys/kernel/mm/transparent_hugepage/enabled"
MODES = ("always", "madvise", "never")


def current():
    """The mode in force; None where the kernel has no huge pages."""
    try:
        with open(PATH, encoding="ascii") as file:
            return file.read().split("[")[1].split("]")[0]
    except (OSError, IndexError):
        return None


@contextlib.contextmanager
def mode(wanted):
    """Within, the mode is `wanted`. OSError where it may not be set."""
    before = current()
    if wanted == before:
        yield
        return
    with open(PATH, "w", encoding="ascii") as file:
        file.write(wanted)
    try:
        yield
    finally:
        with open(PATH, "w", encoding="ascii") as file:
            file.write(before)


def settable(wanted):
    """Whether the mode is in force or can be set here."""
    try:
        with mode(wanted):
            return current() == wanted
    except OSError:
        return False
