"""The layer test: the tree is as ARCHITECTURE.md says.

Run by pytest. The arrows are read from the very table in ARCHITECTURE.md, under
the heading "The arrows": one row a module, and in its second cell, in backticks,
the modules (or single headers) it may include. Each rule is a function from a
tree to a list of complaints; the tests below plant a violation of each into a
small tree of their own and see that it is found, then hold the rules against
the real tree.
"""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)
TABLE_ROW = re.compile(r"^\|\s*`([\w/]+)`\s*\|([^|]*)\|", re.MULTILINE)
# A function at the start of a line, up to its opening brace or semicolon.
FUNCTION = re.compile(r"^(?!static|typedef|extern|return)[A-Za-z_][\w\s\*]*?\b(\w+)\([^;{}]*\)[\w\s\(\)]*[;{]", re.MULTILINE)
STATIC_FUNCTION = re.compile(r"^static\b[^;={}]*?\b(\w+)\([^;{}]*\)\s*\{", re.MULTILINE)
TYPE = re.compile(r"^(?:typedef )?(?:struct|union|enum) (\w+) \{", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)

# Headers that speak to the kernel: the module os alone includes them.
SYSTEM_HEADERS = re.compile(r"^(sys/(mman|uio|syscall|ptrace)\.h|linux/.*)$")
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
# One a folder by nature.
COMMON_NAMES = {"meson.build", "__init__.py", "__main__.py", "conftest.py", "README.md"}


