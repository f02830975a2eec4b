/* cast/server/route.c: the table of routes, passwords, and pages. */
#include "cast/server/route.h"

#include <stdlib.h>
#include <string.h>

#include "cast/format/url.h"
#include "cast/server/loop.h"
#include "cast/server/log.h"

static const char *const method_names[] = {
    [CAST_METHOD_GET] = "GET", [CAST_METHOD_HEAD] = "HEAD",     [CAST_METHOD_OPTIONS] = "OPTIONS",
    [CAST_METHOD_PUT] = "PUT", [CAST_METHOD_SOURCE] = "SOURCE", [CAST_METHOD_POST] = "POST",
    [CAST_METHOD_OTHER] = "-",
};

/* --- pages --------------------------------------------------------------------------- */

bool cast_page_open(struct cast_page *page, struct cast_connection *connection) {
    *page = (struct cast_page){.out = NULL};
    page->out = open_memstream(&page->text, &page->bytes);
    if (!page->out)
        cast_connection_say(connection, 503, "The server has no memory for an answer.");
    return page->out != NULL;
}

void cast_page_send(struct cast_connection *connection, struct cast_page *page, int status, const char *type,
                    bool head_only) {
    bool whole = fclose(page->out) == 0;
    struct cast_answer head;
    connection->status = whole ? status : 503;
    cast_answer_begin(&head, connection->status, connection->minor);
    cast_answer_header(&head, "Content-Type", type);
    cast_answer_number(&head, "Content-Length", whole ? page->bytes : 0);
    cast_answer_header(&head, "Cache-Control", "no-cache, no-store");
    cast_answer_header(&head, "X-Content-Type-Options", "nosniff");
    cast_answer_header(&head, "Connection", "close");
    cast_answer_cross_origin(&head, 0);
    cast_answer_end(&head);
    cast_connection_answer(connection, &head, page->text, whole && !head_only ? page->bytes : 0);
    free(page->text);
}

/* --- passwords -------------------------------------------------------------------------- */

static bool is_admin(const struct cast_station *station, const struct cast_credentials *given) {
    /* Both are compared always, so that the time does not tell which was wrong. */
    const char *wanted = station->admin_password ? station->admin_password : "";
    bool user = cast_password_equal(station->admin_user, given->user);
    bool password = cast_password_equal(wanted, given->password);
    return user && password && *wanted;
}

static bool is_source(const struct cast_station *station, const char *mount_name,
                      const struct cast_credentials *given) {
    const struct cast_mount_settings *mount = cast_station_mount(station, mount_name);
    const char *user = mount->source_user ? mount->source_user : "source";
    const char *wanted = mount->source_password ? mount->source_password : "";
    bool same_user = cast_password_equal(user, given->user);
    bool same_password = cast_password_equal(wanted, given->password);
    return same_user && same_password && *wanted;
}

static uint32_t wait_of(struct cast_connection *connection) {
    struct cast_server *server = connection->loop->server;
    neap_os_lock(&server->lock);
    uint32_t wait =
        cast_attempts_wait_s(&server->attempts, connection->peer.bytes, cast_loop_now_s(connection->loop));
    neap_os_unlock(&server->lock);
    return wait;
}

static void attempt_note(struct cast_connection *connection, bool succeeded) {
    struct cast_server *server = connection->loop->server;
    neap_os_lock(&server->lock);
    cast_attempts_note(&server->attempts, connection->peer.bytes, cast_loop_now_s(connection->loop),
                       succeeded);
    neap_os_unlock(&server->lock);
}

