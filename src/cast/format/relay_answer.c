/* cast/format/relay_answer.c: the first line is read here, since libhttp-parser knows no "ICY 200 OK"; it is
 * given a line of HTTP in its place, and then the headers as they came. */
#include "cast/format/relay_answer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Reads the first line as far as it is there. Returns the bytes of the line, 0 if it is not complete, -1 if
 * it cannot become one. */
static int line_read(const char *bytes, size_t count, int *status, unsigned *minor) {
    static const char *const protocols[] = {"HTTP/1.0 ", "HTTP/1.1 ", "ICY "};
    const char *end = memchr(bytes, '\n', count);
    size_t line = end ? (size_t)(end - bytes) + 1 : count;
    for (unsigned i = 0; i < 3; i++) {
        size_t length = strlen(protocols[i]), there = line < length ? line : length;
        if (memcmp(bytes, protocols[i], there) != 0)
            continue;
        *minor = i == 1;
        *status = 0;
        for (size_t at = length; at < length + 3 && at < line; at++) {
            if (bytes[at] < (at == length ? '1' : '0') || bytes[at] > '9')
                return -1;
            *status = *status * 10 + (bytes[at] - '0');
        }
        if (line > length + 3 && bytes[length + 3] != ' ' && bytes[length + 3] != '\r')
            return -1;
        return end ? line > length + 3 ? (int)line : -1 : 0;
    }
    return -1;
}

static int refuse(const char **why, const char *text) {
    *why = text;
    return -1;
}

int cast_relay_answer_parse(char *bytes, size_t count, size_t searched, struct cast_relay_answer *answer,
                            const char **why) {
    assert(searched <= count);
    int status;
    unsigned minor;
    if (count == 0)
        return 0;
    int line = line_read(bytes, count, &status, &minor);
    if (line < 0)
        return refuse(why, "it does not answer as HTTP or SHOUTcast do");
    size_t most = count < CAST_HEAD_BYTES_MOST ? count : CAST_HEAD_BYTES_MOST;
    int end = cast__head_end(bytes, 0, searched, most);
    if (end == 0 && count < CAST_HEAD_BYTES_MOST)
        return 0;
    if (end <= 0)
        return refuse(why, end == 0 ? "the head of its answer is too large"
                                    : "the head of its answer is malformed");

    struct cast__head_reading reading;
    char first[32];
    int first_bytes = snprintf(first, sizeof(first), "HTTP/1.%u %d OK\r\n", minor, status);
    cast__head_begin(&reading, HTTP_RESPONSE);
    bool whole = cast__head_read(&reading, first, (size_t)first_bytes) &&
                 cast__head_read(&reading, bytes + line, (size_t)(end - line));
    if (!whole)
        return refuse(why, reading.refusal == -431 ? "its answer has too many headers"
                                                   : "the head of its answer is malformed");
    int refusal = cast__head_finish(&reading, bytes, minor);
    if (refusal != 0)
        return refuse(why, refusal == -501 ? "its answer is in an encoding that is not known here"
                                           : "the head of its answer is malformed");
    answer->status = status;
    answer->head = reading.head;
    return end;
}

void cast_relay_answer_body(const struct cast_relay_answer *answer, struct cast_body *body) {
    cast_body_open(body, &answer->head, CAST_BODY_ENDLESS);
}

bool cast_relay_answer_redirects(const struct cast_relay_answer *answer) {
    return answer->status == 301 || answer->status == 302 || answer->status == 307 || answer->status == 308;
}
