/* cast/format/head.h: the headers of one HTTP message, and its body; both come from anybody.
 *
 *     first line\r\n | Name: value\r\n … \r\n | body
 *     `--- request.h, relay_answer.h -------'   `--- cast_body_decode
 *
 * Names and values become strings within the buffer of the head. The body is decoded in place, piece by
 * piece: from `5\r\nhello\r\n` stays `hello` at the front of the piece. libhttp-parser does the parsing.
 *
 * Nothing is allocated. One thread at a time for one message.
 */
#ifndef CAST_FORMAT_HEAD_H
#define CAST_FORMAT_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <http_parser.h>

enum {
    CAST_HEAD_BYTES_MOST = 8192,
    CAST_HEADERS_MOST = 64,
};

struct cast_header {
    const char *name, *value; /* strings within the buffer; the value without white space around it */
};

struct cast_head {
    unsigned minor; /* of HTTP/1.minor; 0 for ICE/1.0 and ICY */
    struct cast_header headers[CAST_HEADERS_MOST];
    unsigned header_count;
    bool chunked;    /* the body is in chunks */
    uint64_t length; /* Content-Length; UINT64_MAX if there is none */
    http_parser parser;
};

/* The value of the first header of that name (in any case), or NULL. */
const char *cast_head_find(const struct cast_head *head, const char *name);

enum cast_body_kind {
    CAST_BODY_NONE,
    CAST_BODY_ENDLESS, /* until the connection ends */
    CAST_BODY_COUNTED,
    CAST_BODY_CHUNKED,
};

struct cast_body {
    enum cast_body_kind kind;
    bool ended;    /* no byte of the body follows */
    uint64_t left; /* COUNTED: bytes that are still to come */
    char wanted;   /* CHUNKED: the byte that must come next between chunks, CR or LF; 0: any other */
    http_parser parser;
};

/* Prepares the decoding of a body whose head says this; `otherwise` is its kind if the head says neither a
 * length nor chunks: NONE or ENDLESS. The head is not needed afterwards. */
void cast_body_open(struct cast_body *body, const struct cast_head *head, enum cast_body_kind otherwise);

/* Decodes bytes[0 .. count) in place. Returns the number of the body's bytes, now at the front, and sets
 * body->ended when the last has come; what follows it is dropped. -1 if the chunks are malformed, then and
 * ever after. */
long cast_body_decode(struct cast_body *body, char *bytes, size_t count);

/* --- between head.c, request.c and relay_answer.c --------------------------------------------------------
 */

/* What the parser found, while the bytes are as they were sent. */
struct cast__head_reading {
    struct cast_head head;
    const char *target; /* of a request */
    size_t target_bytes;
    size_t name_bytes[CAST_HEADERS_MOST], value_bytes[CAST_HEADERS_MOST];
    int refusal; /* of a header */
};

/* Looks for the empty line in bytes[from .. count), whose head begins at `first`. Returns where the body
 * begins, 0 if no empty line is there, -400 if a byte cannot be part of a head. */
int cast__head_end(const char *bytes, size_t first, size_t from, size_t count);

/* Begins with a parser for HTTP_REQUEST or HTTP_RESPONSE. */
void cast__head_begin(struct cast__head_reading *reading, enum http_parser_type type);

/* Has the parser read bytes of the head. Returns whether it took them all; else its error tells why. */
bool cast__head_read(struct cast__head_reading *reading, const char *head, size_t bytes);

/* The whole head was read: makes strings of names and values, and verifies what the parser leaves to others.
 * Returns 0; -400 for what proxies could read in another way; -501 for an encoding other than chunked. */
int cast__head_finish(struct cast__head_reading *reading, char *bytes, unsigned minor);

#endif