def arrows(root):
    """The table of ARCHITECTURE.md: {module: set of modules and headers it may include}."""
    text = (root / "ARCHITECTURE.md").read_text()
    section = re.search(r"^## The arrows\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, "ARCHITECTURE.md has no section 'The arrows'"
    table = {module: set(re.findall(r"`([^`]+)`", cell)) for module, cell in TABLE_ROW.findall(section[1])}
    assert table, "the section 'The arrows' has no table"
    return table


def sources(root):
    return sorted(p for top in ("src", "include") for p in (root / top).rglob("*.[ch]"))


def module_of(root, path):
    """`heap` for src/heap/slab.c, `containers/map` for src/containers/map/map.c, `neap` for a public header."""
    parts = path.relative_to(root).parts
    if parts[0] == "include":
        return "neap"
    return "/".join(parts[1:-1]) if len(parts) > 2 else parts[-1]


def target_of(root, path, name):
    """The file of the tree that an include means, or None for a system header."""
    for folder in (path.parent, root / "src", root / "include"):
        if (folder / name).is_file():
            return (folder / name).resolve()
    return None


def includes(root, path):
    for name in INCLUDE.findall(path.read_text()):
        yield name, target_of(root, path, name)


def complain_arrows(root):
    """Includes that follow no arrow of the table."""
    table, complaints = arrows(root), []
    for path in sources(root):
        module = module_of(root, path)
        if module != "neap" and module not in table:
            complaints.append(f"{path.relative_to(root)}: the table has no module {module}")
            continue
        for name, target in includes(root, path):
            if target is None or (to := module_of(root, target)) in (module, "neap"):
                continue
            header = "/".join(target.relative_to(root).parts[1:])
            if module == "neap" or not {to, header} & table[module]:
                complaints.append(f"{path.relative_to(root)}: includes {name}, and no arrow leads from {module} to {to}")
    return complaints


def complain_circles(graph):
    """One complaint for each node of `graph`, {node: nodes}, that reaches itself."""

    def reaches(start):
        seen, todo = set(), list(graph.get(start, ()))
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo.extend(graph.get(node, ()))
        return seen

    return [f"{node}: in a circle" for node in sorted(graph) if node in reaches(node)]


def complain_module_circles(root):
    """Circles between modules, by the table."""
    return complain_circles({module: {to.rsplit("/", 1)[0] if to.endswith(".h") else to for to in tos} for module, tos in arrows(root).items()})


def complain_file_circles(root):
    """Headers that include each other."""
    graph = {p.resolve(): {t for _, t in includes(root, p) if t} for p in sources(root)}
    return complain_circles({str(p.relative_to(root)): {str(t.relative_to(root)) for t in ts} for p, ts in graph.items()})


def complain_names_of_files(root):
    """Two files of one name, a source of noun.h in another module included."""
    found = {}
    for path in root.rglob("*.*"):
        parts = path.relative_to(root).parts
        if path.suffix in (".c", ".h", ".py", ".pyi") and not parts[0].startswith((".", "build")):
            found.setdefault(path.name, []).append("/".join(parts))
    return [
        f"{name}: {' and '.join(sorted(paths))}"
        for name, paths in sorted(found.items())
        if len(paths) > 1 and name not in COMMON_NAMES
    ]


def complain_names_of_types(root):
    """Two structs, unions or enums of one name, in headers."""
    found = {}
    for path in sources(root):
        if path.suffix == ".h":
            for tag in TYPE.findall(path.read_text()):
                found.setdefault(tag, []).append(str(path.relative_to(root)))
    return [f"{tag}: in {' and '.join(paths)}" for tag, paths in sorted(found.items()) if len(paths) > 1]


def is_named_well(name, module):
    """Whether a function seen outside its file may be called so."""
    if module == "hook" and not name.startswith("neap"):
        return True  # stands in for a function of the system or of CPython, under its name
    if module == "cli":
        return name == "main" or name.startswith("cli_")  # a program's own, in no library
    return name.startswith(("neap_", "neap__"))


def complain_names_of_functions(root):
    """Functions whose name tells wrongly who may call them."""
    complaints = []
    for path in sources(root):
        text, where = COMMENT.sub("", path.read_text()), path.relative_to(root)
        complaints += [
            f"{where}: {name} is seen outside the file and not named neap_<noun>_<verb>"
            for name in FUNCTION.findall(text)
            if not is_named_well(name, module_of(root, path)) and name != "__attribute__"
        ]
        if path.suffix == ".c":
            complaints += [
                f"{where}: {name} is static and named as if it were not"
                for name in STATIC_FUNCTION.findall(text)
                if name.startswith("neap_")
            ]
    return complaints


def complain_system_headers(root):
    """Modules other than os that speak to the kernel themselves."""
    return [
        f"{path.relative_to(root)}: <{name}> is for the module os alone"
        for path in sources(root)
        if module_of(root, path) != "os"
        for name, target in includes(root, path)
        if target is None and SYSTEM_HEADERS.match(name)
    ]


def complain_lengths(root):
    """Files and functions that do not fit where they are read."""
    complaints = []
    for path in sources(root):
        lines, where, start = path.read_text().splitlines(), path.relative_to(root), 0
        if len(lines) > FILE_LINES_MAX:
            complaints.append(f"{where}: {len(lines)} lines, {FILE_LINES_MAX} at most")
        for number, line in enumerate(lines, 1):
            if re.match(r"\w.*\)\s*\{$", line) or re.match(r"\s+.*\)\s*\{$", line) and not start:
                start = start or number
            elif line == "}":
                if start and number - start >= FUNCTION_LINES_MAX:
                    complaints.append(f"{where}:{start}: a function of {number - start + 1} lines")
                start = 0
    return complaints


RULES = [
    complain_arrows,
    complain_module_circles,
    complain_file_circles,
    complain_names_of_files,
    complain_names_of_types,
    complain_names_of_functions,
    complain_system_headers,
    complain_lengths,
]

TABLE = "## The arrows\n| module | may include |\n|---|---|\n| `base` | nothing |\n| `os` | `base` |\n| `hook` | `os/page.h` |\n"
GOOD = {
    "ARCHITECTURE.md": TABLE,
    "include/neap/thing.h": "int neap_thing_count(void);\n",
    "src/base/words.h": "struct neap_page {\n    int n;\n};\nint neap_words_count(int of);\n",
    "src/os/page.h": '#include "base/words.h"\n#include <sys/mman.h>\n',
    "src/os/page.c": "#include <neap/thing.h>\nstatic int twice(int n) {\n    return 2 * n;\n}\n",
    "src/hook/start.c": '#include "os/page.h"\nint fork(void) {\n    return 0;\n}\n',
}
PLANTED = [
    (complain_arrows, "src/base/up.c", '#include "os/page.h"\n'),
    (complain_arrows, "src/hook/far.c", '#include "base/words.h"\n'),
    (complain_arrows, "src/attic/new.c", "\n"),
    (complain_arrows, "include/neap/leak.h", '#include "base/words.h"\n'),
    (complain_module_circles, "ARCHITECTURE.md", TABLE.replace("| nothing |", "| `hook` |")),
    (complain_file_circles, "src/base/words.h", '#include "os/page.h"\n'),
    (complain_names_of_files, "tests/words.h", "\n"),
    (complain_names_of_types, "src/os/twice.h", "struct neap_page {\n    int n;\n};\n"),
    (complain_names_of_functions, "src/os/loud.c", "int count_all(int n) {\n    return n;\n}\n"),
    (complain_names_of_functions, "src/os/loud.h", "void *\ncount_all(int n, int m);\n"),
    (complain_names_of_functions, "src/os/shy.c", "static int neap_page_count(void) {\n    return 0;\n}\n"),
    (complain_system_headers, "src/hook/maps.c", "#include <sys/mman.h>\n"),
    (complain_lengths, "src/os/long.c", "int neap_long(void) {\n" + "\n" * FUNCTION_LINES_MAX + "}\n"),
    (complain_lengths, "src/os/broad.c", "\n" * (FILE_LINES_MAX + 1)),
]


def plant(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize("rule", RULES)
def test_rule_is_content_with_a_good_tree(rule, tmp_path):
    plant(tmp_path, GOOD)
    assert rule(tmp_path) == []


@pytest.mark.parametrize("rule, name, text", PLANTED)
def test_rule_finds_what_was_planted(rule, name, text, tmp_path):
    plant(tmp_path, {**GOOD, name: text})
    assert len(rule(tmp_path)) >= 1


def test_every_rule_has_been_seen_to_fail():
    assert Counter(rule for rule, _, _ in PLANTED).keys() == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_tree(rule):
    complaints = rule(ROOT)
    assert not complaints, "\n" + "\n".join(complaints)
