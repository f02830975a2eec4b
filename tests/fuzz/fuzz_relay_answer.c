/* Fuzz target: answers that a relay gets. The first byte says how the rest is cut into pieces; in pieces and
 * at once, the same must be understood. What was understood goes on as in a relay. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cast/format/icy_metadata.h"
#include "cast/format/relay_answer.h"
#include "cast/format/relay_path.h"
#include "cast/format/relay_url.h"
#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int parse_in_pieces(char *bytes, size_t count, size_t step, struct cast_relay_answer *answer,
                           const char **why) {
    int result = 0;
    for (size_t fed = 0; result == 0 && fed < count;) {
        size_t searched = fed;
        fed = count - fed < step ? count : fed + step;
        result = cast_relay_answer_parse(bytes, fed, searched, answer, why);
    }
    return result;
}

static void heads_verify(const struct cast_relay_answer *one, const struct cast_relay_answer *other,
                         const char *head, int bytes) {
    expect(one->status == other->status && one->status >= 100 && one->status <= 999);
    expect(one->head.minor <= 1 && one->head.minor == other->head.minor);
    expect(one->head.chunked == other->head.chunked && one->head.length == other->head.length);
    expect(one->head.header_count == other->head.header_count && one->head.header_count <= CAST_HEADERS_MOST);
    for (unsigned i = 0; i < one->head.header_count; i++) {
        const struct cast_header *header = &one->head.headers[i];
        expect(header->name > head && header->value < head + bytes);
        expect(strcmp(header->name, other->head.headers[i].name) == 0);
        expect(strcmp(header->value, other->head.headers[i].value) == 0);
        expect(!strpbrk(header->name, " \t\r\n:") && !strpbrk(header->value, "\r\n"));
    }
}

static void answer_use(const struct cast_relay_answer *answer) {
    const char *location = cast_head_find(&answer->head, "location");
    const char *path = cast_head_find(&answer->head, "neap-relay");
    struct cast_relay_url url;
    char mark[CAST_RELAY_MARK_ROOM], joined[CAST_RELAY_PATH_ROOM], request[CAST_RELAY_REQUEST_ROOM];
    expect(cast_relay_url_read("http://a:8000/b", &url));
    if (location && cast_relay_url_follow(&url, location, &url)) {
        size_t bytes = cast_relay_request_write(&url, request);
        expect(bytes == strlen(request) && strcmp(request + bytes - 4, "\r\n\r\n") == 0);
        expect(url.host[0] && url.port && url.target[0] == '/' && !strpbrk(url.target, " \r\n#"));
    }
    if (path && cast_relay_path_valid(path)) {
        cast_relay_path_join(cast_relay_mark(1, "/a", mark), path, joined);
        expect(cast_relay_path_valid(joined) && cast_relay_path_has(joined, mark));
    }
}

static void body_use(const struct cast_relay_answer *answer, char *bytes, size_t count, size_t step) {
    struct cast_body body;
    struct cast_icy_reader reader;
    const char *interval = cast_head_find(&answer->head, "icy-metaint");
    unsigned long every = interval ? strtoul(interval, NULL, 10) : 0;
    cast_relay_answer_body(answer, &body);
    cast_icy_reader_open(&reader, every > 0 && every <= INT32_MAX ? (uint32_t)every : 1);
    for (size_t fed = 0; fed < count; fed += step) {
        size_t piece = count - fed < step ? count - fed : step;
        long decoded = cast_body_decode(&body, bytes + fed, piece);
        expect(decoded >= -1 && decoded <= (long)piece);
        if (decoded < 0)
            return;
        expect(cast_icy_reader_feed(&reader, bytes + fed, (size_t)decoded) <= (size_t)decoded);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct cast_relay_answer whole, pieces;
    const char *why = NULL, *same_why = NULL;
    if (bytes < 1)
        return 0;
    size_t step = (size_t)data[0] + 1;
    data++;
    bytes--;
    char *one = copy_of(data, bytes, 1), *other = copy_of(data, bytes, 1);
    int head = cast_relay_answer_parse(one, bytes, 0, &whole, &why);
    int same = parse_in_pieces(other, bytes, step, &pieces, &same_why);
    expect(head == same && head >= -1 && head <= CAST_HEAD_BYTES_MOST);
    expect((head < 0) == (why != NULL) && (same < 0) == (same_why != NULL));
    if (head > 0) {
        expect(memcmp(one + head, data + head, bytes - (size_t)head) == 0);
        heads_verify(&whole, &pieces, one, head);
        answer_use(&whole);
        body_use(&whole, one + head, bytes - (size_t)head, step);
    }
    free(one);
    free(other);
    return 0;
}
