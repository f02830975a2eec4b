/* cast/format/answer.h: the head of an HTTP answer, built in a fixed buffer.
 *
 *     struct cast_answer answer;
 *     cast_answer_begin(&answer, 200, 1);
 *     cast_answer_header(&answer, "Content-Type", type);
 *     cast_answer_end(&answer);
 *     send(socket, answer.text, answer.bytes, …);
 *
 * A value is made harmless: it can neither end a header nor begin another. One thread at a time.
 */
#ifndef CAST_FORMAT_ANSWER_H
#define CAST_FORMAT_ANSWER_H

#include <stddef.h>
#include <stdint.h>

enum { CAST_ANSWER_BYTES_MOST = 4096 };

struct cast_answer {
    size_t bytes;
    char text[CAST_ANSWER_BYTES_MOST];
};

/* Begins an answer with status line, Date and Server. `minor` as in struct cast_request: HTTP/1.0 is answered
 * with HTTP/1.0, everything else with HTTP/1.1. */
void cast_answer_begin(struct cast_answer *answer, int status, unsigned minor);

/* Adds a header. Bytes of the value below 32, and 127, become spaces. A header that does not fit beside
 * the end of the head is left out. A NULL or empty value adds nothing. */
void cast_answer_header(struct cast_answer *answer, const char *name, const char *value);
void cast_answer_number(struct cast_answer *answer, const char *name, uint64_t value);

/* Adds the headers that let pages of other origins play a stream and read its ICY headers:
 * Access-Control-Allow-Origin and its kin, as the Fetch standard wants them. `preflight`: for OPTIONS. */
void cast_answer_cross_origin(struct cast_answer *answer, int preflight);

/* Adds the empty line. */
void cast_answer_end(struct cast_answer *answer);

/* The reason phrase of a status; "Status" for one that is not known. */
const char *cast_answer_reason(int status);

#endif
