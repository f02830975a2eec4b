/* cast/server/route_status.c: what the server shows everybody: Icecast's JSON, metrics, playlists. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include <neap/version.h>

#include "cast/format/url.h"
#include "cast/server/log.h"
#include "cast/server/loop.h"
#include "cast/server/route.h"
#include "cast/server/status_page.h"
#include "report/json.h"
#include "report/markup.h"

/* The address under which the client knows this server: what it sent as Host, if that is a name or an
 * address, else the settings' hostname. */
static const char *host_of(const struct cast_connection *connection, const struct cast_request *request,
                           const struct cast_station *station, char out[256]) {
    const char *host = cast_request_header(request, "host");
    const char *fine = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";
    char port[NEAP_OS_ADDRESS_ROOM];
    if (host && *host && strlen(host) < 250 && strspn(host, fine) == strlen(host))
        snprintf(out, 256, "%s", host);
    else if (station->hostname)
        snprintf(out, 256, "%.200s:%u", station->hostname, connection->loop->server->listens[0].port);
    else
        snprintf(out, 256, "%s", neap_os_address_write_port(&connection->loop->server->listens[0], port));
    return out;
}

/* --- Icecast's status-json.xsl -------------------------------------------------------------- */

struct json_work {
    json_t *sources;
    const char *host;
    const char *only; /* a mount, or NULL for all */
};

static void set_text(json_t *object, const char *name, const char *text) {
    json_object_set_new(object, name, neap_json_text(text));
}

static void set_time(json_t *object, const char *name, uint64_t seconds, const char *format) {
    char text[64];
    time_t when = (time_t)seconds;
    struct tm local;
    localtime_r(&when, &local);
    strftime(text, sizeof(text), format, &local);
    set_text(object, name, text);
}

/* With the lock of the mount. Names and order are Icecast's. */
static json_t *json_of_mount(struct cast_mount *mount, const char *host) {
    json_t *source = json_object();
    const struct cast_facts *facts = &mount->facts;
    char path[1024], url[1400];
    const char *rate = facts->bitrate;
    if (*facts->audio_info)
        set_text(source, "audio_info", facts->audio_info);
    if (*rate)
        neap_json_set(source, "bitrate", strtoul(rate, NULL, 10));
    set_text(source, "genre", facts->genre);
    neap_json_set(source, "listener_peak", atomic_load(&mount->listeners_peak));
    neap_json_set(source, "listeners", atomic_load(&mount->listeners));
    cast_percent_encode(mount->name, path, sizeof(path));
    snprintf(url, sizeof(url), "http://%s%s", host, path);
    set_text(source, "listenurl", url);
    set_text(source, "server_description", facts->description);
    set_text(source, "server_name", facts->stream_name);
    set_text(source, "server_type", facts->content_type);
    if (*facts->url)
        set_text(source, "server_url", facts->url);
    set_time(source, "stream_start", facts->since_s, "%a, %d %b %Y %H:%M:%S %z");
    set_time(source, "stream_start_iso8601", facts->since_s, "%Y-%m-%dT%H:%M:%S%z");
    if (mount->title_version > 0)
        set_text(source, "title", mount->title);
    json_object_set_new(source, "dummy", json_null());
    return source;
}

static void json_add_mount(void *context, struct cast_mount *mount) {
    struct json_work *work = context;
    neap_os_lock(&mount->lock);
    bool shown = work->only ? strcmp(work->only, mount->name) == 0 : !mount->hidden;
    if (shown)
        json_array_append_new(work->sources, json_of_mount(mount, work->host));
    neap_os_unlock(&mount->lock);
}

static void json_send(struct cast_connection *connection, const struct cast_request *request,
                      const struct cast_station *station) {
    struct cast_server *server = connection->loop->server;
    char host[256], only[CAST_MOUNT_BYTES_MOST + 1];
    struct json_work work = {json_array(), host_of(connection, request, station, host), NULL};
    if (cast_query_find(request->query, "mount", only, sizeof(only)))
        work.only = only;
    cast_mounts_each(&server->air.mounts, json_add_mount, &work);
    json_t *document = json_object(), *stats = json_object();
    set_text(stats, "admin", station->admin_mail ? station->admin_mail : "");
    set_text(stats, "host", station->hostname ? station->hostname : host);
    set_text(stats, "location", station->location ? station->location : "");
    set_text(stats, "server_id", "Neap cast " NEAP_VERSION);
    set_time(stats, "server_start", server->started_s, "%a, %d %b %Y %H:%M:%S %z");
    set_time(stats, "server_start_iso8601", server->started_s, "%Y-%m-%dT%H:%M:%S%z");
    /* Icecast writes one source as an object, several as an array, and none not at all. Its clients expect
     * that. */
    if (json_array_size(work.sources) == 1)
        json_object_set(stats, "source", json_array_get(work.sources, 0));
    else if (json_array_size(work.sources) > 1)
        json_object_set(stats, "source", work.sources);
    json_decref(work.sources);
    json_object_set_new(document, "icestats", stats);
    struct cast_page page;
    if (cast_page_open(&page, connection)) {
        json_dumpf(document, page.out, JSON_COMPACT);
        cast_page_send(connection, &page, 200, "application/json; charset=utf-8",
                       request->method == CAST_METHOD_HEAD);
    }
    json_decref(document);
}

/* --- Prometheus ------------------------------------------------------------------------------ */

static void label_write(FILE *out, const char *text) {
    for (; *text; text++) {
        if (*text == '\\' || *text == '"')
            fputc('\\', out);
        fputc(*text, out);
    }
}

struct metric {
    const char *name, *type, *help;
    size_t offset; /* of a counter in struct cast_mount */
};

