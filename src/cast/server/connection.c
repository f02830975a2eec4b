/* cast/server/connection.c: reads heads, sends answers, closes politely. */
#include "cast/server/connection.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <neap/error.h>
#include <neap/stream.h>

#include "cast/server/log.h"
#include "cast/server/loop.h"
#include "cast/server/route.h"
#include "os/descriptor.h"
#include "os/poll_set.h"
#include "os/socket.h"

enum {
    HEAD_ROOM_FIRST = 1024,
    DRAIN_MS = 1000,
    REPLY_MS = 15000, /* for a peer who takes an answer slowly */
    DROP_BYTES = 16384,
    EVENTS_AT_ONCE = 256,
};

/* --- closing ------------------------------------------------------------------------- */

void cast_connection_free_closed(struct cast_loop *loop) {
    struct cast_connection *connection = loop->closed, *behind;
    loop->closed = NULL;
    for (; connection; connection = behind) {
        behind = connection->behind;
        free(connection->bytes);
        free(connection->answer);
        free(connection->method_and_path);
        free(connection->agent);
        free(connection->referrer);
        free(connection->user);
        free(connection);
    }
}

static void unlink_connection(struct cast_connection *connection) {
    struct cast_loop *loop = connection->loop;
    if (connection->before)
        connection->before->behind = connection->behind;
    else
        loop->connections = connection->behind;
    if (connection->behind)
        connection->behind->before = connection->before;
    else
        loop->oldest = connection->before;
    atomic_fetch_sub(&loop->server->connections, 1);
}

static void log_request(const struct cast_connection *connection) {
    if (connection->status == 0)
        return;
    char method[16] = "-";
    const char *line = connection->method_and_path ? connection->method_and_path : "- -";
    const char *space = strchr(line, ' ');
    snprintf(method, sizeof(method), "%.*s", (int)(space - line), line);
    struct cast_access access = {.address = &connection->peer,
                                 .user = connection->user ? connection->user : "",
                                 .method = method,
                                 .path = space + 1,
                                 .referrer = connection->referrer ? connection->referrer : "",
                                 .agent = connection->agent ? connection->agent : "",
                                 .minor = connection->minor,
                                 .status = connection->status,
                                 .bytes = connection->answer_sent,
                                 .seconds =
                                     (cast_loop_now_ms(connection->loop) - connection->since_ms) / 1000};
    cast_log_access(&access);
}

static void end(struct cast_connection *connection) {
    if (connection->state == CAST_CONNECTION_HEAD)
        atomic_fetch_sub(&connection->loop->server->heads, 1);
    connection->state = CAST_CONNECTION_CLOSED;
    unlink_connection(connection);
    connection->behind = connection->loop->closed;
    connection->loop->closed = connection;
}

void cast_connection_close(struct cast_connection *connection) {
    if (connection->state == CAST_CONNECTION_CLOSED)
        return;
    if (connection->source)
        cast_source_end(connection->source);
    connection->source = NULL;
    log_request(connection);
    end(connection);
    neap_os_descriptor_close(connection->socket);
}

int cast_connection_give_socket(struct cast_connection *connection) {
    int socket = connection->socket;
    neap_os_poll_set_remove(connection->loop->connection_set, socket);
    connection->socket = -1;
    end(connection);
    return socket;
}

/* --- answers ------------------------------------------------------------------------- */

static void state_set(struct cast_connection *connection, enum cast_connection_state state) {
    if (connection->state == CAST_CONNECTION_HEAD && state != CAST_CONNECTION_HEAD)
        atomic_fetch_sub(&connection->loop->server->heads, 1);
    connection->state = state;
}

/* What is to be told of the connection from now on. */
static void watch(struct cast_connection *connection, enum neap_os_poll_interest interest) {
    neap_os_poll_set_change(connection->loop->connection_set, connection->socket, (uintptr_t)connection,
                            interest);
}

static void drain_begin(struct cast_connection *connection) {
    state_set(connection, CAST_CONNECTION_DRAIN);
    connection->deadline_ms = cast_loop_now_ms(connection->loop) + DRAIN_MS;
    neap_os_socket_finish(connection->socket);
    watch(connection, NEAP_OS_POLL_READABLE);
}

static void answer_go_on(struct cast_connection *connection) {
    struct neap_span span = {connection->answer + connection->answer_sent,
                             connection->answer_bytes - connection->answer_sent};
    size_t sent = 0;
    int error = neap_os_socket_send(connection->socket, &span, 1, &sent);
    connection->answer_sent += sent;
    if (error != NEAP_OK && error != NEAP_ERROR_BUSY)
        cast_connection_close(connection);
    else if (connection->answer_sent == connection->answer_bytes)
        drain_begin(connection);
    else
        watch(connection, NEAP_OS_POLL_WRITABLE);
}

