"""The URL of a Redis store, taken apart so that no part of it is shown that may be a password.

    redis://user:password@host:6379/0?name=words        rediss://...&ca=FILE
    unix://user:password@/run/redis.sock?db=0&name=words

What is wrong with a URL is said without any of its text, because a password with a slash or a
question mark in it makes all parts after it look like others.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote

PORT = 6379
PARTS = re.compile(r"(?P<scheme>[a-z]+)://(?:(?P<login>[^/?#]*)@)?(?P<place>[^/?#@]*)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?")
PLACE = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]*)(?::(?P<port>[0-9]{1,5}))?")
OPTIONS = {"redis": ("name",), "rediss": ("name", "ca"), "unix": ("name", "db")}
DATABASES = 1 << 16


def _wrong(what: str) -> ValueError:
    return ValueError(f"the URL of a Redis store: {what}")


@dataclass(frozen=True)
class StoreUrl:
    scheme: str
    host: str = ""
    port: int = PORT
    path: str = ""  # of a Unix socket
    db: int = 0
    name: str = "map"
    ca: str | None = None  # a file of certificates
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """For errors: without user and password."""
        if self.scheme == "unix":
            place, db = quote(self.path), f"?db={self.db}" if self.db else ""
        else:
            place, db = f"[{self.host}]" if ":" in self.host else self.host, f"/{self.db}" if self.db else ""
            place += f":{self.port}"
        name = "" if self.name == "map" else f"{'&' if '?' in db else '?'}name={quote(self.name)}"
        return f"{self.scheme}://{place}{db}{name}"


def _database(text: str) -> int:
    if not re.fullmatch("[0-9]{0,5}", text) or int(text or 0) >= DATABASES:
        raise _wrong("the database is not a number; '/', '?', '#', '@' and '%' of a password are written as "
                     "%2F, %3F, %23, %40 and %25")
    return int(text or 0)


def _options(scheme: str, query: str | None) -> dict[str, str]:
    known, options = OPTIONS[scheme], {}
    for name, value in parse_qsl(query or "", keep_blank_values=True):
        if name not in known:
            shown = f"no option '{name}'" if re.fullmatch("[a-z_]{1,20}", name) else "an option that is none"
            raise _wrong(f"{shown}; there {'are' if len(known) > 1 else 'is'} {' and '.join(known)}")
        if not value or "\0" in value:
            raise _wrong(f"the option {name} has no value")
        options[name] = value
    return options


def store_url(url: str) -> StoreUrl:
    """Takes a URL apart; ValueError if it is not one."""
    parts = PARTS.fullmatch(url)
    if not parts or parts["scheme"] not in OPTIONS:
        raise _wrong("it is not of the form redis://[user:password@]host[:port][/db][?name=NAME]; '/', '?', '#', '@' "
                     "and '%' of a password are written as %2F, %3F, %23, %40 and %25")
    scheme, options = parts["scheme"], _options(parts["scheme"], parts["query"])
    user, colon, password = (unquote(text) for text in (parts["login"] or "").partition(":"))
    about = {"name": options.get("name", "map"), "user": user or None, "password": password or None}
    if scheme == "unix":
        if parts["place"] or not (parts["path"] or "/").strip("/"):
            raise _wrong("unix:// needs the whole path of a socket, as in unix:///run/redis.sock")
        return StoreUrl(scheme, path=unquote(parts["path"]), db=_database(options.get("db", "")), **about)
    place = PLACE.fullmatch(parts["place"])
    if not place or not 0 < int(place["port"] or PORT) < 1 << 16:
        raise _wrong("host or port is none; '/', '?', '#', '@' and '%' of a password are written as "
                     "%2F, %3F, %23, %40 and %25")
    return StoreUrl(scheme, place["host"].strip("[]") or "localhost", int(place["port"] or PORT),
                    db=_database((parts["path"] or "/")[1:]), ca=options.get("ca"), **about)
