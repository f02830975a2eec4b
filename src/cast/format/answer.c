/* cast/format/answer.c: lines are appended while they fit; the empty line at the end always does. */
#include "cast/format/answer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <http_parser.h>

#include <neap/version.h>

/* Kept free until the end: the empty line and, so that a debugger can show the text, a terminator. */
enum { END_BYTES = 3 };

__attribute__((format(printf, 2, 3))) static bool append(struct cast_answer *answer, const char *format,
                                                         ...) {
    size_t room = sizeof(answer->text) - END_BYTES + 1 - answer->bytes;
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(answer->text + answer->bytes, room, format, arguments);
    va_end(arguments);
    if (bytes < 0 || (size_t)bytes >= room)
        return false;
    answer->bytes += (size_t)bytes;
    return true;
}

const char *cast_answer_reason(int status) {
    switch (status) {
#define REASON(number, name, text)                                                                           \
    case number:                                                                                             \
        return #text;
        HTTP_STATUS_MAP(REASON)
#undef REASON
    default:
        return "Status";
    }
}

/* strftime would use the names of the locale. */
static void date_append(struct cast_answer *answer) {
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = time(NULL);
    struct tm date;
    if (gmtime_r(&now, &date))
        append(answer, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
               days + (size_t)3 * (unsigned)date.tm_wday, date.tm_mday,
               months + (size_t)3 * (unsigned)date.tm_mon, date.tm_year + 1900, date.tm_hour, date.tm_min,
               date.tm_sec);
}

void cast_answer_begin(struct cast_answer *answer, int status, unsigned minor) {
    assert(status >= 100 && status <= 999);
    answer->bytes = 0;
    append(answer, "HTTP/1.%d %d %s\r\n", minor == 0 ? 0 : 1, status, cast_answer_reason(status));
    date_append(answer);
    append(answer, "Server: neap-cast/%s\r\n", NEAP_VERSION);
}

void cast_answer_header(struct cast_answer *answer, const char *name, const char *value) {
    if (!value || *value == '\0')
        return;
    size_t begin = answer->bytes + strlen(name) + 2;
    if (!append(answer, "%s: %s\r\n", name, value))
        return;
    for (size_t i = begin; i < answer->bytes - 2; i++)
        if ((unsigned char)answer->text[i] < ' ' || answer->text[i] == 127)
            answer->text[i] = ' ';
}

void cast_answer_number(struct cast_answer *answer, const char *name, uint64_t value) {
    append(answer, "%s: %" PRIu64 "\r\n", name, value);
}

void cast_answer_cross_origin(struct cast_answer *answer, int preflight) {
    cast_answer_header(answer, "Access-Control-Allow-Origin", "*");
    /* Else a page that isolates itself (Cross-Origin-Embedder-Policy) could not play it in an <audio>. */
    cast_answer_header(answer, "Cross-Origin-Resource-Policy", "cross-origin");
    if (preflight) {
        cast_answer_header(answer, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
        cast_answer_header(answer, "Access-Control-Allow-Headers",
                           "Accept, Content-Type, Icy-MetaData, Origin, Range, X-Requested-With");
        cast_answer_header(answer, "Access-Control-Max-Age", "86400");
    } else
        cast_answer_header(answer, "Access-Control-Expose-Headers",
                           "Icy-MetaInt, Icy-Name, Icy-Description, Icy-Genre, Icy-Url, Icy-Br, Icy-Pub, "
                           "Icy-Audio-Info, Ice-Audio-Info");
}

void cast_answer_end(struct cast_answer *answer) {
    memcpy(answer->text + answer->bytes, "\r\n", END_BYTES);
    answer->bytes += 2;
}
