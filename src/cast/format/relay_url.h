/* cast/format/relay_url.h: where a relay gets its stream: http://host[:port][/path][?query]. Any thread;
 * nothing is allocated. */
#ifndef CAST_FORMAT_RELAY_URL_H
#define CAST_FORMAT_RELAY_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CAST_RELAY_HOST_ROOM = 256, CAST_RELAY_TARGET_ROOM = 1024 };

struct cast_relay_url {
    char host[CAST_RELAY_HOST_ROOM]; /* a name or an address, an address of version 6 without its brackets */
    uint16_t port;
    char target[CAST_RELAY_TARGET_ROOM]; /* path and query as a request has them; "/" if there is none */
};

/* Reads a URL. In its path, bytes beyond ASCII become %XX. False if it is no URL of the scheme http, names a
 * user, or holds white space, a control character, or anything else that could end or change the request. */
bool cast_relay_url_read(const char *text, struct cast_relay_url *url);

/* Reads what the header Location of an answer to a request of `from` says: a URL, or a path on the same host.
 */
bool cast_relay_url_follow(const struct cast_relay_url *from, const char *location,
                           struct cast_relay_url *to);

/* Writes the request for the stream. Returns its bytes. */
enum { CAST_RELAY_REQUEST_ROOM = CAST_RELAY_HOST_ROOM + CAST_RELAY_TARGET_ROOM + 256 };
size_t cast_relay_request_write(const struct cast_relay_url *url, char out[CAST_RELAY_REQUEST_ROOM]);

#endif
