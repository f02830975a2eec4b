/* cast/server/route_admin.c: what an administrator, or a source for its own mount, may ask and change. Paths,
 * parameters and answers are Icecast's, whose front ends speak to them. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <neap/error.h>
#include <neap/version.h>

#include "cast/format/icy_metadata.h"
#include "cast/format/url.h"
#include "cast/server/errand.h"
#include "cast/server/log.h"
#include "cast/server/loop.h"
#include "cast/server/route.h"
#include "cast/server/relay.h"
#include "cast/server/source.h"
#include "report/markup.h"

static const char xml_type[] = "text/xml; charset=utf-8";

/* --- answers ----------------------------------------------------------------------------- */

static void response_send(struct cast_connection *connection, bool done, const char *message) {
    struct cast_page page;
    if (!cast_page_open(&page, connection))
        return;
    fputs("<?xml version=\"1.0\"?>\n<iceresponse><message>", page.out);
    neap_markup_text(message, page.out);
    fprintf(page.out, "</message><return>%d</return></iceresponse>\n", done);
    cast_page_send(connection, &page, done ? 200 : 400, xml_type, false);
}

static void element(FILE *out, const char *name, const char *text) {
    fprintf(out, "<%s>", name);
    neap_markup_text(text, out);
    fprintf(out, "</%s>", name);
}

static void element_number(FILE *out, const char *name, uint64_t value) {
    fprintf(out, "<%s>%llu</%s>", name, (unsigned long long)value, name);
}

/* --- work that sees the listeners of all loops ---------------------------------------------- */

struct admin_work {
    struct cast_connection *connection; /* waits */
    struct cast_mount *mount, *to;      /* held */
    struct cast_page page;
    uint32_t id;
    uint64_t count;
};

static struct admin_work *work_new(struct cast_connection *connection, struct cast_mount *mount,
                                   struct cast_mount *to) {
    struct admin_work *work = calloc(1, sizeof(*work));
    if (!work) {
        cast_connection_say(connection, 503, "The server has no memory for an answer.");
        cast_mount_drop(mount);
        cast_mount_drop(to);
        return NULL;
    }
    *work = (struct admin_work){.connection = connection, .mount = mount, .to = to};
    return work;
}

static void work_end(struct admin_work *work) {
    cast_mount_drop(work->mount);
    cast_mount_drop(work->to);
    free(work);
}

static void work_send(struct admin_work *work, void (*visit)(struct cast_loop *, void *),
                      void (*done)(struct cast_loop *, void *)) {
    struct cast_errand errand = {.visit = visit, .done = done, .context = work};
    struct cast_connection *connection = work->connection;
    cast_connection_wait(connection);
    if (cast_errand_send(connection->loop, &errand) != NEAP_OK) {
        cast_connection_say(connection, 503, "The server has no memory for an answer.");
        work_end(work);
    }
}

/* --- listclients ---------------------------------------------------------------------------- */

struct list_work {
    FILE *out;
    struct cast_loop *loop;
};

static void list_add(void *context, const struct cast_listener *listener, const struct cast_mount *mount) {
    struct list_work *work = context;
    struct cast_words *words = work->loop->server->air.words;
    struct neap_os_address address = {.port = listener->port};
    char text[NEAP_OS_ADDRESS_ROOM], word[256];
    (void)mount;
    memcpy(address.bytes, listener->address, sizeof(address.bytes));
    fprintf(work->out, "<listener id=\"%u\">", listener->id);
    element(work->out, "IP", neap_os_address_write(&address, text));
    element(work->out, "UserAgent", cast_words_copy(words, listener->agent, word, sizeof(word)));
    element(work->out, "Referer", cast_words_copy(words, listener->referrer, word, sizeof(word)));
    element_number(work->out, "lag", neap_stream_written(listener->reader.stream) - listener->reader.offset);
    element_number(work->out, "Connected", cast_loop_now_s(work->loop) - listener->since_s);
    element_number(work->out, "ID", listener->id);
    if (listener->user != 0)
        element(work->out, "username", cast_words_copy(words, listener->user, word, sizeof(word)));
    fputs("</listener>\n", work->out);
}

static void list_visit(struct cast_loop *loop, void *context) {
    struct admin_work *work = context;
    struct list_work list = {work->page.out, loop};
    cast_fanout_each(&loop->fanout, work->mount, list_add, &list);
}

static void list_done(struct cast_loop *home, void *context) {
    struct admin_work *work = context;
    (void)home;
    fputs("</source>\n</icestats>\n", work->page.out);
    cast_page_send(work->connection, &work->page, 200, xml_type, false);
    work_end(work);
}

