/* cast/format/request.h: one HTTP request, whose bytes come from anybody.
 *
 *     PUT /live.ogg HTTP/1.1\r\n  Host: …\r\n  ice-name: …\r\n  \r\n | body
 *     `------------------ head, at most 8 KiB --------------------'
 *
 * The caller gathers bytes in one buffer until a whole head is there. The parse is done in place: names
 * and values become strings within the buffer. head.h has the headers and the body.
 *
 * Nothing is allocated. One thread at a time for one request.
 */
#ifndef CAST_FORMAT_REQUEST_H
#define CAST_FORMAT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cast/format/head.h"

enum cast_method {
    CAST_METHOD_GET,
    CAST_METHOD_HEAD,
    CAST_METHOD_OPTIONS,
    CAST_METHOD_PUT,
    CAST_METHOD_SOURCE, /* as Icecast's older source clients have it */
    CAST_METHOD_POST,
    CAST_METHOD_OTHER,
};

struct cast_request {
    enum cast_method method;
    const char *path;  /* percent-decoded; begins with '/'; without a byte below 32 and without 127 */
    const char *query; /* what follows '?', as it was sent; "" if there is none */
    struct cast_head head;
};

/* Parses the head at the front of bytes[0 .. count), which must have room for one byte more. Bytes before
 * `searched` were seen by an earlier call that returned 0. Returns the bytes of the head, with *request
 * filled in; its strings live as long as the buffer. Returns 0 if the head is not complete. Returns a
 * negative HTTP status if it is to be refused: -400 malformed, -414 the path and query are over half of the
 * buffer's limit, -431 over CAST_HEAD_BYTES_MOST bytes or CAST_HEADERS_MOST headers, -501 CONNECT, a method
 * that libhttp-parser does not know, or an encoding of the body other than chunked, -505 a version that is
 * not 1.0 or 1.1. Malformed is, too, what proxies could read in another way: both Content-Length and
 * Transfer-Encoding, either of them given twice, Hosts that differ, chunks with HTTP/1.0, a line that does
 * not end in CR LF or is folded, a control character. One empty line may come before the request, and "*" of
 * OPTIONS is the path "/". */
int cast_request_parse(char *bytes, size_t count, size_t searched, struct cast_request *request);

/* The value of the first header of that name (in any case), or NULL. */
const char *cast_request_header(const struct cast_request *request, const char *name);

/* Prepares the decoding of the request's body. Without a length and chunks, that of PUT and SOURCE lasts
 * until the connection ends, and others have none. The request is not needed afterwards. */
void cast_request_body(const struct cast_request *request, struct cast_body *body);

#endif
