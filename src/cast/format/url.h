/* cast/format/url.h: paths of mounts, parameters of queries, and characters. Any thread; nothing is
 * allocated. */
#ifndef CAST_FORMAT_URL_H
#define CAST_FORMAT_URL_H

#include <stdbool.h>
#include <stddef.h>

enum { CAST_MOUNT_BYTES_MOST = 255 };

/* Decodes %XX in place. False, with `text` undefined, if a % is not followed by two hexadecimal digits, or if
 * a byte below 32 or 127 comes out. */
bool cast_percent_decode(char *text);

/* Writes `text` so that it can stand in the path of a URL: everything but unreserved characters and '/' as
 * %XX. False if it does not fit; `out` then is an empty string. */
bool cast_percent_encode(const char *text, char *out, size_t room);

/* Copies the decoded value of the query's first parameter of that name ('+' is a space). Control characters
 * become spaces: a title that was read from a file may end in a line feed. False if there is none, or if it
 * is malformed, holds a NUL byte or does not fit; `out` then is an empty string. */
bool cast_query_find(const char *query, const char *name, char *out, size_t room);

/* Whether a decoded path can be the name of a mount. It begins with '/', has 2 to CAST_MOUNT_BYTES_MOST bytes
 * of valid UTF-8 without control characters, no empty part, no part "." or "..", no '\\' and no '"', and it
 * is none of the server's own paths: /admin and all below, /metrics, /status-json.xsl, /status.xsl,
 * /favicon.ico, and what ends in .m3u or .xspf. */
bool cast_mount_name_valid(const char *path);

#endif