static void listclients(struct cast_connection *connection, struct cast_mount *mount, const char *query) {
    struct admin_work *work = work_new(connection, mount, NULL);
    (void)query;
    if (!work)
        return;
    if (!cast_page_open(&work->page, connection)) {
        work_end(work);
        return;
    }
    fputs("<?xml version=\"1.0\"?>\n<icestats><source mount=\"", work->page.out);
    neap_markup_text(mount->name, work->page.out);
    fputs("\">", work->page.out);
    element_number(work->page.out, "Listeners", atomic_load(&mount->listeners));
    fputs("\n", work->page.out);
    work_send(work, list_visit, list_done);
}

/* --- killclient, moveclients, killsource ----------------------------------------------------- */

static void kill_visit(struct cast_loop *loop, void *context) {
    struct admin_work *work = context;
    if (work->count == 0)
        work->count = cast_fanout_kill(&loop->fanout, work->id);
}

static void kill_done(struct cast_loop *home, void *context) {
    struct admin_work *work = context;
    char message[80];
    (void)home;
    snprintf(message, sizeof(message), work->count > 0 ? "Client %u removed" : "Client %u not found",
             work->id);
    response_send(work->connection, work->count > 0, message);
    work_end(work);
}

static void killclient(struct cast_connection *connection, struct cast_mount *mount, const char *query) {
    char id[16];
    struct admin_work *work = NULL;
    if (!cast_query_find(query, "id", id, sizeof(id)) || strspn(id, "0123456789") != strlen(id)) {
        cast_mount_drop(mount);
        response_send(connection, false,
                      "The parameter id has to be the number of a listener, as listclients shows it.");
    } else if ((work = work_new(connection, mount, NULL))) {
        work->id = (uint32_t)strtoul(id, NULL, 10);
        work_send(work, kill_visit, kill_done);
    }
}

static void move_visit(struct cast_loop *loop, void *context) {
    struct admin_work *work = context;
    work->count += cast_fanout_move(&loop->fanout, work->mount, work->to);
    if (loop->fanout.table.count > 0)
        cast_loop_start_ticking(loop);
}

static void move_done(struct cast_loop *home, void *context) {
    struct admin_work *work = context;
    char message[600];
    (void)home;
    snprintf(message, sizeof(message), "Clients moved from %s to %s", work->mount->name, work->to->name);
    response_send(work->connection, true, message);
    work_end(work);
}

static void moveclients(struct cast_connection *connection, struct cast_mount *mount, const char *query) {
    char name[CAST_MOUNT_BYTES_MOST + 1];
    struct cast_mount *to = NULL;
    if (cast_query_find(query, "destination", name, sizeof(name)))
        to = cast_mounts_find(&connection->loop->server->air.mounts, name);
    if (!to || to == mount) {
        cast_mount_drop(mount);
        cast_mount_drop(to);
        response_send(connection, false, "The parameter destination has to be another mount that is on air.");
        return;
    }
    struct admin_work *work = work_new(connection, mount, to);
    if (work)
        work_send(work, move_visit, move_done);
}

static void source_kill_visit(struct cast_loop *loop, void *context) {
    struct admin_work *work = context;
    for (struct cast_connection *at = loop->connections; at; at = at->behind) {
        if (at->source && cast_source_mount(at->source) == work->mount) {
            cast_connection_close(at);
            return;
        }
    }
    cast_relays_kill(loop, work->mount);
}

static void source_kill_done(struct cast_loop *home, void *context) {
    struct admin_work *work = context;
    cast_mounts_end(&home->server->air.mounts, work->mount);
    response_send(work->connection, true, "Source Removed");
    work_end(work);
}

static void killsource(struct cast_connection *connection, struct cast_mount *mount, const char *query) {
    struct admin_work *work = work_new(connection, mount, NULL);
    (void)query;
    if (work)
        work_send(work, source_kill_visit, source_kill_done);
}

/* --- metadata ------------------------------------------------------------------------------ */

static void metadata(struct cast_connection *connection, struct cast_mount *mount, const char *query) {
    char raw[CAST_ICY_TITLE_BYTES_MOST], title[CAST_ICY_TITLE_BYTES_MOST], artist[512], charset[64], url[512],
        mode[16];
    struct cast_station_held *held = cast_server_station(connection->loop->server);
    const char *wanted = cast_station_mount(held->station, mount->name)->charset;
    bool has_song = cast_query_find(query, "song", raw, sizeof(raw));
    if (!has_song && (has_song = cast_query_find(query, "title", title, sizeof(title)))) {
        bool has_artist = cast_query_find(query, "artist", artist, sizeof(artist)) && *artist;
        snprintf(raw, sizeof(raw), "%.500s%s%.1400s", has_artist ? artist : "", has_artist ? " - " : "",
                 title);
    }
    if (cast_query_find(query, "charset", charset, sizeof(charset)) && *charset)
        wanted = charset;
    cast_query_find(query, "url", url, sizeof(url));
    if (!cast_query_find(query, "mode", mode, sizeof(mode)) || strcmp(mode, "updinfo") != 0 || !has_song) {
        response_send(connection, false, "The parameters mode=updinfo and song are needed.");
    } else {
        cast_title_to_utf8(raw, wanted, title, sizeof(title));
        bool done = cast_mount_set_title(mount, title, url) == NEAP_OK;
        response_send(connection, done,
                      done ? "Metadata update successful" : "There is no memory for a title.");
    }
    cast_station_held_drop(held);
    cast_mount_drop(mount);
}

