/* cast/server/pull.c: looks a name up, connects, asks, and hands what comes to a source.
 *
 * fail() ends with the relay freeing the pull: whoever calls it, or a function that may, returns at once.
 */
#include "cast/server/pull.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <neap/error.h>
#include <neap/stream.h>

#include "cast/format/answer.h"
#include "cast/format/relay_answer.h"
#include "cast/format/relay_path.h"
#include "cast/format/relay_url.h"
#include "cast/server/log.h"
#include "cast/server/loop.h"
#include "cast/server/source.h"
#include "os/descriptor.h"
#include "os/socket.h"

enum { ADDRESSES_MOST = 8 };

enum state { RESOLVING, CONNECTING, ASKING, ON_AIR };

/* What libuv still holds when the pull may have ended: `pull` is NULL then. */
struct lookup {
    uv_getaddrinfo_t request;
    struct cast_pull *pull;
};
struct line {
    uv_poll_t poll;
    struct cast_pull *pull;
};

struct cast_pull {
    struct cast_loop *loop;
    const struct cast_pull_calls *calls;
    void *context;
    char *mount_name;
    struct cast_relay_url url;
    bool redirected;
    enum state state;
    uint64_t deadline_ms; /* 0: none */
    struct lookup *lookup;
    struct neap_os_address addresses[ADDRESSES_MOST];
    unsigned address_count, address; /* the one after that is tried now */
    struct line *line;               /* NULL: no socket */
    int socket;
    char request[CAST_RELAY_REQUEST_ROOM];
    size_t request_bytes, request_sent;
    size_t count, searched; /* of the head of the answer */
    struct cast_source *source;
    char head[CAST_HEAD_BYTES_MOST + 1];
};

static void on_ready(uv_poll_t *poll, int status, int events);
static void resolve(struct cast_pull *pull);

