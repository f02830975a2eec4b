/* cast/server/route_listen.c: a listener asks for a mount. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <neap/error.h>

#include "cast/format/relay_path.h"
#include "cast/format/url.h"
#include "cast/server/log.h"
#include "cast/server/loop.h"
#include "cast/server/route.h"
#include "os/descriptor.h"
#include "os/socket.h"

enum { FALLBACKS_MOST = 8 };

/* The mount that is heard under that name: itself, or the first of its fallbacks that is on air. Held; NULL
 * if there is none. */
static struct cast_mount *mount_of(struct cast_server *server, const struct cast_station *station,
                                   const char *name) {
    for (unsigned i = 0; i < FALLBACKS_MOST && name; i++) {
        struct cast_mount *mount = cast_mounts_find(&server->air.mounts, name);
        if (mount)
            return mount;
        name = cast_station_mount(station, name)->fallback;
    }
    return NULL;
}

static bool agent_denied(const struct cast_station *station, const char *agent) {
    for (size_t i = 0; agent && i < station->deny_agents.count; i++)
        if (strcasestr(agent, station->deny_agents.items[i]))
            return true;
    return false;
}

/* The head of the answer. What a source says of its stream goes out as the headers that players know. */
static void head_write(struct cast_answer *head, const struct cast_connection *connection,
                       struct cast_mount *mount, uint32_t interval, bool to_relay) {
    char mark[CAST_RELAY_MARK_ROOM], path[CAST_RELAY_PATH_ROOM] = "";
    cast_relay_mark(connection->loop->server->relay_secret, mount->name, mark);
    cast_answer_begin(head, 200, connection->minor);
    neap_os_lock(&mount->lock);
    const struct cast_facts *facts = &mount->facts;
    cast_answer_header(head, "Content-Type", facts->content_type);
    cast_answer_header(head, "icy-name", facts->stream_name);
    cast_answer_header(head, "icy-description", facts->description);
    cast_answer_header(head, "icy-genre", facts->genre);
    cast_answer_header(head, "icy-url", facts->url);
    cast_answer_header(head, "icy-br", facts->bitrate);
    cast_answer_header(head, "ice-audio-info", facts->audio_info);
    cast_answer_header(head, "icy-pub", facts->is_public ? "1" : "0");
    if (to_relay)
        cast_relay_path_join(mark, facts->relay_path, path);
    neap_os_unlock(&mount->lock);
    cast_answer_header(head, "Neap-Relay", path);
    if (interval > 0)
        cast_answer_number(head, "icy-metaint", interval);
    cast_answer_header(head, "Accept-Ranges", "none"); /* a stream has no beginning to count from */
    cast_answer_header(head, "Cache-Control", "no-cache, no-store");
    cast_answer_header(head, "Connection", "close");
    cast_answer_cross_origin(head, 0);
    cast_answer_end(head);
}

static void listener_hand_over(struct cast_connection *connection, struct cast_mount *mount,
                               bool wants_titles, const struct cast_answer *head,
                               const struct cast_station *station, const char *home) {
    struct cast_loop *loop = connection->loop;
    const struct cast_mount_settings *settings = cast_station_mount(station, mount->name);
    struct neap_span span = {(void *)(uintptr_t)head->text, head->bytes};
    uint64_t most = station->max_listeners_per_address;
    size_t sent = 0;
    if (most > 0 && !cast_address_counts_add(&loop->server->air.addresses, connection->peer.bytes, most)) {
        cast_connection_say(connection, 429, "Your address has as many listeners as it may have.");
        return;
    }
    int error = neap_os_socket_send(connection->socket, &span, 1, &sent);
    if (error != NEAP_OK || sent < head->bytes) {
        if (most > 0)
            cast_address_counts_remove(&loop->server->air.addresses, connection->peer.bytes);
        cast_connection_close(connection); /* a new connection takes some kilobytes, if it lives */
        return;
    }
    struct cast_arrival arrival = {
        .address = connection->peer,
        .wants_titles = wants_titles,
        .minor = connection->minor,
        .counted = most > 0,
        .limit_s = (uint32_t)(settings->time_limit_ms / 1000),
        .burst_bytes = settings->burst_bytes,
        .agent = connection->agent,
        .referrer = connection->referrer,
        .user = connection->user,
        .home = strcmp(home, mount->name) == 0 ? NULL : home,
    };
    char *texts[] = {connection->agent, connection->referrer, connection->user};
    connection->agent = connection->referrer = connection->user = NULL;
    arrival.socket = cast_connection_give_socket(connection);
    loop->fanout.now_s = cast_loop_now_s(loop);
    if (cast_fanout_add(&loop->fanout, mount, &arrival) == NEAP_OK)
        cast_loop_start_ticking(loop);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
}

static const char *refusal(struct cast_connection *connection, struct cast_mount *mount,
                           const struct cast_station *station, int *status) {
    struct cast_server *server = connection->loop->server;
    uint64_t most = cast_station_mount(station, mount->name)->max_listeners;
    *status = 503;
    if (atomic_load(&server->air.listeners) >= cast_server_listener_room(server, station))
        return "The server has as many listeners as it can serve.";
    if (most != 0 && atomic_load(&mount->listeners) >= most)
        return "This mount has as many listeners as it may have.";
    *status = 403;
    if (agent_denied(station, connection->agent))
        return "This player is not served here.";
    return NULL;
}

static void listener_admit(struct cast_connection *connection, const struct cast_request *request,
                           struct cast_mount *mount, const struct cast_station *station) {
    const char *titles = cast_request_header(request, "icy-metadata");
    bool wants_titles = titles && strcmp(titles, "1") == 0;
    struct cast_answer head;
    int status;
    const char *why = refusal(connection, mount, station, &status);
    if (why) {
        cast_connection_say(connection, status, why);
        return;
    }
    head_write(&head, connection, mount, wants_titles ? (uint32_t)station->metadata_interval : 0,
               cast_request_header(request, "neap-relay") != NULL);
    if (request->method == CAST_METHOD_HEAD) {
        connection->status = 200;
        cast_connection_answer(connection, &head, NULL, 0);
        return;
    }
    listener_hand_over(connection, mount, wants_titles, &head, station, request->path);
}

void cast_route_listen(struct cast_connection *connection, const struct cast_request *request,
                       const struct cast_station_held *held) {
    struct cast_mount *mount = NULL;
    if (cast_mount_name_valid(request->path))
        mount = mount_of(connection->loop->server, held->station, request->path);
    if (!mount) {
        cast_connection_say(connection, 404, "Nothing is on air here.");
        return;
    }
    listener_admit(connection, request, mount, held->station);
    cast_mount_drop(mount);
}
