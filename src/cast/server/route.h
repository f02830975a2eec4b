/* cast/server/route.h: which request goes where.
 *
 *     GET, HEAD  /MOUNT                                        route_listen.c
 *     PUT, SOURCE /MOUNT                                       route_source.c
 *     GET  /  /status-json.xsl  /metrics  /MOUNT.m3u  .xspf    route_status.c
 *     GET, POST  /admin/…                                      route_admin.c
 *     OPTIONS    everything                                    route.c
 *
 * A handler answers, hands the connection over, or lets it wait for an errand, before it returns. The
 * request's strings are valid until then. One thread, that of the loop.
 */
#ifndef CAST_SERVER_ROUTE_H
#define CAST_SERVER_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cast/format/request.h"
#include "cast/server/connection.h"
#include "cast/server/server.h"

struct cast_mount;

/* Serves a request whose head is complete; `rest` are bytes that came behind it. */
void cast_route(struct cast_connection *connection, struct cast_request *request, const char *rest,
                size_t rest_bytes);

/* The handlers. */
void cast_route_listen(struct cast_connection *connection, const struct cast_request *request,
                       const struct cast_station_held *held);
void cast_route_source(struct cast_connection *connection, const struct cast_request *request,
                       const char *rest, size_t rest_bytes, const struct cast_station_held *held);
bool cast_route_status(struct cast_connection *connection, const struct cast_request *request,
                       const struct cast_station_held *held);
void cast_route_admin(struct cast_connection *connection, const struct cast_request *request,
                      const struct cast_station_held *held);

/* Whose password a request has to bring. */
enum cast_right { CAST_RIGHT_SOURCE, CAST_RIGHT_ADMIN, CAST_RIGHT_EITHER };

/* Whether the request brings the right password for a mount. If not, it has been answered with 401 or, for
 * who failed too often, 429. */
bool cast_route_permit(struct cast_connection *connection, const struct cast_request *request,
                       const struct cast_station *station, const char *mount_name, enum cast_right right);

/* A page that is written to a stream and then sent. */
struct cast_page {
    FILE *out;
    char *text;
    size_t bytes;
};

/* Opens a page, which must not move until it is sent. False if there is no memory; the connection has been
 * answered then. */
bool cast_page_open(struct cast_page *page, struct cast_connection *connection);

/* Sends it with the status and type, or, for HEAD, its head only. Frees it. */
void cast_page_send(struct cast_connection *connection, struct cast_page *page, int status, const char *type,
                    bool head_only);

#endif
