/* cast/server/status_page.h: the page at `/`: what is on air, who listens, and a player. It is read without a
 * script. */
#ifndef CAST_SERVER_STATUS_PAGE_H
#define CAST_SERVER_STATUS_PAGE_H

#include "cast/server/route.h"

void cast_status_page_send(struct cast_connection *connection, const struct cast_request *request,
                           const struct cast_station *station);

#endif
