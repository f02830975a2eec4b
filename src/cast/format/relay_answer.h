/* cast/format/relay_answer.h: the answer that a relay gets, whose bytes come from anybody.
 *
 *     HTTP/1.1 200 OK\r\n   Content-Type: audio/mpeg\r\n  icy-name: …\r\n  \r\n | body (head.h)
 *     ICY 200 OK\r\n        as SHOUTcast has it; all else is the same
 *
 * It is read as a request is (request.h): gathered in one buffer, parsed in place, and held to the same
 * rules. One thread at a time for one answer.
 */
#ifndef CAST_FORMAT_RELAY_ANSWER_H
#define CAST_FORMAT_RELAY_ANSWER_H

#include "cast/format/head.h"

struct cast_relay_answer {
    int status; /* 100 to 999 */
    struct cast_head head;
};

/* Parses the head at the front of bytes[0 .. count), which must have room for one byte more. Bytes before
 * `searched` were seen by an earlier call that returned 0. Returns the bytes of the head, with *answer filled
 * in; its strings live as long as the buffer. Returns 0 if the head is not complete, and -1 if it is none, or
 * larger than CAST_HEAD_BYTES_MOST, or has more than CAST_HEADERS_MOST headers; *why then is a static text.
 */
int cast_relay_answer_parse(char *bytes, size_t count, size_t searched, struct cast_relay_answer *answer,
                            const char **why);

/* Prepares the decoding of the body. Without a length and chunks it lasts until the connection ends. */
void cast_relay_answer_body(const struct cast_relay_answer *answer, struct cast_body *body);

/* Whether the status is a redirection that may be followed. */
bool cast_relay_answer_redirects(const struct cast_relay_answer *answer);

#endif
