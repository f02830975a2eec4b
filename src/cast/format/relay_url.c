/* cast/format/relay_url.c: a URL is taken apart by hand: what is left over is refused. */
#include "cast/format/relay_url.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <neap/version.h>

static const char scheme[] = "http://";

enum { SCHEME_BYTES = sizeof(scheme) - 1, PORT = 80 };

static bool is_name_byte(char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           byte == '.' || byte == '-' || byte == '_';
}

/* Reads a host, with brackets around an address of version 6. Returns what follows it, or NULL. */
static const char *host_read(const char *text, char host[CAST_RELAY_HOST_ROOM]) {
    bool bracketed = *text == '[';
    const char *start = text + bracketed;
    size_t bytes = 0;
    if (bracketed)
        bytes = strspn(start, "0123456789abcdefABCDEF:.");
    else
        while (is_name_byte(start[bytes]))
            bytes++;
    if (bytes == 0 || bytes >= CAST_RELAY_HOST_ROOM || (bracketed && start[bytes] != ']'))
        return NULL;
    if (bracketed && !memchr(start, ':', bytes))
        return NULL;
    memcpy(host, start, bytes);
    host[bytes] = '\0';
    return start + bytes + bracketed;
}

/* Reads ":8000", if it is there. Returns what follows it, or NULL. */
static const char *port_read(const char *text, uint16_t *port) {
    unsigned number = 0, digits = 0;
    *port = PORT;
    if (*text != ':')
        return text;
    for (text++; *text >= '0' && *text <= '9' && digits < 5; text++, digits++)
        number = number * 10 + (unsigned)(*text - '0');
    if (number == 0 || number > UINT16_MAX)
        return NULL;
    *port = (uint16_t)number;
    return text;
}

static bool target_read(const char *text, char target[CAST_RELAY_TARGET_ROOM]) {
    static const char digits[] = "0123456789ABCDEF";
    size_t bytes = 0;
    if (*text != '/')
        target[bytes++] = '/';
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte <= ' ' || byte == 127 || byte == '#' || bytes + 4 > CAST_RELAY_TARGET_ROOM)
            return false;
        if (byte < 128) {
            target[bytes++] = (char)byte;
            continue;
        }
        target[bytes++] = '%';
        target[bytes++] = digits[byte >> 4];
        target[bytes++] = digits[byte & 15];
    }
    target[bytes] = '\0';
    return true;
}

bool cast_relay_url_read(const char *text, struct cast_relay_url *url) {
    struct cast_relay_url made;
    if (strncasecmp(text, scheme, SCHEME_BYTES) != 0)
        return false;
    text = host_read(text + SCHEME_BYTES, made.host);
    text = text ? port_read(text, &made.port) : NULL;
    if (!text || (*text && *text != '/' && *text != '?') || !target_read(text, made.target))
        return false;
    *url = made;
    return true;
}

bool cast_relay_url_follow(const struct cast_relay_url *from, const char *location,
                           struct cast_relay_url *to) {
    struct cast_relay_url made = *from;
    if (location[0] != '/' || location[1] == '/')
        return cast_relay_url_read(location, to);
    if (!target_read(location, made.target))
        return false;
    *to = made;
    return true;
}

size_t cast_relay_request_write(const struct cast_relay_url *url, char out[CAST_RELAY_REQUEST_ROOM]) {
    bool bracketed = strchr(url->host, ':');
    char port[8] = "";
    if (url->port != PORT)
        snprintf(port, sizeof(port), ":%u", url->port);
    int bytes = snprintf(out, CAST_RELAY_REQUEST_ROOM,
                         "GET %s HTTP/1.1\r\nHost: %s%s%s%s\r\nUser-Agent: Neap-cast/" NEAP_VERSION "\r\n"
                         "Accept: */*\r\nIcy-MetaData: 1\r\nNeap-Relay: 1\r\nConnection: close\r\n\r\n",
                         url->target, bracketed ? "[" : "", url->host, bracketed ? "]" : "", port);
    assert(bytes > 0 && bytes < CAST_RELAY_REQUEST_ROOM);
    return (size_t)bytes;
}
