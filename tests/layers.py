"""The layer test: the tree is as ARCHITECTURE.md says, and what it does not name is denied.

Run by pytest. The table under the heading "The arrows" in ARCHITECTURE.md has one row a module: in
backticks, the modules (or single headers) it may include, the public headers, and the headers of other
libraries and of the system; a * stands for all. Every C file of the tree is held against a row. Each rule
is a function from a tree to a list of complaints; the tests below plant a violation of each into a small
tree of their own and see that it is found, then hold the rules against the real tree.
"""

import re
from collections import Counter, namedtuple
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)
TABLE_ROW = re.compile(r"^\|\s*`([\w/]+)`\s*\|([^|]*)\|([^|]*)\|([^|]*)\|", re.MULTILINE)
# A function at the start of a line, up to its opening brace or semicolon.
FUNCTION = re.compile(r"^(?!static|typedef|extern|return)[A-Za-z_][\w\s\*]*?\b(\w+)\([^;{}]*\)[\w\s\(\)]*[;{]", re.MULTILINE)
INLINE_FUNCTION = re.compile(r"^static inline\b[^;={}]*?\b(\w+)\([^;{}]*\)\s*\{", re.MULTILINE)
STATIC_FUNCTION = re.compile(r"^static\b[^;={}]*?\b(\w+)\([^;{}]*\)\s*\{", re.MULTILINE)
TYPE = re.compile(r"^(?:typedef )?(?:struct|union|enum) (\w+) \{", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
TEXT = re.compile(r'"(?:\\.|[^"\\\n])*"')

# Headers of standard C that do not speak to the system: nobody needs a permission for them.
STANDARD_HEADERS = {
    f"{name}.h"
    for name in "assert ctype errno float inttypes limits math stdarg stdatomic stdbool stddef stdint stdio stdlib "
    "string time".split()
}
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
# One a folder by nature.
COMMON_NAMES = {"meson.build", "__init__.py", "__main__.py", "conftest.py", "README.md"}

# Whose headers are those of one extension module each: their types need no prefix.
PRIVATE_TYPES = {"python/neap"}

Row = namedtuple("Row", "modules public other")


# ---- the tree -------------------------------------------------------------------


@lru_cache(maxsize=None)
def text_of(path, _stamp):
    text = path.read_text()
    return text, COMMENT.sub("", text)


def text(path):
    """As it stands."""
    return text_of(path, path.stat().st_mtime_ns)[0]


def code(path):
    """Without its comments."""
    return text_of(path, path.stat().st_mtime_ns)[1]


def table_of(root):
    """The table of ARCHITECTURE.md: {module: Row}."""
    section = re.search(r"^## The arrows\n(.*?)(?=^## |\Z)", text(root / "ARCHITECTURE.md"), re.MULTILINE | re.DOTALL)
    assert section, "ARCHITECTURE.md has no section 'The arrows'"
    table = {
        module: Row(*(set(re.findall(r"`([^`]+)`", cell)) for cell in cells))
        for module, *cells in TABLE_ROW.findall(section[1])
    }
    assert table, "the section 'The arrows' has no table"
    return table


def files(root, *suffixes):
    """All files of the tree with one of these suffixes; what was built and what is hidden is not of it."""
    return sorted(
        path
        for top in root.iterdir()
        if not top.name.startswith((".", "build"))
        for path in (top.rglob("*") if top.is_dir() else [top])
        if path.suffix in suffixes and "__pycache__" not in path.parts and path.is_file()
    )


def sources(root):
    return files(root, ".c", ".h")


def module_of(root, path):
    """`heap` for src/heap/slab.c, `containers/map` for src/containers/map/map.c and its tests; else the
    folder: `include/neap`, `python/neap`, `bench`, `examples`, `tests`."""
    parts = path.relative_to(root).parts
    if parts[0] == "src":
        return "/".join(parts[1:-1])
    if parts[:2] == ("tests", "unit"):
        return "/".join(parts[2:-1])
    return "/".join(parts[:2]) if parts[0] in ("include", "python") else parts[0]


def is_test(root, path):
    return path.relative_to(root).parts[0] == "tests"


def ours(root):
    """The C files of the product, not of its tests."""
    return [path for path in sources(root) if not is_test(root, path)]


def target_of(root, path, name):
    """The file of the tree that an include means, or None for another library's header."""
    for folder in (path.parent, root / "src", root / "include"):
        if (folder / name).is_file():
            return (folder / name).resolve()
    return None


def includes(root, path):
    for name in INCLUDE.findall(text(path)):
        yield name, target_of(root, path, name)


def header_name(root, path):
    """As the table writes it: `thing.h` of the public ones, `os/page.h` of a module."""
    parts = path.relative_to(root).parts
    return "/".join(parts[2:] if parts[0] == "include" else parts[1:])


def may(permitted, *names):
    return "*" in permitted or bool(permitted & set(names))


# ---- arrows -----------------------------------------------------------------------


def complain_rows(root):
    """C files that belong to no row, and rows without a file."""
    table = table_of(root)
    homes = {path: module_of(root, path) for path in sources(root)}
    return [f"{path.relative_to(root)}: the table has no row {home}" for path, home in homes.items() if home not in table] + [
        f"ARCHITECTURE.md: the row {module} has no file" for module in table if module not in homes.values()
    ]


def may_reach(root, row, module, target):
    """Whether the row of `module` permits the header `target` of the tree."""
    to = module_of(root, target)
    if to == module:
        return True
    if to == "include/neap":
        return may(row.public, header_name(root, target))
    return may(row.modules, to, header_name(root, target))


def complain_arrows(root):
    """Includes of the tree's own headers, public ones too, that follow no arrow of the table."""
    table, complaints = table_of(root), []
    for path in sources(root):
        module = module_of(root, path)
        for name, target in includes(root, path) if module in table else ():
            if target and not may_reach(root, table[module], module, target) and not (
                is_test(root, path) and module_of(root, target) == "include/neap"
            ):
                complaints.append(f"{path.relative_to(root)}: includes {name}, and no arrow leads there from {module}")
    return complaints


def complain_other_headers(root):
    """Headers of other libraries and of the system that no row permits."""
    table = table_of(root)
    return [
        f"{path.relative_to(root)}: <{name}> is not for {module_of(root, path)}"
        for path in ours(root)
        if (row := table.get(module_of(root, path)))
        for name, target in includes(root, path)
        if target is None and name not in STANDARD_HEADERS and not may(row.other, name)
    ]


def declared(root):
    """Where each function of the libraries is declared: {name: header}."""
    found = {}
    for path in ours(root):
        if path.suffix == ".h":
            for name in FUNCTION.findall(code(path)) + INLINE_FUNCTION.findall(code(path)):
                if name.startswith(("neap_", "cli_", "cast_")):
                    found[name] = path
    return found


def uses(root):
    """(file, function, header that declares it) for every function of another module that a file names."""
    headers = declared(root)
    for path in ours(root):
        for name in set(re.findall(r"\b(?:neap|cli|cast)_\w+", TEXT.sub("", code(path)))) & headers.keys():
            if module_of(root, headers[name]) != module_of(root, path):
                yield path, name, headers[name]


def complain_uses(root):
    """Calls of functions whose header came along with another, and that follow no arrow."""
    table = table_of(root)
    return [
        f"{path.relative_to(root)}: names {name} of {module_of(root, header)}, and no arrow leads there"
        for path, name, header in uses(root)
        if (row := table.get(module_of(root, path))) and not may_reach(root, row, module_of(root, path), header)
    ]


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
    """Circles between modules: by the table, and by who calls public functions that another one defines."""
    graph = {
        module: {to.rsplit("/", 1)[0] if to.endswith(".h") else to for to in row.modules - {"*"}}
        for module, row in table_of(root).items()
    }
    homes = {
        name: module_of(root, path)
        for path in ours(root)
        if path.suffix == ".c"
        for name in FUNCTION.findall(code(path))
    }
    for path, name, header in uses(root):
        if module_of(root, header) == "include/neap" and homes.get(name, (home := module_of(root, path))) != home:
            graph.setdefault(home, set()).add(homes[name])
    return complain_circles(graph)


def complain_file_circles(root):
    """Headers that include each other."""
    graph = {p.resolve(): {t for _, t in includes(root, p) if t} for p in sources(root)}
    return complain_circles({str(p.relative_to(root)): {str(t.relative_to(root)) for t in ts} for p, ts in graph.items()})


# ---- names ------------------------------------------------------------------------


def complain_names_of_files(root):
    """Two files of one name, a source of noun.h in another module included."""
    found = {}
    for path in files(root, ".c", ".h", ".py", ".pyi"):
        found.setdefault(path.name, []).append(str(path.relative_to(root)))
    return [
        f"{name}: {' and '.join(sorted(paths))}"
        for name, paths in sorted(found.items())
        if len(paths) > 1 and name not in COMMON_NAMES
    ]


def complain_names_of_types(root):
    """Two structs, unions or enums of one name in headers, and names that tell wrongly whose they are."""
    found, complaints = {}, []
    for path in ours(root):
        for tag in TYPE.findall(code(path)) if path.suffix == ".h" else ():
            found.setdefault(tag, []).append(str(path.relative_to(root)))
            if not is_named_well(root, path, tag) and module_of(root, path) not in PRIVATE_TYPES:
                complaints.append(f"{path.relative_to(root)}: the type {tag} is seen outside the file and not named for it")
    return complaints + [f"{tag}: in {' and '.join(paths)}" for tag, paths in sorted(found.items()) if len(paths) > 1]


def is_named_well(root, path, name):
    """Whether a function or type seen outside its file may be called so."""
    module = module_of(root, path)
    if module == "hook" and not name.startswith("neap"):
        return True  # stands in for a function of the system or of CPython, under its name
    if module == "cli" or module.startswith("cast/"):
        return name == "main" or name.startswith(module.split("/")[0] + "_")  # a program's own, in no library
    if module == "python/neap":
        return name.startswith(("neap__", "PyInit_"))  # shared between the files of one extension module
    if module in ("bench", "examples"):
        return name == "main"
    return name.startswith(("neap_", "neap__"))


def complain_names_of_functions(root):
    """Functions whose name tells wrongly who may call them."""
    complaints = []
    for path in ours(root):
        where = path.relative_to(root)
        complaints += [
            f"{where}: {name} is seen outside the file and its name does not say whose it is"
            for name in FUNCTION.findall(code(path))
            if not is_named_well(root, path, name) and name != "__attribute__"
        ]
        if path.suffix == ".c":
            complaints += [
                f"{where}: {name} is static and named as if it were not"
                for name in STATIC_FUNCTION.findall(code(path))
                if name.startswith("neap_")
            ]
    return complaints


# ---- lengths ----------------------------------------------------------------------


def complain_file_lengths(root):
    """Files that are too long to be read: of the product."""
    return [
        f"{path.relative_to(root)}: {lines} lines, {FILE_LINES_MAX} at most"
        for path in ours(root) + [p for p in files(root, ".py") if module_of(root, p) == "python/neap"]
        if (lines := len(text(path).splitlines())) > FILE_LINES_MAX
    ]


def complain_function_lengths(root):
    """Functions in C that do not fit a screen: of the tests too."""
    complaints = []
    for path in sources(root):
        start = 0
        for number, line in enumerate(text(path).splitlines(), 1):
            if re.match(r"\w.*\)\s*\{$", line) or re.match(r"\s+.*\)\s*\{$", line) and not start:
                start = start or number
            elif line == "}":
                if start and number - start >= FUNCTION_LINES_MAX:
                    complaints.append(f"{path.relative_to(root)}:{start}: a function of {number - start + 1} lines")
                start = 0
    return complaints


# ---- tests --------------------------------------------------------------------------


def listed(root, name):
    """What a meson.build has in quotation marks, by the key in front of it: {key: names}."""
    found = {}
    if (root / name).is_file():
        for key, names in re.findall(r"'([\w/]+)': (\[[^]]*\]|'[\w/]+')", text(root / name)):
            found[key] = re.findall(r"'([\w/]+)'", names)
    return found


def complain_forgotten_tests(root):
    """Tests and fuzz targets that no meson.build names: they would not run."""
    units, targets, folder = listed(root, "tests/unit/meson.build"), listed(root, "tests/fuzz/meson.build"), root / "tests"
    return [
        f"{path.relative_to(root)}: tests/unit/meson.build does not name it"
        for path in sorted(folder.glob("unit/**/test_*.c"))
        if path.stem[len("test_"):] not in units.get(module_of(root, path), ())
    ] + [
        f"{path.relative_to(root)}: tests/fuzz/meson.build does not name it"
        for path in sorted(folder.glob("fuzz/fuzz_*.c"))
        if path.stem[len("fuzz_"):] not in targets
    ]


# ---- one dialect ------------------------------------------------------------------

DIALECT = {
    r"== NULL\b": "a pointer is tested by !p",
    r"!= NULL (?:&&|\|\||\?)|(?:&&|\|\|) [\w.>\[\]()-]+ != NULL\b|\b(?:if|while) \([^()]+ != NULL\)": "a pointer is tested by p",
    r"\bsizeof [\w*&]": "it is sizeof(x)",
}


def complain_dialect(root):
    """Two ways to write one thing, where CONTRIBUTING.md has one."""
    return [
        f"{path.relative_to(root)}:{number}: {what}"
        for path in sources(root)
        for number, line in enumerate(code(path).splitlines(), 1)
        for pattern, what in DIALECT.items()
        if re.search(pattern, line)
    ]


RULES = [
    complain_rows,
    complain_arrows,
    complain_other_headers,
    complain_uses,
    complain_module_circles,
    complain_file_circles,
    complain_names_of_files,
    complain_names_of_types,
    complain_names_of_functions,
    complain_file_lengths,
    complain_function_lengths,
    complain_dialect,
    complain_forgotten_tests,
]

# ---- a small tree, and what is planted in it ----------------------------------------

TABLE = """## The arrows
| module | may include | public headers | other headers | what it is |
|---|---|---|---|---|
| `include/neap` | – | `*` | – | |
| `base` | – | `error.h` | – | |
| `os` | `base` | `error.h` | `*` | |
| `heap` | `base` `os` | `heap.h` | – | |
| `hook` | `os/page.h` | – | – | |
| `report` | – | – | – | |
| `inspect/process` | `base` `os` | – | – | |
| `containers/map` | `os` | `map.h` | – | |
| `cli` | `inspect/process` | – | – | |
| `python/neap` | – | `*` | `Python.h` | |
| `tests` | `*` | `*` | `*` | |
"""
LONG = "void %s(void) {\n" + "\n" * 200 + "}\n"
GOOD = {
    "ARCHITECTURE.md": TABLE,
    "include/neap/error.h": "int neap_error_number(void);\n",
    "include/neap/heap.h": "#include <neap/error.h>\nint neap_heap_count(void);\n",
    "include/neap/map.h": "int neap_map_count(void);\n",
    "include/neap/stream.h": "int neap_stream_count(void);\n",
    "src/base/words.h": "#include <neap/error.h>\nstruct neap_page {\n    int n;\n};\nint neap_words_count(int of);\n",
    "src/os/page.h": '#include "base/words.h"\n#include <sys/mman.h>\nint neap_os_page(void);\n',
    "src/os/page.c": "#include <neap/error.h>\n/* never NULL == NULL */\nstatic int twice(int *n) {\n    return n != NULL;\n}\n",
    "src/heap/slab.c": "#include <neap/heap.h>\nint neap_heap_count(void) {\n    return 1;\n}\n",
    "src/hook/start.c": '#include "os/page.h"\nint fork(void) {\n    return neap_os_page();\n}\n',
    "src/report/chart.c": "#include <stdio.h>\n",
    "src/inspect/process/image.h": '#include "os/page.h"\n',
    "src/containers/map/map.c": "#include <neap/map.h>\n#include <string.h>\n",
    "src/cli/main.c": '#include "inspect/process/image.h"\nint main(void) {\n    return 0;\n}\n',
    "python/neap/extension.h": "#include <Python.h>\nint neap__extension_ready(void);\n",
    "python/neap/extension.c": '#include "extension.h"\n#include <neap/map.h>\n',
    "tests/unit/meson.build": "unit_tests = {\n  'os': ['page', 'long'],\n}\n",
    "tests/fuzz/meson.build": "fuzz_modules = {\n  'page': 'os',\n}\n",
    "tests/unit/os/test_page.c": '#include <cmocka.h>\n#include "os/page.h"\n#include "base/words.h"\n',
    "tests/fuzz/fuzz_page.c": '#include "os/page.h"\n#include <unistd.h>\n',
}
PLANTED = [
    (complain_rows, "src/attic/new.c", "\n"),
    (complain_rows, "src/loose.c", "\n"),
    (complain_rows, "src/containers/set/set.c", "\n"),
    (complain_rows, "tools/dig.c", "\n"),
    (complain_rows, "tests/unit/attic/test_new.c", "\n"),
    (complain_rows, "ARCHITECTURE.md", TABLE + "| `gone` | – | – | – | |\n"),
    (complain_arrows, "src/base/up.c", '#include "os/page.h"\n'),
    (complain_arrows, "src/hook/far.c", '#include "base/words.h"\n'),
    (complain_arrows, "include/neap/leak.h", '#include "base/words.h"\n'),
    (complain_arrows, "src/base/use.c", "#include <neap/heap.h>\n"),
    (complain_arrows, "src/containers/map/own.c", "#include <neap/heap.h>\n"),
    (complain_arrows, "src/inspect/process/size.c", "#include <neap/map.h>\n"),
    (complain_arrows, "src/os/send.c", "#include <neap/stream.h>\n"),
    (complain_arrows, "python/neap/deep.c", '#include "../../src/os/page.h"\n'),
    (complain_arrows, "tests/unit/base/test_words.c", '#include "os/page.h"\n'),
    (complain_other_headers, "src/hook/maps.c", "#include <sys/mman.h>\n"),
    (complain_other_headers, "src/hook/limit.c", "#include <sys/resource.h>\n"),
    (complain_other_headers, "src/report/wide.c", "#include <sys/ioctl.h>\n"),
    (complain_other_headers, "src/inspect/process/file.c", "#include <fcntl.h>\n"),
    (complain_other_headers, "src/inspect/process/kind.c", "#include <sys/stat.h>\n"),
    (complain_other_headers, "src/cli/open.c", "#include <fcntl.h>\n"),
    (complain_other_headers, "src/cli/kind.c", "#include <sys/stat.h>\n"),
    (complain_other_headers, "src/heap/wait.c", "#include <linux/futex.h>\n"),
    (complain_other_headers, "python/neap/poll.c", "#include <poll.h>\n"),
    (complain_uses, "src/cli/deep.c", '#include "inspect/process/image.h"\nstatic int page(void) {\n    return neap_os_page();\n}\n'),
    (complain_uses, "src/os/lean.c", "static int count(void) {\n    return neap_heap_count();\n}\n"),
    (complain_module_circles, "ARCHITECTURE.md", TABLE.replace("| `base` | –", "| `base` | `hook`")),
    (complain_module_circles, "src/os/lean.c", "static int count(void) {\n    return neap_heap_count();\n}\n"),
    (complain_file_circles, "src/base/words.h", '#include "os/page.h"\n'),
    (complain_names_of_files, "tests/fuzz/words.h", "\n"),
    (complain_names_of_types, "src/os/twice.h", "struct neap_page {\n    int n;\n};\n"),
    (complain_names_of_types, "src/os/bare.h", "struct page {\n    int n;\n};\n"),
    (complain_names_of_functions, "src/os/loud.c", "int count_all(int n) {\n    return n;\n}\n"),
    (complain_names_of_functions, "src/os/loud.h", "void *\ncount_all(int n, int m);\n"),
    (complain_names_of_functions, "src/os/shy.c", "static int neap_page_count(void) {\n    return 0;\n}\n"),
    (complain_names_of_functions, "python/neap/loud.c", "int count_all(int n) {\n    return n;\n}\n"),
    (complain_file_lengths, "src/os/broad.c", "\n" * (FILE_LINES_MAX + 1)),
    (complain_file_lengths, "python/neap/broad.py", "\n" * (FILE_LINES_MAX + 1)),
    (complain_function_lengths, "src/os/long.c", "int neap_long(void) {\n" + "\n" * FUNCTION_LINES_MAX + "}\n"),
    (complain_function_lengths, "python/neap/long.c", LONG % "neap__long"),
    (complain_function_lengths, "tests/unit/os/test_long.c", LONG % "test_long"),
    (complain_forgotten_tests, "tests/unit/os/test_new.c", "\n"),
    (complain_forgotten_tests, "tests/unit/heap/test_page.c", "\n"),
    (complain_forgotten_tests, "tests/fuzz/fuzz_new.c", "\n"),
    (complain_dialect, "src/os/null.c", "static int none(void *p) {\n    return p == NULL;\n}\n"),
    (complain_dialect, "src/os/null.c", "static int some(void *p) {\n    if (p != NULL)\n        return 1;\n}\n"),
    (complain_dialect, "src/os/null.c", "static int some(void *p, int n) {\n    return n && p->q != NULL;\n}\n"),
    (complain_dialect, "python/neap/size.c", "static unsigned long size(int n) {\n    return sizeof n;\n}\n"),
]


def plant(root, planted):
    for name, content in planted.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


@pytest.mark.parametrize("rule", RULES)
def test_rule_is_content_with_a_good_tree(rule, tmp_path):
    plant(tmp_path, GOOD)
    assert rule(tmp_path) == []


@pytest.mark.parametrize("rule, name, content", PLANTED)
def test_rule_finds_what_was_planted(rule, name, content, tmp_path):
    plant(tmp_path, {**GOOD, name: content})
    assert len(rule(tmp_path)) >= 1


def test_every_rule_has_been_seen_to_fail():
    assert Counter(rule for rule, _, _ in PLANTED).keys() == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_tree(rule):
    complaints = rule(ROOT)
    assert not complaints, "\n" + "\n".join(complaints)