bool cast_route_permit(struct cast_connection *connection, const struct cast_request *request,
                       const struct cast_station *station, const char *mount_name, enum cast_right right) {
    struct cast_credentials given;
    const char *header = cast_request_header(request, "authorization");
    if (wait_of(connection) > 0) {
        cast_connection_say(connection, 429,
                            "Too many wrong passwords from your address. Try again in a minute.");
        return false;
    }
    if (!header) {
        cast_connection_say(connection, 401, "A password is needed here.");
        return false;
    }
    bool permitted = cast_credentials_decode(header, &given);
    if (permitted) {
        bool source = is_source(station, mount_name, &given), admin = is_admin(station, &given);
        permitted = (source && right != CAST_RIGHT_ADMIN) || (admin && right != CAST_RIGHT_SOURCE);
        free(connection->user);
        connection->user = strdup(given.user);
    }
    attempt_note(connection, permitted);
    if (!permitted) {
        char address[NEAP_OS_ADDRESS_ROOM];
        cast_log_event("warning", "wrong-password", "address",
                       neap_os_address_write(&connection->peer, address), "path", request->path, NULL);
        cast_connection_say(connection, 401, "The user or the password is wrong.");
    }
    memset(&given, 0, sizeof(given));
    return permitted;
}

/* --- the table -------------------------------------------------------------------------- */

/* The address of the one who asks: for a connection of a proxy that is trusted, the last address in
 * X-Forwarded-For that is no such proxy itself. */
static void peer_look(struct cast_connection *connection, const struct cast_request *request,
                      const struct cast_station_held *held) {
    const char *forwarded = cast_request_header(request, "x-forwarded-for");
    const char *end = forwarded ? forwarded + strlen(forwarded) : NULL;
    for (unsigned hops = 0; forwarded && hops < 8; hops++) {
        bool trusted = false;
        for (size_t i = 0; i < held->proxy_count && !trusted; i++)
            trusted =
                memcmp(held->proxies[i].bytes, connection->peer.bytes, sizeof(connection->peer.bytes)) == 0;
        if (!trusted || end == forwarded)
            return;
        const char *start = end;
        while (start > forwarded && start[-1] != ',')
            start--;
        char text[NEAP_OS_ADDRESS_ROOM];
        const char *first = start + strspn(start, " ");
        size_t bytes = (size_t)(end - first);
        while (bytes > 0 && first[bytes - 1] == ' ')
            bytes--;
        struct neap_os_address address;
        if (bytes >= sizeof(text))
            return;
        memcpy(text, first, bytes);
        text[bytes] = '\0';
        if (!neap_os_address_read(text, &address))
            return;
        connection->peer = address;
        end = start > forwarded ? start - 1 : forwarded;
    }
}

static void options_answer(struct cast_connection *connection) {
    struct cast_answer head;
    connection->status = 204;
    cast_answer_begin(&head, 204, connection->minor);
    cast_answer_header(&head, "Allow", "GET, HEAD, OPTIONS, PUT, SOURCE");
    cast_answer_cross_origin(&head, 1);
    cast_answer_header(&head, "Connection", "close");
    cast_answer_end(&head);
    cast_connection_answer(connection, &head, NULL, 0);
}

static void request_remember(struct cast_connection *connection, const struct cast_request *request) {
    const char *agent = cast_request_header(request, "user-agent"),
               *referrer = cast_request_header(request, "referer");
    if (asprintf(&connection->method_and_path, "%s %s", method_names[request->method], request->path) < 0)
        connection->method_and_path = NULL;
    connection->agent = agent ? strndup(agent, 256) : NULL;
    connection->referrer = referrer ? strndup(referrer, 256) : NULL;
}

void cast_route(struct cast_connection *connection, struct cast_request *request, const char *rest,
                size_t rest_bytes) {
    struct cast_station_held *held = cast_server_station(connection->loop->server);
    bool reads = request->method == CAST_METHOD_GET || request->method == CAST_METHOD_HEAD;
    bool admin = strncmp(request->path, "/admin/", 7) == 0;
    peer_look(connection, request, held);
    request_remember(connection, request);
    if (request->method == CAST_METHOD_OPTIONS)
        options_answer(connection);
    else if (request->method == CAST_METHOD_PUT || request->method == CAST_METHOD_SOURCE)
        cast_route_source(connection, request, rest, rest_bytes, held);
    else if (admin && (reads || request->method == CAST_METHOD_POST))
        cast_route_admin(connection, request, held);
    else if (!reads)
        cast_connection_say(connection, 405, "This method is not allowed here.");
    else if (!cast_route_status(connection, request, held))
        cast_route_listen(connection, request, held);
    cast_station_held_drop(held);
}
