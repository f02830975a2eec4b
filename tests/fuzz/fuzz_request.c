/* Fuzz target: requests and their bodies. The first byte says how the rest is cut into pieces; in pieces and
 * at once, the same must be understood. What was understood goes through the rest of the module. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cast/format/answer.h"
#include "cast/format/credentials.h"
#include "cast/format/request.h"
#include "cast/format/url.h"
#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* --- the head ---------------------------------------------------------------- */

static int parse_in_pieces(char *bytes, size_t count, uint32_t *state, struct cast_request *request) {
    int result = 0;
    size_t fed = 0;
    while (result == 0 && fed < count) {
        size_t searched = fed;
        fed += piece_next(state, count - fed);
        result = cast_request_parse(bytes, fed, searched, request);
    }
    return result;
}

static void string_verify(const char *text, const char *head, int bytes) {
    expect(text >= head && text < head + bytes);
    expect(memchr(text, '\0', (size_t)(head + bytes - text)) != NULL);
}

static void head_verify(const struct cast_request *request, const char *head, int bytes) {
    expect(request->head.header_count <= CAST_HEADERS_MOST && request->head.minor <= 1);
    expect(!request->head.chunked || request->head.length == UINT64_MAX);
    string_verify(request->path, head, bytes);
    string_verify(request->query, head, bytes);
    expect(request->path[0] == '/');
    for (const char *at = request->path; *at; at++)
        expect((unsigned char)*at >= ' ' && *at != 127);
    for (unsigned i = 0; i < request->head.header_count; i++) {
        const struct cast_header *header = &request->head.headers[i];
        string_verify(header->name, head, bytes);
        string_verify(header->value, head, bytes);
        expect(header->name[0] != '\0' && !strpbrk(header->name, " \t\r\n:"));
        expect(!strpbrk(header->value, "\r\n") && header->value[0] != ' ' && header->value[0] != '\t');
    }
}

static void heads_compare(const struct cast_request *one, const struct cast_request *other) {
    expect(one->method == other->method && one->head.minor == other->head.minor);
    expect(one->head.chunked == other->head.chunked && one->head.length == other->head.length);
    expect(strcmp(one->path, other->path) == 0 && strcmp(one->query, other->query) == 0);
    expect(one->head.header_count == other->head.header_count);
    for (unsigned i = 0; i < one->head.header_count; i++) {
        expect(strcmp(one->head.headers[i].name, other->head.headers[i].name) == 0);
        expect(strcmp(one->head.headers[i].value, other->head.headers[i].value) == 0);
        const char *first = cast_request_header(one, one->head.headers[i].name);
        expect(first && first <= one->head.headers[i].value);
    }
}

/* --- the body ---------------------------------------------------------------- */

/* Decodes a body and returns its bytes, at the front, or -1. `state` is NULL: at once. */
static long body_decode(const struct cast_request *request, char *bytes, size_t count, uint32_t *state) {
    struct cast_body body;
    long decoded = 0;
    cast_request_body(request, &body);
    for (size_t fed = 0; fed < count;) {
        size_t piece = state ? piece_next(state, count - fed) : count;
        char *exact = copy_of((const uint8_t *)bytes + fed, piece, 1);
        long more = cast_body_decode(&body, exact, piece);
        expect(more >= -1 && more <= (long)piece);
        if (more > 0)
            memcpy(bytes + decoded, exact, (size_t)more);
        free(exact);
        if (more < 0) {
            expect(!body.ended && cast_body_decode(&body, bytes, 1) == -1);
            return -1;
        }
        decoded += more;
        fed += piece;
    }
    expect(body.kind != CAST_BODY_ENDLESS || (decoded == (long)count && !body.ended));
    expect(body.kind != CAST_BODY_COUNTED || (uint64_t)decoded + body.left == request->head.length);
    expect(body.kind != CAST_BODY_NONE || decoded == 0);
    return decoded;
}

/* --- what is done with it ---------------------------------------------------- */

static void path_use(const char *path) {
    char encoded[3 * CAST_MOUNT_BYTES_MOST + 1];
    if (!cast_mount_name_valid(path))
        return;
    expect(strlen(path) <= CAST_MOUNT_BYTES_MOST && !strstr(path, "/../") && !strstr(path, "//"));
    expect(cast_percent_encode(path, encoded, sizeof(encoded)));
    expect(cast_percent_decode(encoded) && strcmp(encoded, path) == 0);
}

static void request_use(const struct cast_request *request) {
    static const char *const names[] = {"mode", "mount", "song", "charset", ""};
    struct cast_credentials credentials;
    struct cast_answer answer;
    char value[64];
    path_use(request->path);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bool found = cast_query_find(request->query, names[i], value, sizeof(value));
        expect(strnlen(value, sizeof(value)) < sizeof(value) && (found || value[0] == '\0'));
    }
    const char *authorization = cast_request_header(request, "Authorization");
    if (authorization && cast_credentials_decode(authorization, &credentials)) {
        expect(!strchr(credentials.user, ':'));
        expect(cast_password_equal(credentials.password, credentials.password));
    }
    cast_answer_begin(&answer, 200, request->head.minor);
    for (unsigned i = 0; i < request->head.header_count; i++)
        cast_answer_header(&answer, request->head.headers[i].name, request->head.headers[i].value);
    cast_answer_end(&answer);
    expect(answer.bytes <= sizeof(answer.text) && memcmp(answer.text + answer.bytes - 4, "\r\n\r\n", 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes < 1)
        return 0;
    uint32_t state = data[0];
    data++;
    bytes--;
    static struct cast_request whole, pieces; /* too large for some stacks under a sanitizer */
    char *one = copy_of(data, bytes, 1), *other = copy_of(data, bytes, 1);
    int head = cast_request_parse(one, bytes, 0, &whole);
    int same = parse_in_pieces(other, bytes, &state, &pieces);
    expect(head <= 0 || (head <= CAST_HEAD_BYTES_MOST && (size_t)head <= bytes));
    expect(head >= 0 ? head == same : same < 0);
    expect(head >= 0 || head == -400 || head == -414 || head == -431 || head == -501 || head == -505);
    if (head > 0) {
        size_t left = bytes - (size_t)head;
        expect(memcmp(one + head, data + head, left) == 0);
        head_verify(&whole, one, head);
        heads_compare(&whole, &pieces);
        request_use(&whole);
        long decoded = body_decode(&whole, one + head, left, NULL);
        expect(decoded == body_decode(&pieces, other + head, left, &state));
        expect(decoded <= 0 || memcmp(one + head, other + head, (size_t)decoded) == 0);
    }
    free(one);
    free(other);
    return 0;
}