void cast_connection_answer(struct cast_connection *connection, const struct cast_answer *head,
                            const char *body, size_t body_bytes) {
    if (connection->state == CAST_CONNECTION_CLOSED)
        return;
    connection->answer = malloc(head->bytes + body_bytes);
    if (!connection->answer) {
        cast_connection_close(connection);
        return;
    }
    memcpy(connection->answer, head->text, head->bytes);
    if (body_bytes > 0)
        memcpy(connection->answer + head->bytes, body, body_bytes);
    connection->answer_bytes = head->bytes + body_bytes;
    state_set(connection, CAST_CONNECTION_REPLY);
    connection->deadline_ms = cast_loop_now_ms(connection->loop) + REPLY_MS;
    answer_go_on(connection);
}

void cast_connection_say(struct cast_connection *connection, int status, const char *line) {
    struct cast_answer head;
    char body[512];
    int bytes = snprintf(body, sizeof(body), "%.500s\n", line);
    connection->status = status;
    cast_answer_begin(&head, status, connection->minor);
    cast_answer_header(&head, "Content-Type", "text/plain; charset=utf-8");
    cast_answer_number(&head, "Content-Length", (uint64_t)bytes);
    if (status == 401)
        cast_answer_header(&head, "WWW-Authenticate", "Basic realm=\"Neap cast\"");
    if (status == 429 || status == 503)
        cast_answer_number(&head, "Retry-After", status == 429 ? CAST_ATTEMPT_WAIT_S : 5);
    cast_answer_header(&head, "Connection", "close");
    cast_answer_cross_origin(&head, 0);
    cast_answer_end(&head);
    cast_connection_answer(connection, &head, body, (size_t)bytes);
}

void cast_connection_wait(struct cast_connection *connection) {
    state_set(connection, CAST_CONNECTION_AWAY);
    connection->deadline_ms = 0;
    watch(connection, NEAP_OS_POLL_ENDED);
}

void cast_connection_take_outcome(struct cast_connection *connection, enum cast_source_outcome outcome) {
    if (outcome == CAST_SOURCE_GOES_ON)
        return;
    if (outcome != CAST_SOURCE_ENDED || !connection->owes_answer) {
        cast_connection_close(connection);
        return;
    }
    cast_source_end(connection->source);
    connection->source = NULL;
    cast_connection_say(connection, 200, "The whole stream was received.");
}

void cast_connection_become_source(struct cast_connection *connection, struct cast_source *source) {
    state_set(connection, CAST_CONNECTION_SOURCE);
    connection->source = source;
    connection->deadline_ms = 0;
    watch(connection, NEAP_OS_POLL_READABLE);
}

/* --- reading ------------------------------------------------------------------------- */

/* A whole head: the routes take it. Strings of the request lie in connection->bytes. */
static void head_take(struct cast_connection *connection, struct cast_request *request, size_t head_bytes) {
    connection->minor = request->head.minor;
    atomic_fetch_add(&connection->loop->server->requests, 1);
    cast_route(connection, request, connection->bytes + head_bytes, connection->count - head_bytes);
}

static void head_refuse(struct cast_connection *connection, int status) {
    const char *line = status == 414   ? "The path of the request is too long."
                       : status == 431 ? "The head of the request is too large."
                       : status == 501 ? "This method or encoding is not known here."
                       : status == 505 ? "This version of HTTP is not spoken here."
                                       : "This is no HTTP request.";
    connection->minor = 1;
    atomic_fetch_add(&connection->loop->server->refused, 1);
    cast_connection_say(connection, status, line);
}

static bool head_reserve(struct cast_connection *connection) {
    if (connection->count + 1 < connection->room)
        return true;
    size_t room = connection->room == 0 ? HEAD_ROOM_FIRST : connection->room * 2;
    if (room > CAST_HEAD_BYTES_MOST + HEAD_ROOM_FIRST)
        room = CAST_HEAD_BYTES_MOST + HEAD_ROOM_FIRST;
    char *grown = room > connection->count + 1 ? realloc(connection->bytes, room) : NULL;
    if (!grown)
        return false;
    connection->bytes = grown;
    connection->room = room;
    return true;
}

