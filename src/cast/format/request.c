/* cast/format/request.c: a head is verified byte by byte before libhttp-parser takes it apart; head.c says
 * why. The library also spells "HTTP/" as it pleases.
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

/* --- the parser -------------------------------------------------------------- */

static int refusal_of(const struct cast__head_reading *reading) {
    switch (HTTP_PARSER_ERRNO(&reading->head.parser)) {
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
static int first_line_verify(const struct cast__head_reading *reading) {
    const http_parser *parser = &reading->head.parser;
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

static int hosts_verify(const struct cast_head *head) {
    const char *host = cast_head_find(head, "Host");
    for (unsigned i = 0; i < head->header_count; i++)
        if (strcasecmp(head->headers[i].name, "Host") == 0 && strcasecmp(host, head->headers[i].value) != 0)
            return -400;
    return 0;
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
    int end = cast__head_end(bytes, first, searched > first ? searched : first, most);
    if (end <= 0)
        return end == 0 && count >= CAST_HEAD_BYTES_MOST ? -431 : end;

    struct cast__head_reading reading;
    cast__head_begin(&reading, HTTP_REQUEST);
    bool whole = cast__head_read(&reading, head, (size_t)end - first);
    refusal = refusal_of(&reading);
    if (refusal == 0)
        refusal = whole ? first_line_verify(&reading) : -400;
    if (refusal == 0)
        refusal = cast__head_finish(&reading, bytes, reading.head.parser.http_minor);
    if (refusal == 0)
        refusal = hosts_verify(&reading.head);
    if (refusal != 0)
        return refusal;
    struct cast_request made = {.method = method_of(&reading.head.parser), .head = reading.head};
    refusal = target_parse(head + (reading.target - head), reading.target_bytes, &made);
    if (refusal != 0)
        return refusal;
    *request = made;
    return end;
}

const char *cast_request_header(const struct cast_request *request, const char *name) {
    return cast_head_find(&request->head, name);
}

void cast_request_body(const struct cast_request *request, struct cast_body *body) {
    bool endless = request->method == CAST_METHOD_PUT || request->method == CAST_METHOD_SOURCE;
    cast_body_open(body, &request->head, endless ? CAST_BODY_ENDLESS : CAST_BODY_NONE);
}
