/* cast/format/url.c: percent signs, queries, and which paths can be mounts. */
#include "cast/format/url.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"

static int digit_of(char byte) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if ((byte | 32) >= 'a' && (byte | 32) <= 'f')
        return (byte | 32) - 'a' + 10;
    return -1;
}

/* Decodes the byte that a string begins with, and moves *text behind it. -1 if it is malformed. */
static int byte_decode(const char **text) {
    const char *at = *text;
    *text = at + 1;
    if (*at != '%')
        return (unsigned char)*at;
    int high = digit_of(at[1]), low = high < 0 ? -1 : digit_of(at[2]);
    if (low < 0)
        return -1;
    *text = at + 3;
    return high << 4 | low;
}

bool cast_percent_decode(char *text) {
    const char *from = text;
    while (*from) {
        int byte = byte_decode(&from);
        if (byte < ' ' || byte == 127)
            return false;
        *text++ = (char)byte;
    }
    *text = '\0';
    return true;
}

static bool is_plain(char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte != '\0' && strchr("-._~/", byte));
}

bool cast_percent_encode(const char *text, char *out, size_t room) {
    static const char digits[] = "0123456789ABCDEF";
    size_t bytes = 0;
    assert(room > 0);
    for (; *text; text++) {
        size_t wanted = is_plain(*text) ? 1 : 3;
        if (room - bytes <= wanted) {
            *out = '\0';
            return false;
        }
        out[bytes] = wanted == 1 ? *text : '%';
        if (wanted == 3) {
            out[bytes + 1] = digits[(unsigned char)*text >> 4];
            out[bytes + 2] = digits[(unsigned char)*text & 15];
        }
        bytes += wanted;
    }
    out[bytes] = '\0';
    return true;
}

/* --- queries ----------------------------------------------------------------- */

static bool is_end(char byte) {
    return byte == '\0' || byte == '&';
}

static int query_byte_decode(const char **text) {
    if (**text != '+')
        return byte_decode(text);
    ++*text;
    return ' ';
}

/* The value of the parameter that `query` begins with, or NULL if it has another name. */
static const char *value_of(const char *query, const char *name) {
    for (; *name; name++)
        if (is_end(*query) || *query == '=' || query_byte_decode(&query) != (unsigned char)*name)
            return NULL;
    if (*query == '=')
        return query + 1;
    return is_end(*query) ? query : NULL;
}

static bool value_decode(const char *value, char *out, size_t room) {
    size_t bytes = 0;
    while (!is_end(*value)) {
        int byte = query_byte_decode(&value);
        if (byte <= 0 || room - bytes <= 1)
            return false;
        out[bytes++] = byte < ' ' || byte == 127 ? ' ' : (char)byte;
    }
    out[bytes] = '\0';
    return true;
}

bool cast_query_find(const char *query, const char *name, char *out, size_t room) {
    assert(room > 0);
    for (;; query++) {
        const char *value = value_of(query, name);
        if (value && value_decode(value, out, room))
            return true;
        query += strcspn(query, "&");
        if (value || *query == '\0') {
            *out = '\0';
            return false;
        }
    }
}

/* --- mounts ------------------------------------------------------------------ */

static bool are_characters_fit(const char *path) {
    while (*path) {
        size_t bytes = neap_utf8_character(path);
        if (bytes == 0 || neap_utf8_is_control(path) || *path == '\\' || *path == '"')
            return false;
        path += bytes;
    }
    return true;
}

static bool are_parts_fit(const char *path) {
    while (*path == '/') {
        size_t bytes = strcspn(++path, "/");
        if (bytes <= 2 && strspn(path, ".") >= bytes) /* none, "." or ".." */
            return false;
        path += bytes;
    }
    return *path == '\0';
}

static bool is_own_path(const char *path, size_t bytes) {
    static const char *const own[] = {"/admin", "/metrics", "/status-json.xsl", "/status.xsl",
                                      "/favicon.ico"};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (strcmp(path, own[i]) == 0)
            return true;
    return strncmp(path, "/admin/", 7) == 0 || (bytes >= 4 && strcmp(path + bytes - 4, ".m3u") == 0) ||
           (bytes >= 5 && strcmp(path + bytes - 5, ".xspf") == 0);
}

bool cast_mount_name_valid(const char *path) {
    size_t bytes = strnlen(path, CAST_MOUNT_BYTES_MOST + 1);
    return bytes >= 2 && bytes <= CAST_MOUNT_BYTES_MOST && are_characters_fit(path) && are_parts_fit(path) &&
           !is_own_path(path, bytes);
}