struct metric_work {
    FILE *out;
    const struct metric *metric;
};

static void metric_add_mount(void *context, struct cast_mount *mount) {
    struct metric_work *work = context;
    const _Atomic uint64_t *counter = (const void *)((const char *)mount + work->metric->offset);
    if (mount->hidden)
        return;
    fprintf(work->out, "neap_cast_mount_%s{mount=\"", work->metric->name);
    label_write(work->out, mount->name);
    fprintf(work->out, "\"} %llu\n", (unsigned long long)atomic_load(counter));
}

static void metric_write(FILE *out, const char *name, const char *type, const char *help, uint64_t value) {
    fprintf(out, "# HELP neap_cast_%s %s\n# TYPE neap_cast_%s %s\nneap_cast_%s %llu\n", name, help, name,
            type, name, (unsigned long long)value);
}

static void metrics_send(struct cast_connection *connection, const struct cast_request *request) {
    static const struct metric metrics[] = {
        {"listeners", "gauge", "Listeners now.", offsetof(struct cast_mount, listeners)},
        {"listeners_total", "counter", "Listeners that have come.",
         offsetof(struct cast_mount, listeners_ever)},
        {"sent_bytes_total", "counter", "Bytes sent to listeners.", offsetof(struct cast_mount, sent_bytes)},
        {"received_bytes_total", "counter", "Bytes of audio received.",
         offsetof(struct cast_mount, received_bytes)},
        {"moved_ahead_total", "counter", "Times that a slow listener was moved ahead.",
         offsetof(struct cast_mount, moved_ahead)},
    };
    struct cast_server *server = connection->loop->server;
    struct cast_page page;
    if (!cast_page_open(&page, connection))
        return;
    metric_write(page.out, "listeners", "gauge", "Listeners now, of all mounts.",
                 atomic_load(&server->air.listeners));
    metric_write(page.out, "connections", "gauge", "Open connections that are no listeners.",
                 atomic_load(&server->connections));
    metric_write(page.out, "requests_total", "counter", "Requests that were understood.",
                 atomic_load(&server->requests));
    metric_write(page.out, "refused_total", "counter", "Requests that were no requests.",
                 atomic_load(&server->refused));
    metric_write(page.out, "log_lines_dropped_total", "counter", "Lines that a log file did not take.",
                 cast_log_dropped());
    metric_write(page.out, "start_time_seconds", "gauge", "When the server started.", server->started_s);
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        struct metric_work work = {page.out, &metrics[i]};
        fprintf(page.out, "# HELP neap_cast_mount_%s %s\n# TYPE neap_cast_mount_%s %s\n", metrics[i].name,
                metrics[i].help, metrics[i].name, metrics[i].type);
        cast_mounts_each(&server->air.mounts, metric_add_mount, &work);
    }
    cast_page_send(connection, &page, 200, "text/plain; version=0.0.4; charset=utf-8",
                   request->method == CAST_METHOD_HEAD);
}

/* --- playlists ------------------------------------------------------------------------------ */

/* Sends the playlist of a mount that is on air. False if `path` is none. */
static bool playlist_send(struct cast_connection *connection, const struct cast_request *request,
                          const struct cast_station *station) {
    const char *dot = strrchr(request->path, '.');
    bool m3u = dot && strcmp(dot, ".m3u") == 0, xspf = dot && strcmp(dot, ".xspf") == 0;
    char name[CAST_MOUNT_BYTES_MOST + 1], host[256], path[1024];
    if ((!m3u && !xspf) || (size_t)(dot - request->path) >= sizeof(name))
        return false;
    snprintf(name, sizeof(name), "%.*s", (int)(dot - request->path), request->path);
    struct cast_mount *mount = cast_mounts_find(&connection->loop->server->air.mounts, name);
    if (!mount)
        return false;
    host_of(connection, request, station, host);
    cast_percent_encode(name, path, sizeof(path));
    struct cast_page page;
    bool opened = cast_page_open(&page, connection);
    if (opened && m3u) {
        fprintf(page.out, "#EXTM3U\n#EXTINF:-1,");
        neap_os_lock(&mount->lock);
        fprintf(page.out, "%s\nhttp://%s%s\n", *mount->facts.stream_name ? mount->facts.stream_name : name,
                host, path);
        neap_os_unlock(&mount->lock);
        cast_page_send(connection, &page, 200, "audio/x-mpegurl; charset=utf-8",
                       request->method == CAST_METHOD_HEAD);
    } else if (opened) {
        fprintf(
            page.out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<playlist version=\"1\" xmlns=\"http://xspf.org/ns/0/\">\n<trackList><track><location>http://");
        neap_markup_text(host, page.out);
        neap_markup_text(path, page.out);
        fprintf(page.out, "</location><title>");
        neap_os_lock(&mount->lock);
        neap_markup_text(*mount->facts.stream_name ? mount->facts.stream_name : name, page.out);
        neap_os_unlock(&mount->lock);
        fprintf(page.out, "</title></track></trackList>\n</playlist>\n");
        cast_page_send(connection, &page, 200, "application/xspf+xml; charset=utf-8",
                       request->method == CAST_METHOD_HEAD);
    }
    cast_mount_drop(mount);
    return true;
}

bool cast_route_status(struct cast_connection *connection, const struct cast_request *request,
                       const struct cast_station_held *held) {
    if (strcmp(request->path, "/") == 0 || strcmp(request->path, "/status.xsl") == 0)
        cast_status_page_send(connection, request, held->station);
    else if (strcmp(request->path, "/status-json.xsl") == 0)
        json_send(connection, request, held->station);
    else if (strcmp(request->path, "/metrics") == 0)
        metrics_send(connection, request);
    else
        return playlist_send(connection, request, held->station);
    return true;
}
