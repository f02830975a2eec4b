"""Compiling regular expressions and using each a little: the start of tools that build their
lexers and routers from tables."""
import re

import workload

PATTERNS = [
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?:T(?P<hour>\d\d):(?P<minute>\d\d))?",
    r"^/(?:api|v%d)/(?P<kind>users|orders|items)/(?P<id>[0-9a-f]{8,32})(?:/(?P<sub>\w+))?/?$",
    r"(?i)\b(?:error|warn(?:ing)?|fatal)\b[^:]*:\s*(.{1,200}?)(?:\s+at\s+line\s+(\d+))?$",
    r"[A-Za-z0-9._%%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,%d}",
    r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?::\d{1,5})?",
    r"(?x) (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?) | (?P<name>[^\W\d]\w*) | (?P<op>[-+*/=<>]{1,2})",
    r"<(?P<tag>[a-z][a-z0-9]*)\b(?:\s+[a-z-]+=(?:\"[^\"]*\"|'[^']*'))*\s*/?>",
    r"(?P<q>['\"])(?:(?!(?P=q)|\\).|\\.)*(?P=q)",
]
SAMPLES = ["2024-03-04T10:20", "/api/users/0123456789abcdef/posts", "Warning: low at line 12",
           "first.last@mail.example.org", "192.168.10.254:8080", "x1 = 3.5e-7 * yy",
           '<a href="b" class=\'c\'>', r'"a \"quoted\" string"']


def work(state, number):
    re.purge()
    compiled, found = [], 0
    for variant in range(4):
        for pattern, sample in zip(PATTERNS, SAMPLES):
            text = pattern.replace("%d", str(variant + 3)).replace("%%", "%")
            compiled.append(re.compile("%s(?:;v%d)?" % (text, variant)))
            match = compiled[-1].search(sample)
            found += match is not None and len(match.groups()) == compiled[-1].groups
    return found


def check(state, number, found):
    return found == 4 * len(PATTERNS)


if __name__ == "__main__":
    workload.main(work, check, rounds=390)
