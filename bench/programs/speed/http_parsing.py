"""HTTP requests taken apart and put together: request lines, headers, cookies, query strings
and urls, the short-lived objects of every web server."""
import email.parser
import http.cookies
import random
import urllib.parse

import workload


def make_request(source, number):
    query = urllib.parse.urlencode({"q": "caf\u00e9 %d" % number, "page": source.randrange(90),
                                    "sort": "a&b", "x": "y" * source.randrange(40)})
    cookies = "; ".join("c%d=%08x" % (item, source.randrange(2 ** 32))
                        for item in range(source.randrange(5)))
    headers = ["Host: shop%d.example.org:8080" % source.randrange(20), "Accept: text/html, */*",
               "User-Agent: Browser/%d.0 (%s)" % (number, "z" * source.randrange(90)),
               "X-Request-Id: %032x" % source.randrange(2 ** 128), "Cookie: " + cookies]
    return "GET /path/%d/item?%s HTTP/1.1\r\n%s\r\n\r\n" % (number, query, "\r\n".join(headers))


def prepare():
    source = random.Random(22)
    return {"requests": [make_request(source, number) for number in range(150)]}


def answer(request):
    line, rest = request.split("\r\n", 1)
    method, target, version = line.split(" ")
    headers = email.parser.HeaderParser().parsestr(rest)
    url = urllib.parse.urlsplit(urllib.parse.urljoin("http://" + headers["Host"], target))
    query = urllib.parse.parse_qs(url.query)
    cookies = http.cookies.SimpleCookie(headers["Cookie"])
    body = "%s %s %s" % (query["q"][0], url.port, ",".join(sorted(cookies)))
    fields = {"Content-Length": str(len(body.encode())), "X-Request-Id": headers["x-request-id"]}
    head = "".join("%s: %s\r\n" % field for field in fields.items())
    return "%s 200 OK\r\n%s\r\n%s" % (version, head, body)


def work(state, number):
    return [answer(request) for request in state["requests"]]


def check(state, number, answers):
    return all(text.startswith("HTTP/1.1 200 OK\r\n") and "caf\u00e9 %d 8080" % at in text
               for at, text in enumerate(answers))


if __name__ == "__main__":
    workload.main(work, check, rounds=160, prepare=prepare)
