/* cast/server/route_source.c: a source asks for a mount. */
#include <neap/error.h>
#include <neap/stream.h>

#include <string.h>
#include <strings.h>

#include "cast/format/url.h"
#include "cast/server/log.h"
#include "cast/server/loop.h"
#include "cast/server/route.h"
#include "cast/server/source.h"
#include "os/socket.h"

/* Tells the source to begin. Clients of the method SOURCE wait for this line, and so do those of PUT, but for
 * the ones that said Expect: they wait for 100 and take the final answer at the end. */
static bool welcome(struct cast_connection *connection, const struct cast_request *request) {
    const char *expect = cast_request_header(request, "expect");
    connection->owes_answer = expect && strcasecmp(expect, "100-continue") == 0;
    const char *line = connection->owes_answer ? "HTTP/1.1 100 Continue\r\n\r\n"
                       : request->method == CAST_METHOD_SOURCE || request->head.minor == 0
                           ? "HTTP/1.0 200 OK\r\n\r\n"
                           : "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    struct neap_span span = {(void *)(uintptr_t)line, strlen(line)};
    size_t sent = 0;
    return neap_os_socket_send(connection->socket, &span, 1, &sent) == NEAP_OK && sent == span.bytes;
}

void cast_route_source(struct cast_connection *connection, const struct cast_request *request,
                       const char *rest, size_t rest_bytes, const struct cast_station_held *held) {
    struct cast_source *source;
    if (!cast_route_permit(connection, request, held->station, request->path, CAST_RIGHT_SOURCE))
        return;
    if (!cast_mount_name_valid(request->path)) {
        cast_connection_say(connection, 403, "A mount cannot have this name.");
        return;
    }
    struct cast_source_offer offer = {
        .mount_name = request->path, .head = &request->head, .peer = &connection->peer};
    cast_request_body(request, &offer.body);
    int error = cast_source_new(connection->loop, &offer, &source);
    if (error != NEAP_OK) {
        cast_connection_say(connection, error == NEAP_ERROR_BUSY ? 403 : 503,
                            error == NEAP_ERROR_BUSY ? "Mountpoint in use: it has a source already."
                                                     : "There are too many sources.");
        return;
    }
    connection->status = 200;
    cast_connection_become_source(connection, source);
    cast_connection_take_outcome(connection, welcome(connection, request)
                                                 ? cast_source_feed(source, rest, rest_bytes)
                                                 : CAST_SOURCE_BROKEN);
}
