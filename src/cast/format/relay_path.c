/* cast/format/relay_path.c: marks of mounts. */
#include "cast/format/relay_path.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MARK_BYTES = CAST_RELAY_MARK_ROOM - 1 };

char *cast_relay_mark(uint64_t secret, const char *mount_name, char out[CAST_RELAY_MARK_ROOM]) {
    uint64_t hash = UINT64_C(14695981039346656037) ^ secret; /* FNV-1a, from a start of our own */
    for (; *mount_name; mount_name++)
        hash = (hash ^ (unsigned char)*mount_name) * UINT64_C(1099511628211);
    snprintf(out, CAST_RELAY_MARK_ROOM, "%016" PRIx64, hash);
    return out;
}

bool cast_relay_path_valid(const char *path) {
    for (unsigned hops = 0; *path; hops++) {
        if (hops == CAST_RELAY_HOPS_MOST || strspn(path, "0123456789abcdef") != MARK_BYTES)
            return false;
        path += MARK_BYTES;
        if (*path == '\0')
            return true;
        if (*path++ != ' ' || *path == '\0')
            return false;
    }
    return true;
}

bool cast_relay_path_has(const char *path, const char *mark) {
    return strstr(path, mark) != NULL;
}

char *cast_relay_path_join(const char *mark, const char *path, char out[CAST_RELAY_PATH_ROOM]) {
    snprintf(out, CAST_RELAY_PATH_ROOM, "%s%s%s", mark, *path ? " " : "", path);
    return out;
}
