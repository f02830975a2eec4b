"""The settings are stated once, in src/base/setting.c: what people read of them says the same.

`neap help settings` is made from that table, and so is here what the pages are held against.
"""
import re
import subprocess

from support import HERE, NEAP

ROOT = HERE.parent.parent

SETTING = re.compile(
    r"^(?P<variable>NEAP_\w+)=(?P<value>\w+)\n(?P<help>(?:    .*\n)+?)(?:    from (?P<bounds>.+)\n)?"
    r"    default: (?P<default>[^;\n]+)(?:; option: (?P<option>.+))?$", re.MULTILINE)


def table():
    text = subprocess.run([NEAP, "help", "settings"], capture_output=True, text=True, check=True).stdout
    return {match["variable"]: match.groupdict() for match in SETTING.finditer(text)}


def test_all_are_found():
    text = subprocess.run([NEAP, "help", "settings"], capture_output=True, text=True, check=True).stdout
    assert list(table()) == re.findall(r"^(NEAP_\w+)=", text, re.MULTILINE) and len(table()) >= 7
    assert max(map(len, text.splitlines())) <= 80


def test_the_page():
    rows = re.findall(r"^\| `(NEAP_\w+)` \| (.+?) \| (.+?) \| (.+) \|$", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    settings = table()
    assert [row[0] for row in rows] == list(settings)
    for variable, default, option, text in rows:
        setting = settings[variable]
        assert default == setting["default"], variable
        assert option == ("`%s`" % setting["option"] if setting["option"] else "–"), variable
        if setting["bounds"]:
            assert setting["bounds"] in text, variable
        else:
            assert text.startswith("`%s`: " % setting["value"]), variable


def test_the_manual_page():
    text = re.search(r"^\.SH ENVIRONMENT\n(.*?)^\.SH", (ROOT / "docs/neap.1").read_text(), re.MULTILINE | re.DOTALL)[1]
    found = re.findall(r"^\.BI? (NEAP_\w+)=\s?(\w+)$", text, re.MULTILINE)
    assert found == [(name, "n" if setting["bounds"] else setting["value"]) for name, setting in table().items()]


def test_options_of_run_and_of_the_package():
    options = re.findall(r"^ +(--\S+)(?: ([A-Z]+))?  ", subprocess.run(
        [NEAP, "run", "--help"], capture_output=True, text=True, check=True).stdout, re.MULTILINE)
    stated = [tuple((setting["option"] + " ").split(" ")[:2]) for setting in table().values() if setting["option"]]
    assert [option for option in options if option[0] not in ("--help", "--dry-run")] == stated
    package = (ROOT / "python/neap/__main__.py").read_text()
    assert set(re.findall(r'"(--[a-z]+)"', re.search(r"TAKES_VALUE = \{(.*)\}", package)[1])) == {
        option for option, argument in stated if argument}