__attribute__((format(printf, 2, 3))) static void fail(struct cast_pull *pull, const char *format, ...) {
    char why[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    pull->calls->ended(pull->context, why);
}

static void deadline_set(struct cast_pull *pull) {
    struct cast_station_held *held = cast_server_station(pull->loop->server);
    pull->deadline_ms = cast_loop_now_ms(pull->loop) + held->station->header_timeout_ms;
    cast_station_held_drop(held);
}

/* --- letting go ------------------------------------------------------------------------------ */

static void on_line_closed(uv_handle_t *handle) {
    free(handle->data);
}

static void line_drop(struct cast_pull *pull) {
    if (!pull->line)
        return;
    pull->line->pull = NULL;
    uv_poll_stop(&pull->line->poll);
    uv_close((uv_handle_t *)&pull->line->poll, on_line_closed);
    neap_os_descriptor_close(pull->socket); /* libuv has let go of it */
    pull->line = NULL;
}

static void lookup_drop(struct cast_pull *pull) {
    if (!pull->lookup)
        return;
    pull->lookup->pull = NULL;
    uv_cancel((uv_req_t *)&pull->lookup->request); /* may be too late; it is called back either way */
    pull->lookup = NULL;
}

void cast_pull_end(struct cast_pull *pull) {
    lookup_drop(pull);
    if (pull->source)
        cast_source_end(pull->source);
    line_drop(pull);
    free(pull->mount_name);
    free(pull);
}

/* --- the stream ------------------------------------------------------------------------------- */

static void outcome_take(struct cast_pull *pull, enum cast_source_outcome outcome) {
    if (outcome == CAST_SOURCE_ENDED)
        fail(pull, "the other server ended the stream");
    else if (outcome == CAST_SOURCE_BROKEN)
        fail(pull, "the connection broke");
    else if (outcome == CAST_SOURCE_MALFORMED)
        fail(pull, "the chunks of the stream are malformed");
}

/* Makes the answer a source of the mount; `rest` are bytes that came behind its head. */
static void stream_begin(struct cast_pull *pull, const struct cast_relay_answer *answer, const char *rest,
                         size_t rest_bytes) {
    const struct neap_os_address *peer = &pull->addresses[pull->address - 1];
    const char *path = cast_head_find(&answer->head, "neap-relay");
    char mark[CAST_RELAY_MARK_ROOM], address[NEAP_OS_ADDRESS_ROOM];
    path = path && cast_relay_path_valid(path) ? path : "";
    cast_relay_mark(pull->loop->server->relay_secret, pull->mount_name, mark);
    if (cast_relay_path_has(path, mark)) {
        fail(pull, "a loop: the stream there is the one of this mount");
        return;
    }
    struct cast_source_offer offer = {.mount_name = pull->mount_name,
                                      .head = &answer->head,
                                      .peer = peer,
                                      .is_relay = true,
                                      .relay_path = path};
    cast_relay_answer_body(answer, &offer.body);
    int error = cast_source_new(pull->loop, &offer, &pull->source);
    if (error != NEAP_OK) {
        fail(pull, error == NEAP_ERROR_BUSY ? "the mount has a source" : "there are too many sources");
        return;
    }
    pull->state = ON_AIR;
    pull->deadline_ms = 0;
    pull->calls->on_air(pull->context, neap_os_address_write_port(peer, address));
    outcome_take(pull, cast_source_feed(pull->source, rest, rest_bytes));
}

/* --- the answer -------------------------------------------------------------------------------- */

static void redirection_take(struct cast_pull *pull, const struct cast_relay_answer *answer) {
    const char *location = cast_head_find(&answer->head, "location");
    char from[600];
    snprintf(from, sizeof(from), "%s:%u%.250s", pull->url.host, pull->url.port, pull->url.target);
    if (pull->redirected) {
        fail(pull, "it redirects a second time");
        return;
    }
    if (!location || !cast_relay_url_follow(&pull->url, location, &pull->url)) {
        fail(pull, "it redirects to no URL of the scheme http");
        return;
    }
    cast_log_event("info", "relay-redirected", "mount", pull->mount_name, "from", from, "to", location, NULL);
    pull->redirected = true;
    pull->count = pull->searched = 0;
    line_drop(pull);
    resolve(pull);
}

static void answer_take(struct cast_pull *pull, const struct cast_relay_answer *answer, size_t head_bytes) {
    const char *type = cast_head_find(&answer->head, "content-type");
    if (cast_relay_answer_redirects(answer))
        redirection_take(pull, answer);
    else if (answer->status != 200)
        fail(pull, "it answers %d %s", answer->status, cast_answer_reason(answer->status));
    else if (type && strncasecmp(type, "text/", 5) == 0)
        fail(pull, "it answers with a page and no stream");
    else
        stream_begin(pull, answer, pull->head + head_bytes, pull->count - head_bytes);
}

static void answer_read(struct cast_pull *pull) {
    struct cast_relay_answer answer;
    const char *why = NULL;
    size_t got;
    int error = neap_os_socket_receive(pull->socket, pull->head + pull->count,
                                       sizeof(pull->head) - 1 - pull->count, &got);
    if (error == NEAP_ERROR_BUSY)
        return;
    if (error != NEAP_OK || got == 0) {
        fail(pull, "it closes the connection without an answer");
        return;
    }
    pull->count += got;
    int bytes = cast_relay_answer_parse(pull->head, pull->count, pull->searched, &answer, &why);
    pull->searched = pull->count;
    if (bytes < 0)
        fail(pull, "%s", why);
    else if (bytes > 0)
        answer_take(pull, &answer, (size_t)bytes);
}

static void request_send(struct cast_pull *pull) {
    struct neap_span span = {pull->request + pull->request_sent, pull->request_bytes - pull->request_sent};
    size_t sent = 0;
    int error = neap_os_socket_send(pull->socket, &span, 1, &sent);
    pull->request_sent += sent;
    if (error != NEAP_OK && error != NEAP_ERROR_BUSY)
        fail(pull, "the connection broke");
    else
        uv_poll_start(&pull->line->poll, pull->request_sent < pull->request_bytes ? UV_WRITABLE : UV_READABLE,
                      on_ready);
}

/* --- connecting -------------------------------------------------------------------------------- */

static bool line_open(struct cast_pull *pull) {
    struct line *line = calloc(1, sizeof(*line));
    if (!line || uv_poll_init(&pull->loop->uv, &line->poll, pull->socket) != 0) {
        free(line);
        neap_os_descriptor_close(pull->socket);
        return false;
    }
    line->poll.data = line;
    line->pull = pull;
    pull->line = line;
    uv_poll_start(&line->poll, UV_WRITABLE, on_ready);
    return true;
}

/* Tries the next address; `why` says what was wrong with the one before. */
static void connect_next(struct cast_pull *pull, const char *why) {
    line_drop(pull);
    while (pull->address < pull->address_count) {
        const struct neap_os_address *address = &pull->addresses[pull->address++];
        if (neap_os_socket_connect(address, &pull->socket) != NEAP_OK) {
            why = strerror(errno);
            continue;
        }
        pull->state = CONNECTING;
        deadline_set(pull);
        if (!line_open(pull))
            fail(pull, "there is no memory for it");
        return;
    }
    char text[NEAP_OS_ADDRESS_ROOM] = "";
    if (pull->address > 0)
        neap_os_address_write_port(&pull->addresses[pull->address - 1], text);
    fail(pull, "cannot connect to %s: %s", text, why);
}

static void connected(struct cast_pull *pull) {
    int error = neap_os_socket_error(pull->socket);
    if (error != 0) {
        connect_next(pull, strerror(error));
        return;
    }
    pull->state = ASKING;
    deadline_set(pull);
    pull->request_bytes = cast_relay_request_write(&pull->url, pull->request);
    pull->request_sent = 0;
    request_send(pull);
}

static void on_ready(uv_poll_t *poll, int status, int events) {
    struct line *line = poll->data;
    struct cast_pull *pull = line->pull;
    (void)events;
    if (!pull)
        return;
    if (pull->state == CONNECTING)
        connected(pull);
    else if (status < 0)
        fail(pull, "the connection broke");
    else if (pull->state == ON_AIR)
        outcome_take(pull, cast_source_read(pull->source, pull->socket));
    else if (pull->request_sent < pull->request_bytes)
        request_send(pull);
    else
        answer_read(pull);
}

/* --- names -------------------------------------------------------------------------------------- */

static void address_add(struct cast_pull *pull, const char *text) {
    struct neap_os_address address;
    if (pull->address_count == ADDRESSES_MOST || !neap_os_address_read(text, &address))
        return;
    address.port = pull->url.port;
    pull->addresses[pull->address_count++] = address;
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
    struct lookup *lookup = (struct lookup *)request;
    struct cast_pull *pull = lookup->pull;
    for (const struct addrinfo *at = found; pull && status == 0 && at; at = at->ai_next) {
        char text[NEAP_OS_ADDRESS_ROOM] = "";
        if (at->ai_family == AF_INET)
            uv_ip4_name((const struct sockaddr_in *)(const void *)at->ai_addr, text, sizeof(text));
        else if (at->ai_family == AF_INET6)
            uv_ip6_name((const struct sockaddr_in6 *)(const void *)at->ai_addr, text, sizeof(text));
        address_add(pull, text);
    }
    if (found)
        uv_freeaddrinfo(found);
    free(lookup);
    if (!pull)
        return;
    pull->lookup = NULL;
    if (pull->address_count == 0)
        fail(pull, "%s cannot be resolved: %s", pull->url.host,
             status == 0 ? "it has no address" : uv_strerror(status));
    else
        connect_next(pull, "");
}

static void resolve(struct cast_pull *pull) {
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    pull->state = RESOLVING;
    pull->address_count = pull->address = 0;
    deadline_set(pull);
    address_add(pull, pull->url.host);
    if (pull->address_count > 0) {
        connect_next(pull, "");
        return;
    }
    pull->lookup = calloc(1, sizeof(*pull->lookup));
    if (pull->lookup)
        pull->lookup->pull = pull;
    if (pull->lookup &&
        uv_getaddrinfo(&pull->loop->uv, &pull->lookup->request, on_found, pull->url.host, NULL, &hints) == 0)
        return;
    free(pull->lookup);
    pull->lookup = NULL;
    fail(pull, "%s cannot be resolved", pull->url.host);
}

/* --- life ---------------------------------------------------------------------------------------- */

struct cast_pull *cast_pull_new(struct cast_loop *loop, const char *mount_name, const char *url,
                                const struct cast_pull_calls *calls, void *context) {
    struct cast_pull *made = calloc(1, sizeof(*made));
    if (!made)
        return NULL;
    made->loop = loop;
    made->calls = calls;
    made->context = context;
    made->mount_name = strdup(mount_name);
    if (made->mount_name && cast_relay_url_read(url, &made->url))
        return made;
    free(made->mount_name);
    free(made);
    return NULL;
}

void cast_pull_begin(struct cast_pull *pull) {
    resolve(pull);
}

const struct cast_mount *cast_pull_mount(const struct cast_pull *pull) {
    return pull->source ? cast_source_mount(pull->source) : NULL;
}

void cast_pull_sweep(struct cast_pull *pull, uint64_t now_ms) {
    if (pull->source && cast_source_is_silent(pull->source, now_ms))
        fail(pull, "nothing came for the time of source-timeout");
    else if (pull->deadline_ms == 0 || now_ms < pull->deadline_ms)
        return;
    else if (pull->state == RESOLVING)
        fail(pull, "%s cannot be resolved in time", pull->url.host);
    else if (pull->state == CONNECTING)
        connect_next(pull, "it does not answer in time");
    else
        fail(pull, "its answer does not come in time");
}
