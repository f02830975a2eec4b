/* cast/format/head.c: what requests and answers have in common.
 *
 * Debian builds libhttp-parser 2.9.4 with HTTP_PARSER_STRICT=0: it takes a bare LF for the end of a line,
 * joins folded lines, allows spaces in names, and does not look at the two bytes after a chunk. A proxy may
 * read such a message in another way, and then one hides within another (RFC 9112, section 11.2). So whatever
 * the library is lenient with is refused here.
 */
#include "cast/format/head.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

const char *cast_head_find(const struct cast_head *head, const char *name) {
    for (unsigned i = 0; i < head->header_count; i++)
        if (strcasecmp(head->headers[i].name, name) == 0)
            return head->headers[i].value;
    return NULL;
}

int cast__head_end(const char *bytes, size_t first, size_t from, size_t count) {
    for (size_t i = from; i < count; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        char before = i > first ? bytes[i - 1] : ' ';
        if ((byte == '\n') != (before == '\r'))
            return -400;
        if (byte == '\n' && i - first >= 3 && bytes[i - 2] == '\n')
            return (int)(i + 1);
        if ((byte == ' ' || byte == '\t') && before == '\n')
            return -400; /* a folded line: RFC 9112, section 5.2 */
        if ((byte < ' ' && byte != '\t' && byte != '\r' && byte != '\n') || byte == 127)
            return -400;
    }
    return 0;
}

/* --- the parser -------------------------------------------------------------- */

static int url_take(http_parser *parser, const char *at, size_t bytes) {
    struct cast__head_reading *reading = parser->data;
    reading->target = at;
    reading->target_bytes = bytes;
    return 0;
}

static int name_take(http_parser *parser, const char *at, size_t bytes) {
    struct cast__head_reading *reading = parser->data;
    struct cast_head *head = &reading->head;
    reading->refusal = head->header_count == CAST_HEADERS_MOST ? -431 : memchr(at, ' ', bytes) ? -400 : 0;
    if (reading->refusal != 0)
        return 1;
    head->headers[head->header_count] = (struct cast_header){at, at + bytes};
    reading->name_bytes[head->header_count] = bytes;
    reading->value_bytes[head->header_count] = 0;
    head->header_count++;
    return 0;
}

static int value_take(http_parser *parser, const char *at, size_t bytes) {
    struct cast__head_reading *reading = parser->data;
    unsigned last = reading->head.header_count - 1;
    if (bytes == 0) /* `at` then is in the next line */
        return 0;
    while (bytes > 0 && (at[bytes - 1] == ' ' || at[bytes - 1] == '\t'))
        bytes--;
    reading->head.headers[last].value = at;
    reading->value_bytes[last] = bytes;
    return 0;
}

void cast__head_begin(struct cast__head_reading *reading, enum http_parser_type type) {
    *reading = (struct cast__head_reading){.refusal = 0};
    http_parser_init(&reading->head.parser, type);
}

bool cast__head_read(struct cast__head_reading *reading, const char *head, size_t bytes) {
    static const http_parser_settings settings = {
        .on_url = url_take, .on_header_field = name_take, .on_header_value = value_take};
    http_parser *parser = &reading->head.parser;
    parser->data = reading;
    size_t read = http_parser_execute(parser, &settings, head, bytes);
    parser->data = NULL;
    return read == bytes && HTTP_PARSER_ERRNO(parser) == HPE_OK;
}

/* Makes strings of names and values. Each is followed by a byte that is part of neither. */
static void headers_terminate(char *bytes, struct cast__head_reading *reading) {
    for (unsigned i = 0; i < reading->head.header_count; i++) {
        const struct cast_header *header = &reading->head.headers[i];
        bytes[(size_t)(header->name - bytes) + reading->name_bytes[i]] = '\0';
        bytes[(size_t)(header->value - bytes) + reading->value_bytes[i]] = '\0';
    }
}

