"""The same small site three ways, as NEAP_SITE says: flask, django, or WSGI by hand.

/burst takes some 20 MiB for the length of a request, /cached keeps a little for
good, /pid names the worker.
"""
import json
import os

import work

CACHE = {}


def burst():
    made = work.burst(20)
    return {"count": len(made), "sum": sum(entry["n"] for _, entry in made), "pid": os.getpid()}


def cached(number):
    CACHE.setdefault(number, work.mixed(number, 50))
    return {"digest": work.digest(CACHE[number]), "pid": os.getpid()}


def plain_site(environ, start_response):
    path = environ["PATH_INFO"]
    answer = burst() if path == "/burst" else cached(int(path.rsplit("/", 1)[1])) if "/cached/" in path else {
        "pid": os.getpid()}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]


def make_flask_site():
    import flask
    site = flask.Flask(__name__)
    site.add_url_rule("/burst", "burst", burst)
    site.add_url_rule("/cached/<int:number>", "cached", cached)
    site.add_url_rule("/pid", "pid", lambda: {"pid": os.getpid()})
    return site


def make_django_site():
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import JsonResponse
    from django.template import Context, Engine
    from django.urls import path

    def answer(make):
        def view(request, **arguments):
            made = make(**arguments)
            page = Engine().from_string("{% for key, value in made.items %}{{ key }}={{ value }} {% endfor %}")
            assert "pid=%d" % os.getpid() in page.render(Context({"made": made}))
            return JsonResponse(made)
        return view

    class Urls:
        urlpatterns = [path("burst", answer(burst)), path("cached/<int:number>", answer(cached)),
                       path("pid", answer(lambda: {"pid": os.getpid()}))]

    settings.configure(ROOT_URLCONF=Urls, ALLOWED_HOSTS=["*"], SECRET_KEY="for a test", USE_TZ=True)
    django.setup()
    return get_wsgi_application()


if os.environ.get("NEAP_SITE") == "flask":
    site = make_flask_site()
elif os.environ.get("NEAP_SITE") == "django":
    site = make_django_site()
else:
    site = plain_site
application = site
