"""Runs the steps of one boot within the guest; started by init with the boot's name and its suite.

For each step a line of JSON goes to $RESULTS: {"step", "xml" (JUnit), "skipped", "failed", "kernel" (its
lines about what it ended)}. khugepaged is set to a quick pace, see guest_support.let_khugepaged_work.
"""
import json
import os
import re
import signal
import subprocess
import sys
import traceback
import xml.etree.ElementTree as ElementTree
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from scenarios import BOOTS, SETTINGS, SYSTEM_FILES, THP  # noqa: E402

FOUND, PRINTED = "/tmp/found.xml", "/tmp/printed"
PROGRAM_SECONDS, TESTS_SECONDS = 600, 1500
KERNEL_LINES = re.compile(r"segfault|general protection|trap |Out of memory|oom-kill|Killed process|BUG|WARNING", re.I)


def tell(**what):
    with open(os.environ["RESULTS"], "w") as results:
        results.write(json.dumps(what) + "\n")


def shell(command):
    """Exit status and output of a shell command."""
    done = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout.strip()


def kernel_lines():
    """What the kernel said of crashes and of processes it ended since the last time."""
    text = subprocess.run(["dmesg", "--read-clear"], stdout=subprocess.PIPE, text=True).stdout
    return [line for line in text.splitlines() if KERNEL_LINES.search(line)]


# ---- a setting -----------------------------------------------------------------

class NotMade(Exception):
    pass


def enter(setting, before):
    """Makes a setting and sees that it is in force; `before` gets what stood in the files."""
    for file, text in setting.writes.items():
        words = Path(file).read_text()
        before[file] = re.sub(r".*\[(.*)\].*", r"\1", words.strip())
        try:
            Path(file).write_text(text)
        except OSError as error:
            raise NotMade("%s: %s" % (file, error))
    for command in setting.start:
        status, output = shell(command)
        if status:
            raise NotMade("`%s` ended with %d: %s" % (command, status, output))
    if subprocess.run([*setting.through, "sh", "-c", setting.proof], stderr=subprocess.DEVNULL).returncode:
        raise NotMade("it is not in force: `%s` does not hold" % setting.proof)


def leave(setting, before):
    for command in setting.stop:
        shell(command)
    for file, text in before.items():
        Path(file).write_text(text)


# ---- tests ---------------------------------------------------------------------

def run_tests(through, words, **environment):
    """pytest on some files; returns the JUnit text, or None, and what it printed."""
    Path(FOUND).unlink(missing_ok=True)
    command = [*through, "/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short",
               "-o", "faulthandler_timeout=400", "--junitxml=" + FOUND, *words]
    environment = {**os.environ, "PYTHONPATH": "build/python", **environment}
    late = ""
    with open(PRINTED, "w") as printed:  # no pipe: what tests leave running would hold it open
        tests = subprocess.Popen(command, stdout=printed, stderr=printed, env=environment, start_new_session=True)
        try:
            tests.wait(TESTS_SECONDS)
        except subprocess.TimeoutExpired:
            late = "no end after %d s" % TESTS_SECONDS
            os.killpg(tests.pid, signal.SIGKILL)
    output = Path(PRINTED).read_text(errors="replace") + late
    return (Path(FOUND).read_text() if Path(FOUND).exists() and not late else None), output


def setting_step(name, tests):
    setting = SETTINGS[name]
    files = ["tests/guest/test_%s.py" % test for test in tests or setting.tests.split()]
    if shell(setting.needs)[0]:
        return {"skipped": setting.lacks}
    before = {}
    try:
        enter(setting, before)
        xml, output = run_tests(setting.through, files, GUEST_SETTING=name)
        if xml is None:
            return {"failed": output[-3000:]}
        return {"xml": with_units(xml, setting.units.split(), setting.through)}
    except NotMade as error:
        return {"failed": "the setting cannot be made: %s" % error}
    finally:
        leave(setting, before)


def system_tests(names):
    """The system tests that depend on the kernel, a file at a time: one that hangs takes no other along."""
    suites = ElementTree.Element("testsuites")
    for name in names or SYSTEM_FILES:
        xml, output = run_tests((), ["-n", "4", "--dist", "loadgroup", "tests/system/test_%s.py" % name],
                                NEAP_PYTHONS="/usr/bin/python3.11")
        if xml:
            suites.extend(ElementTree.fromstring(xml))
        else:
            suites.append(failed_suite("test_" + name, output))
    return suites


def failed_suite(name, output):
    suite = ElementTree.Element("testsuite", name=name)
    case = ElementTree.SubElement(suite, "testcase", classname=name, name="all")
    ElementTree.SubElement(case, "failure", message=plain(output).strip().split("\n")[-1]).text = plain(output)[-5000:]
    return suite


def plain(text):
    """Without what XML cannot hold."""
    return re.sub("[^\t\n -~]", "?", text)


# No kernel changes what these do, and they need libraries that a guest does not have.
WITHOUT_KERNEL = ("cast/format",)


def unit_program(module, noun, through):
    """One program as a JUnit case, as meson leaves it."""
    case = ElementTree.Element("testcase", name=noun, classname=module)
    program = "build/tests/unit/test_" + noun
    try:
        done = subprocess.run([*through, program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=PROGRAM_SECONDS)
        status, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        status, output = "none after %d s" % PROGRAM_SECONDS, late.stdout or b""
    text = plain(output.decode(errors="replace"))
    ElementTree.SubElement(case, "system-out").text = text
    if status:
        wrong = re.findall(r"ERROR.*?--- (.*)", text)
        ElementTree.SubElement(case, "failure", message="exit %s; %s" % (status, "; ".join(wrong)))
    return case


def unit_programs(modules, through=()):
    """All programs of some modules and of those within them, single ones (os/world), or all."""
    suite, tree = ElementTree.Element("testsuite", name="unit"), Path("tests/unit")
    for source in sorted(tree.glob("**/test_*.c")):
        module, noun = str(source.parent.relative_to(tree)), source.stem[len("test_"):]
        if module in WITHOUT_KERNEL:
            continue
        if not modules or any(("%s/%s/" % (module, noun)).startswith(name + "/") for name in modules):
            suite.append(unit_program(module, noun, through))
    return suite


def with_units(xml, modules, through):
    suites = ElementTree.fromstring(xml)
    if modules:
        suites.append(unit_programs(modules, through))
    return ElementTree.tostring(suites, encoding="unicode")


def run_step(step):
    """A step's report. Whatever goes wrong in it is told, and the next one runs."""
    try:
        return report_of(*step.split())
    except Exception:
        return {"failed": traceback.format_exc()}


def report_of(kind, *words):
    run = {"unit": unit_programs, "system": system_tests}.get(kind)
    return {"xml": ElementTree.tostring(run(words), encoding="unicode")} if run else setting_step(kind, words)


def prepare():
    """What a machine has that was started by a service manager, and khugepaged at a quick pace."""
    shell("ip link set lo up")
    for name, text in (("scan_sleep_millisecs", "200"), ("alloc_sleep_millisecs", "0"), ("pages_to_scan", "65536")):
        Path(THP + "khugepaged/" + name).write_text(text)
    kernel_lines()


def main(boot, only):
    prepare()
    os.environ.update(BOOTS[boot].variables, NEAP_TEST_EMULATED="1")
    tell(kernel=os.uname().release)
    for step in BOOTS[boot].steps:
        if not only or step in only:
            tell(begin=step)
            tell(**{"step": step, **run_step(step), "kernel": kernel_lines()})


main(sys.argv[1], sys.argv[2:])