int cast__head_finish(struct cast__head_reading *reading, char *bytes, unsigned minor) {
    struct cast_head *head = &reading->head;
    unsigned encodings = 0;
    head->minor = minor;
    head->chunked = head->parser.flags & F_CHUNKED;
    head->length = head->parser.flags & F_CONTENTLENGTH ? head->parser.content_length : UINT64_MAX;
    headers_terminate(bytes, reading);
    for (unsigned i = 0; i < head->header_count; i++) {
        if (strcasecmp(head->headers[i].name, "Transfer-Encoding") != 0)
            continue;
        if (strcasecmp(head->headers[i].value, "chunked") != 0)
            return -501;
        encodings++;
    }
    /* HTTP/1.0 has no encodings, so what stands before us may not have seen it: RFC 9112, section 6.1. */
    return encodings > 1 || (encodings == 1 && minor == 0) ? -400 : 0;
}

/* --- the body ---------------------------------------------------------------- */

void cast_body_open(struct cast_body *body, const struct cast_head *head, enum cast_body_kind otherwise) {
    assert(otherwise == CAST_BODY_NONE || otherwise == CAST_BODY_ENDLESS);
    *body = (struct cast_body){.kind = otherwise, .parser = head->parser};
    if (head->chunked)
        body->kind = CAST_BODY_CHUNKED;
    else if (head->length != UINT64_MAX) {
        body->kind = CAST_BODY_COUNTED;
        body->left = head->length;
    }
    body->ended = body->kind == CAST_BODY_NONE || (body->kind == CAST_BODY_COUNTED && body->left == 0);
}

/* A piece that is being decoded: in front what belongs to the body, then what the parser has left behind. */
struct piece {
    struct cast_body *body;
    char *bytes;
    size_t decoded;
    const char *between; /* where the bytes begin that are between this chunk and the next */
};

/* Verifies bytes between chunks: all lines end in CR LF, and a chunk is followed by one. */
static bool between_verify(struct piece *piece, const char *end) {
    for (const char *at = piece->between; at < end; at++) {
        char wanted = piece->body->wanted;
        if (wanted != '\0' ? *at != wanted : *at == '\n' || *at == '\0')
            return false;
        piece->body->wanted = *at == '\r' ? '\n' : '\0';
    }
    piece->between = end;
    return true;
}

static int chunk_take(http_parser *parser, const char *at, size_t bytes) {
    struct piece *piece = parser->data;
    if (!between_verify(piece, at))
        return 1;
    memmove(piece->bytes + piece->decoded, at, bytes);
    piece->decoded += bytes;
    piece->between = at + bytes;
    if (parser->content_length == 0) /* left of this chunk */
        piece->body->wanted = '\r';
    return 0;
}

static int end_take(http_parser *parser) {
    struct piece *piece = parser->data;
    piece->body->ended = true;
    return 1; /* else the parser would go on with the next request */
}

static long chunks_decode(struct cast_body *body, char *bytes, size_t count) {
    static const http_parser_settings settings = {.on_body = chunk_take, .on_message_complete = end_take};
    struct piece piece = {.body = body, .bytes = bytes, .between = bytes};
    http_parser *parser = &body->parser;
    if (count == 0) /* it would mean to the parser that the connection has ended */
        return 0;
    parser->data = &piece;
    size_t read = http_parser_execute(parser, &settings, bytes, count);
    parser->data = NULL;
    if (HTTP_PARSER_ERRNO(parser) != HPE_OK && !body->ended)
        return -1;
    if (!between_verify(&piece, bytes + read)) {
        body->ended = false;
        parser->http_errno = HPE_STRICT; /* it stays malformed, whatever comes */
        return -1;
    }
    return (long)piece.decoded;
}

long cast_body_decode(struct cast_body *body, char *bytes, size_t count) {
    if (body->ended)
        return 0;
    if (body->kind == CAST_BODY_CHUNKED)
        return chunks_decode(body, bytes, count);
    if (body->kind == CAST_BODY_COUNTED) {
        count = count < body->left ? count : (size_t)body->left;
        body->left -= count;
        body->ended = body->left == 0;
    }
    return (long)count;
}
