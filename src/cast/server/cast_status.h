/* cast/server/cast_status.h: `neap cast status`: a view of the mounts of a server that runs.
 *
 * It asks the server for /status-json.xsl, so it sees what everybody sees, of Icecast's servers too. Main
 * thread.
 */
#ifndef CAST_SERVER_CAST_STATUS_H
#define CAST_SERVER_CAST_STATUS_H

#include <stdint.h>

/* Prints the view once or, if `watch_s` is over 0, again and again until it is interrupted. `address` is
 * ADDR:PORT. Returns the exit code; an error is one line on stderr. */
int cast_status(const char *address, uint64_t watch_s);

#endif