static void head_read(struct cast_connection *connection) {
    struct cast_request request;
    size_t got;
    if (!head_reserve(connection)) {
        cast_connection_close(connection);
        return;
    }
    int error = neap_os_socket_receive(connection->socket, connection->bytes + connection->count,
                                       connection->room - 1 - connection->count, &got);
    if (error == NEAP_ERROR_BUSY)
        return;
    if (error != NEAP_OK || got == 0) {
        cast_connection_close(connection);
        return;
    }
    connection->count += got;
    int bytes = cast_request_parse(connection->bytes, connection->count, connection->searched, &request);
    connection->searched = connection->count;
    if (bytes < 0)
        head_refuse(connection, -bytes);
    else if (bytes > 0)
        head_take(connection, &request, (size_t)bytes);
}

static void drain_read(struct cast_connection *connection) {
    char dropped[DROP_BYTES];
    size_t got;
    int error = neap_os_socket_receive(connection->socket, dropped, sizeof(dropped), &got);
    if (error != NEAP_ERROR_BUSY && (error != NEAP_OK || got == 0))
        cast_connection_close(connection);
}

static void serve(struct cast_connection *connection) {
    switch (connection->state) {
    case CAST_CONNECTION_HEAD:
        head_read(connection);
        break;
    case CAST_CONNECTION_REPLY:
        answer_go_on(connection);
        break;
    case CAST_CONNECTION_SOURCE:
        cast_connection_take_outcome(connection, cast_source_read(connection->source, connection->socket));
        break;
    case CAST_CONNECTION_DRAIN:
        drain_read(connection);
        break;
    case CAST_CONNECTION_AWAY: /* it ended; the answer that is on its way finds that */
        neap_os_poll_set_remove(connection->loop->connection_set, connection->socket);
        break;
    case CAST_CONNECTION_CLOSED:
        break;
    }
}

void cast_connection_take_events(struct cast_loop *loop) {
    struct neap_os_poll_event events[EVENTS_AT_ONCE];
    unsigned count = neap_os_poll_set_take(loop->connection_set, events, EVENTS_AT_ONCE);
    for (unsigned i = 0; i < count; i++)
        serve((struct cast_connection *)(uintptr_t)events[i].tag);
    cast_connection_free_closed(loop);
}

/* --- beginning, and deadlines ---------------------------------------------------------- */

void cast_connection_new(struct cast_loop *loop, int socket, const struct neap_os_address *peer) {
    struct cast_connection *connection = calloc(1, sizeof(*connection));
    if (!connection || neap_os_poll_set_add(loop->connection_set, socket, (uintptr_t)connection,
                                            NEAP_OS_POLL_READABLE) != NEAP_OK) {
        free(connection);
        neap_os_descriptor_close(socket);
        return;
    }
    struct cast_station_held *held = cast_server_station(loop->server);
    connection->loop = loop;
    connection->socket = socket;
    connection->peer = *peer;
    connection->minor = 1;
    connection->since_ms = cast_loop_now_ms(loop);
    connection->deadline_ms = connection->since_ms + held->station->header_timeout_ms;
    cast_station_held_drop(held);
    connection->behind = loop->connections;
    if (loop->connections)
        loop->connections->before = connection;
    else
        loop->oldest = connection;
    loop->connections = connection;
    atomic_fetch_add(&loop->server->connections, 1);
    atomic_fetch_add(&loop->server->heads, 1);
}

static void overdue(struct cast_connection *connection) {
    switch (connection->state) {
    case CAST_CONNECTION_HEAD:
        if (connection->count > 0)
            cast_connection_say(connection, 408, "The request did not come in time.");
        else
            cast_connection_close(connection);
        break;
    case CAST_CONNECTION_REPLY:
    case CAST_CONNECTION_DRAIN:
        cast_connection_close(connection);
        break;
    case CAST_CONNECTION_SOURCE:
    case CAST_CONNECTION_AWAY:
    case CAST_CONNECTION_CLOSED:
        break;
    }
}

void cast_connection_drop_oldest_head(struct cast_loop *loop) {
    for (struct cast_connection *connection = loop->oldest; connection; connection = connection->before) {
        if (connection->state == CAST_CONNECTION_HEAD) {
            cast_connection_close(connection);
            return;
        }
    }
}

void cast_connection_sweep(struct cast_loop *loop) {
    uint64_t now_ms = cast_loop_now_ms(loop);
    struct cast_connection *behind;
    for (struct cast_connection *connection = loop->connections; connection; connection = behind) {
        behind = connection->behind;
        if (connection->state == CAST_CONNECTION_SOURCE && cast_source_is_silent(connection->source, now_ms))
            cast_connection_close(connection);
        else if (connection->deadline_ms != 0 && now_ms >= connection->deadline_ms)
            overdue(connection);
    }
    cast_connection_free_closed(loop);
}