/* --- stats ----------------------------------------------------------------------------------- */

struct stats_work {
    FILE *out;
    const char *only;
};

static void stats_add(void *context, struct cast_mount *mount) {
    struct stats_work *work = context;
    FILE *out = work->out;
    if (work->only && strcmp(work->only, mount->name) != 0)
        return;
    fputs("<source mount=\"", out);
    neap_markup_text(mount->name, out);
    fputs("\">", out);
    neap_os_lock(&mount->lock);
    element(out, "genre", mount->facts.genre);
    element(out, "fallback", mount->fallback);
    element_number(out, "listener_peak", atomic_load(&mount->listeners_peak));
    element_number(out, "listeners", atomic_load(&mount->listeners));
    element_number(out, "public", mount->facts.is_public);
    element(out, "server_description", mount->facts.description);
    element(out, "server_name", mount->facts.stream_name);
    element(out, "server_type", mount->facts.content_type);
    element(out, "server_url", mount->facts.url);
    element_number(out, "slow_listeners", atomic_load(&mount->moved_ahead));
    element(out, "title", mount->title);
    element_number(out, "total_bytes_read", atomic_load(&mount->received_bytes));
    element_number(out, "total_bytes_sent", atomic_load(&mount->sent_bytes));
    element(out, "user_agent", mount->facts.agent);
    neap_os_unlock(&mount->lock);
    fputs("</source>\n", out);
}

static void stats(struct cast_connection *connection, const char *only) {
    struct cast_server *server = connection->loop->server;
    struct cast_page page;
    if (!cast_page_open(&page, connection))
        return;
    struct stats_work work = {page.out, only};
    fputs("<?xml version=\"1.0\"?>\n<icestats>", page.out);
    element_number(page.out, "listeners", atomic_load(&server->air.listeners));
    element(page.out, "server_id", "Neap cast " NEAP_VERSION);
    cast_mounts_each(&server->air.mounts, stats_add, &work);
    fputs("</icestats>\n", page.out);
    cast_page_send(connection, &page, 200, xml_type, false);
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct {
    const char *path;
    enum cast_right right;
    void (*serve)(struct cast_connection *connection, struct cast_mount *mount, const char *query);
} mount_routes[] = {
    {"/admin/metadata", CAST_RIGHT_EITHER, metadata},
    {"/admin/listclients", CAST_RIGHT_ADMIN, listclients},
    {"/admin/killclient", CAST_RIGHT_ADMIN, killclient},
    {"/admin/moveclients", CAST_RIGHT_ADMIN, moveclients},
    {"/admin/killsource", CAST_RIGHT_ADMIN, killsource},
};

static void mount_route(struct cast_connection *connection, const struct cast_request *request,
                        const struct cast_station *station, size_t i) {
    char name[CAST_MOUNT_BYTES_MOST + 1];
    bool named = cast_query_find(request->query, "mount", name, sizeof(name));
    if (!cast_route_permit(connection, request, station, name, mount_routes[i].right))
        return;
    struct cast_mount *mount = named ? cast_mounts_find(&connection->loop->server->air.mounts, name) : NULL;
    if (!mount)
        response_send(connection, false, named ? "Source does not exist" : "The parameter mount is needed.");
    else
        mount_routes[i].serve(connection, mount, request->query);
}

void cast_route_admin(struct cast_connection *connection, const struct cast_request *request,
                      const struct cast_station_held *held) {
    char only[CAST_MOUNT_BYTES_MOST + 1];
    for (size_t i = 0; i < sizeof(mount_routes) / sizeof(mount_routes[0]); i++) {
        if (strcmp(request->path, mount_routes[i].path) == 0) {
            mount_route(connection, request, held->station, i);
            return;
        }
    }
    if (!cast_route_permit(connection, request, held->station, "", CAST_RIGHT_ADMIN))
        return;
    bool named = cast_query_find(request->query, "mount", only, sizeof(only));
    if (strcmp(request->path, "/admin/stats") == 0 || strcmp(request->path, "/admin/stats.xml") == 0 ||
        strcmp(request->path, "/admin/listmounts") == 0)
        stats(connection, named ? only : NULL);
    else
        cast_connection_say(connection, 404, "The administration has no such page.");
}
