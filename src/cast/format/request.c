/* cast/format/request.c: a head is verified byte by byte before libhttp-parser takes it apart.
 *
 * Debian builds libhttp-parser 2.9.4 with HTTP_PARSER_STRICT=0: it takes a bare LF for the end of a line,
 * joins folded lines, allows spaces in names, spells "HTTP/" as it pleases, and does not look at the two
 * bytes after a chunk. A proxy may read such a request in another way, and then one request hides within
 * another (RFC 9112, section 11.2). So whatever the library is lenient with is refused here.
 */
#include "cast/format/request.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "cast/format/url.h"

enum {
    METHOD_BYTES_MOST = 16, /* the longest that libhttp-parser knows has 11 */
    TARGET_BYTES_MOST = CAST_HEAD_BYTES_MOST / 2,
};

/* What the parser found, while the bytes are as they were sent. */
struct reading {
    struct cast_request request;
    const char *target;
    size_t target_bytes;
    size_t name_bytes[CAST_HEADERS_MOST], value_bytes[CAST_HEADERS_MOST];
    int refusal;
};

/* --- before the parser ------------------------------------------------------- */

static bool is_letter(char byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* Whether bytes[0 .. count) can be the beginning of a request: 0, or the status to refuse it with. */
static int line_verify(const char *bytes, size_t count) {
    size_t at = 0;
    while (at < count && at <= METHOD_BYTES_MOST && (is_letter(bytes[at]) || (bytes[at] == '-' && at > 0)))
        at++;
    if (at == count && at <= METHOD_BYTES_MOST)
        return 0;
    if (at == 0 || at > METHOD_BYTES_MOST || bytes[at] != ' ')
        return -400;
    at++;
    if (at < count && bytes[at] != '/' && bytes[at] != '*' && !is_letter(bytes[at]))
        return -400;
    if (count > at + TARGET_BYTES_MOST && !memchr(bytes + at, ' ', TARGET_BYTES_MOST + 1))
        return -414;
    return 0;
}

/* Looks for the empty line in bytes[from .. count), whose head begins at `first`. Returns where the body
 * begins, 0 if no empty line is there, -400 if a byte cannot be part of a head. */
static int end_find(const char *bytes, size_t first, size_t from, size_t count) {
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
    struct reading *reading = parser->data;
    reading->target = at;
    reading->target_bytes = bytes;
    return 0;
}

static int name_take(http_parser *parser, const char *at, size_t bytes) {
    struct reading *reading = parser->data;
    struct cast_request *request = &reading->request;
    reading->refusal = request->header_count == CAST_HEADERS_MOST ? -431 : memchr(at, ' ', bytes) ? -400 : 0;
    if (reading->refusal != 0)
        return 1;
    request->headers[request->header_count] = (struct cast_header){at, at + bytes};
    reading->name_bytes[request->header_count] = bytes;
    reading->value_bytes[request->header_count] = 0;
    request->header_count++;
    return 0;
}

static int value_take(http_parser *parser, const char *at, size_t bytes) {
    struct reading *reading = parser->data;
    unsigned last = reading->request.header_count - 1;
    if (bytes == 0) /* `at` then is in the next line */
        return 0;
    while (bytes > 0 && (at[bytes - 1] == ' ' || at[bytes - 1] == '\t'))
        bytes--;
    reading->request.headers[last].value = at;
    reading->value_bytes[last] = bytes;
    return 0;
}

static int refusal_of(const struct reading *reading) {
    switch (HTTP_PARSER_ERRNO(&reading->request.parser)) {
    case HPE_OK:
        return 0;
    case HPE_CB_header_field:
        return reading->refusal;
    case HPE_INVALID_METHOD:
    case HPE_INVALID_TRANSFER_ENCODING:
        return -501;
    case HPE_INVALID_VERSION:
        return -505;
    default:
        return -400;
    }
}

static int head_read(const char *head, size_t bytes, struct reading *reading) {
    static const http_parser_settings settings = {
        .on_url = url_take, .on_header_field = name_take, .on_header_value = value_take};
    http_parser *parser = &reading->request.parser;
    http_parser_init(parser, HTTP_REQUEST);
    parser->data = reading;
    size_t read = http_parser_execute(parser, &settings, head, bytes);
    parser->data = NULL;
    int refusal = refusal_of(reading);
    return refusal == 0 && read != bytes ? -400 : refusal;
}

/* --- after the parser -------------------------------------------------------- */

static enum cast_method method_of(const http_parser *parser) {
    switch (parser->method) {
    case HTTP_GET:
        return CAST_METHOD_GET;
    case HTTP_HEAD:
        return CAST_METHOD_HEAD;
    case HTTP_OPTIONS:
        return CAST_METHOD_OPTIONS;
    case HTTP_PUT:
        return CAST_METHOD_PUT;
    case HTTP_SOURCE:
        return CAST_METHOD_SOURCE;
    case HTTP_POST:
        return CAST_METHOD_POST;
    default:
        return CAST_METHOD_OTHER;
    }
}

/* The rest of the first line, `METHOD target HTTP/1.1`; line_verify has seen its beginning. The parser has
 * found it to be longer than what is compared here. */
static int first_line_verify(const struct reading *reading) {
    const http_parser *parser = &reading->request.parser;
    const char *version = reading->target + reading->target_bytes;
    if (parser->method == HTTP_CONNECT)
        return -501;
    if (*version == '\r')
        return -505; /* HTTP/0.9 */
    if (memchr(reading->target, '\t', reading->target_bytes))
        return -400;
    if (memcmp(version, " HTTP/", 6) != 0 &&
        (parser->method != HTTP_SOURCE || memcmp(version, " ICE/", 5) != 0))
        return -400;
    return parser->http_major == 1 && parser->http_minor <= 1 ? 0 : -505;
}

static bool is_scheme_known(const char *scheme, size_t bytes) {
    return (bytes == 4 && strncasecmp(scheme, "http", 4) == 0) ||
           (bytes == 5 && strncasecmp(scheme, "https", 5) == 0);
}

/* Makes strings of path and query. One byte follows the target. Forms of it: RFC 9112, section 3.2. */
static int target_parse(char *target, size_t bytes, struct cast_request *request) {
    struct http_parser_url url;
    http_parser_url_init(&url);
    if (bytes == 1 && *target == '*' && request->method == CAST_METHOD_OPTIONS)
        *target = '/';
    if (http_parser_parse_url(target, bytes, 0, &url) != 0)
        return -400;
    bool absolute = url.field_set & 1 << UF_SCHEMA, has_path = url.field_set & 1 << UF_PATH;
    if (absolute && !is_scheme_known(target + url.field_data[UF_SCHEMA].off, url.field_data[UF_SCHEMA].len))
        return -400;
    char *path = target, *path_end = target + 1;
    if (has_path) {
        path = target + url.field_data[UF_PATH].off;
        path_end = path + url.field_data[UF_PATH].len;
    } else
        *path = '/'; /* of http://host: the scheme makes room for it */
    if (*path != '/')
        return -400;
    *path_end = '\0';
    request->query = path_end;
    if (url.field_set & 1 << UF_QUERY) {
        char *query = target + url.field_data[UF_QUERY].off;
        query[url.field_data[UF_QUERY].len] = '\0';
        request->query = query;
    }
    request->path = path;
    return cast_percent_decode(path) ? 0 : -400;
}

/* Makes strings of names and values. Each is followed by a byte that is part of neither. */
static void headers_terminate(char *bytes, struct reading *reading) {
    for (unsigned i = 0; i < reading->request.header_count; i++) {
        const struct cast_header *header = &reading->request.headers[i];
        bytes[(size_t)(header->name - bytes) + reading->name_bytes[i]] = '\0';
        bytes[(size_t)(header->value - bytes) + reading->value_bytes[i]] = '\0';
    }
}

/* Verifies what the parser leaves to others: Host, and which encodings of the body there are. */
static int headers_verify(const struct cast_request *request) {
    const char *host = NULL;
    unsigned encodings = 0;
    for (unsigned i = 0; i < request->header_count; i++) {
        const struct cast_header *header = &request->headers[i];
        if (strcasecmp(header->name, "Host") == 0) {
            if (host && strcasecmp(host, header->value) != 0)
                return -400;
            host = header->value;
        }
        if (strcasecmp(header->name, "Transfer-Encoding") == 0) {
            if (strcasecmp(header->value, "chunked") != 0)
                return -501;
            encodings++;
        }
    }
    /* HTTP/1.0 has no encodings, so what stands before us may not have seen it: RFC 9112, section 6.1. */
    return encodings > 1 || (encodings == 1 && request->minor == 0) ? -400 : 0;
}

int cast_request_parse(char *bytes, size_t count, size_t searched, struct cast_request *request) {
    assert(searched <= count);
    /* An empty line may come before a request: RFC 9112, section 2.2. */
    size_t first = count >= 2 && bytes[0] == '\r' && bytes[1] == '\n' ? 2 : 0;
    if (count == 0 || (count == 1 && bytes[0] == '\r'))
        return 0;
    char *head = bytes + first;
    int refusal = line_verify(head, count - first);
    if (refusal != 0)
        return refusal;
    size_t most = count < CAST_HEAD_BYTES_MOST ? count : CAST_HEAD_BYTES_MOST;
    int end = end_find(bytes, first, searched > first ? searched : first, most);
    if (end <= 0)
        return end == 0 && count >= CAST_HEAD_BYTES_MOST ? -431 : end;

    struct reading reading = {.refusal = 0};
    struct cast_request *made = &reading.request;
    refusal = head_read(head, (size_t)end - first, &reading);
    if (refusal == 0)
        refusal = first_line_verify(&reading);
    if (refusal != 0)
        return refusal;
    made->method = method_of(&made->parser);
    made->minor = made->parser.http_minor;
    made->keep_alive = http_should_keep_alive(&made->parser) != 0;
    made->chunked = made->parser.flags & F_CHUNKED;
    made->length = made->parser.flags & F_CONTENTLENGTH ? made->parser.content_length : UINT64_MAX;
    headers_terminate(bytes, &reading);
    refusal = headers_verify(made);
    if (refusal == 0)
        refusal = target_parse(head + (reading.target - head), reading.target_bytes, made);
    if (refusal != 0)
        return refusal;
    *request = *made;
    return end;
}

const char *cast_request_header(const struct cast_request *request, const char *name) {
    for (unsigned i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

/* --- the body ---------------------------------------------------------------- */

void cast_body_open(struct cast_body *body, const struct cast_request *request) {
    *body = (struct cast_body){.parser = request->parser};
    if (request->chunked)
        body->kind = CAST_BODY_CHUNKED;
    else if (request->length != UINT64_MAX) {
        body->kind = CAST_BODY_COUNTED;
        body->left = request->length;
    } else if (request->method == CAST_METHOD_PUT || request->method == CAST_METHOD_SOURCE)
        body->kind = CAST_BODY_ENDLESS;
    else
        body->kind = CAST_BODY_NONE;
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
