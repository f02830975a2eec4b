/* cast/server/status_page.c: one page of HTML, light and dark, at most some kilobytes. */
#include "cast/server/status_page.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <neap/version.h>

#include "cast/format/url.h"
#include "cast/server/loop.h"
#include "report/markup.h"

static const char page_begin[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>On air</title>\n<style>\n"
    ":root{color-scheme:light "
    "dark;--line:#d6d3cc;--dim:#66625a;--card:#fff;--ground:#f6f4ef;--ink:#1d1b17;--live:#0a7a4b}\n"
    "@media(prefers-color-scheme:dark){:root{--line:#3a3832;--dim:#a09b90;--card:#22211d;--ground:#171613;"
    "--ink:#ece9e2;--live:#5ccf98}}\n"
    "body{margin:0;padding:2rem 1rem;background:var(--ground);color:var(--ink);font:16px/1.5 "
    "system-ui,sans-serif}\n"
    "main{max-width:46rem;margin:auto}h1{font-size:1.4rem;margin:0}header{margin-bottom:1.5rem}\n"
    "p{margin:.25rem 0}.dim{color:var(--dim);font-size:.9rem}\n"
    "article{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem "
    "1.2rem;margin:0 0 1rem}\n"
    "h2{font-size:1.1rem;margin:0;overflow-wrap:anywhere}.live{color:var(--live);font-weight:600}\n"
    ".now{font-size:1.05rem;margin:.5rem 0;overflow-wrap:anywhere}audio{width:100%;margin-top:.6rem}\n"
    "a{color:inherit}footer{margin-top:2rem}\n</style>\n<main>\n<header>\n<h1>";

struct page_work {
    FILE *out;
    unsigned shown;
};

static void text_write(FILE *out, const char *before, const char *text, const char *after) {
    if (*text == '\0')
        return;
    fputs(before, out);
    neap_markup_text(text, out);
    fputs(after, out);
}

static void counts_write(FILE *out, struct cast_mount *mount) {
    unsigned long long listeners = atomic_load(&mount->listeners), peak = atomic_load(&mount->listeners_peak);
    bool waits = atomic_load(&mount->state) == CAST_MOUNT_WAITING;
    fprintf(out, "<p class=dim><span class=live>%s</span> · %llu listener%s, peak %llu",
            waits ? "waiting for its source" : "on air", listeners, listeners == 1 ? "" : "s", peak);
    text_write(out, " · ", mount->facts.bitrate, " kbit/s");
    text_write(out, " · ", mount->facts.content_type, "");
    text_write(out, " · ", mount->facts.genre, "");
    fputs("</p>\n", out);
}

/* A link that a source gave is followed only if it is one of the web. */
static bool link_is_web(const char *url) {
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

static void mount_write(void *context, struct cast_mount *mount) {
    struct page_work *work = context;
    FILE *out = work->out;
    char path[1024];
    if (mount->hidden || !cast_percent_encode(mount->name, path, sizeof(path)))
        return;
    work->shown++;
    neap_os_lock(&mount->lock);
    fputs("<article>\n<h2>", out);
    neap_markup_text(*mount->facts.stream_name ? mount->facts.stream_name : mount->name, out);
    fputs("</h2>\n", out);
    counts_write(out, mount);
    text_write(out, "<p class=now>", mount->title, "</p>\n");
    text_write(out, "<p>", mount->facts.description, "</p>\n");
    if (link_is_web(mount->facts.url)) {
        text_write(out, "<p><a rel=\"noopener nofollow\" href=\"", mount->facts.url, "\">");
        text_write(out, "", mount->facts.url, "</a></p>\n");
    }
    neap_os_unlock(&mount->lock);
    fputs("<audio controls preload=none src=\"", out);
    neap_markup_text(path, out);
    fputs("\"></audio>\n<p class=dim>", out);
    static const char *const kinds[] = {"", ".m3u", ".xspf"};
    for (unsigned i = 0; i < 3; i++) {
        fputs(i > 0 ? " · <a href=\"" : "<a href=\"", out);
        neap_markup_text(path, out);
        fprintf(out, "%s\">", kinds[i]);
        neap_markup_text(i == 0 ? mount->name : kinds[i] + 1, out);
        fputs("</a>", out);
    }
    fputs("</p>\n</article>\n", out);
}

void cast_status_page_send(struct cast_connection *connection, const struct cast_request *request,
                           const struct cast_station *station) {
    struct cast_server *server = connection->loop->server;
    struct cast_page page;
    if (!cast_page_open(&page, connection))
        return;
    struct page_work work = {page.out, 0};
    fputs(page_begin, page.out);
    neap_markup_text(station->hostname ? station->hostname : "On air", page.out);
    fprintf(page.out, "</h1>\n<p class=dim>%llu listener%s",
            (unsigned long long)atomic_load(&server->air.listeners),
            atomic_load(&server->air.listeners) == 1 ? "" : "s");
    text_write(page.out, " · ", station->location ? station->location : "", "");
    fputs("</p>\n</header>\n", page.out);
    cast_mounts_each(&server->air.mounts, mount_write, &work);
    if (work.shown == 0)
        fputs("<article><h2>Nothing is on air.</h2>\n<p class=dim>A source that connects appears "
              "here.</p></article>\n",
              page.out);
    fputs("<footer class=dim>Neap cast " NEAP_VERSION " · <a href=\"/status-json.xsl\">JSON</a> · "
          "<a href=\"/metrics\">metrics</a></footer>\n</main>\n</html>\n",
          page.out);
    cast_page_send(connection, &page, 200, "text/html; charset=utf-8", request->method == CAST_METHOD_HEAD);
}
