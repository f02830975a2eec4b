"""Writes files as constant strings of a C source.

    embed.py OUTPUT NAME=FILE ...      const char neap__asset_NAME[] = "..."
"""
import re
import sys


def literal(text):
    """`text` as C string literals, one a line of the source."""
    for begin in range(0, len(text), 96):
        # Three octal digits end by themselves: what follows cannot join them.
        yield '"%s"' % "".join(
            chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else "\\%03o" % byte
            for byte in text[begin : begin + 96]
        )


def without_source_map(text):
    """A page is one file: the map beside the original would not be found."""
    return re.sub(rb"(//# sourceMappingURL=\S*|/\*# sourceMappingURL=\S* \*/)\s*$", b"", text)


def main(output, *assets):
    with open(output, "w", encoding="ascii") as out:
        out.write('#include "report/assets.h"\n')
        for asset in assets:
            name, path = asset.split("=", 1)
            with open(path, "rb") as file:
                text = without_source_map(file.read())
            if b"\0" in text:
                sys.exit(f"embed.py: {path}: holds a zero byte and cannot be a string")
            out.write(f"const char neap__asset_{name}[] =\n")
            out.writelines(line + "\n" for line in literal(text))
            out.write(";\n" if text else '"";\n')


main(*sys.argv[1:])
