/* os/limits.c: control groups, as cgroups(7) describes them. */
#include "os/limits.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/memory.h"

enum { TEXT_BYTES = 4096 };

/* Where a hierarchy is mounted, by the usual arrangement, and its file. */
struct hierarchy {
    const char *root, *file;
};

static const struct hierarchy unified = {"/sys/fs/cgroup", "memory.max"};
static const struct hierarchy legacy = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes"};

/* Reads a small file whole, without stdio's buffer. False if it cannot. */
static bool read_text(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, text, size - 1);
    close(fd);
    if (length < 0)
        return false;
    text[length] = '\0';
    return true;
}

static uint64_t limit_in(const char *root, const char *group, size_t group_length, const char *file) {
    char path[TEXT_BYTES], text[64];
    int length = snprintf(path, sizeof(path), "%s%.*s/%s", root, (int)group_length, group, file);
    if (length < 0 || (size_t)length >= sizeof(path) || !read_text(path, text, sizeof(text)))
        return UINT64_MAX;
    if (text[0] < '0' || text[0] > '9') /* "max" */
        return UINT64_MAX;
    return strtoull(text, NULL, 10);
}

/* The smallest limit from `group` up to the root of its hierarchy. */
static uint64_t limit_above(const struct hierarchy *h, const char *group, size_t length) {
    uint64_t least = UINT64_MAX;
    for (;;) {
        uint64_t limit = limit_in(h->root, group, length, h->file);
        if (limit < least)
            least = limit;
        if (length == 0)
            return least;
        while (length > 0 && group[--length] != '/') {
        }
    }
}

/* A line of /proc/self/cgroup is "id:controllers:group"; version 2 has no
 * controllers there. */
uint64_t neap_os_cgroup_limit_bytes(void) {
    char text[TEXT_BYTES];
    uint64_t least = UINT64_MAX;
    if (!read_text("/proc/self/cgroup", text, sizeof(text)))
        return least;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        const struct hierarchy *h = controllers[1] == '\0'                   ? &unified
                                    : strcmp(controllers + 1, "memory") == 0 ? &legacy
                                                                             : NULL;
        uint64_t limit = h ? limit_above(h, group, strcmp(group, "/") == 0 ? 0 : strlen(group)) : UINT64_MAX;
        if (limit < least)
            least = limit;
    }
    return least;
}

uint64_t neap_os_resident_bytes(void) {
    char text[128];
    unsigned long long size, resident;
    if (!read_text("/proc/self/statm", text, sizeof(text)) ||
        sscanf(text, "%llu %llu", &size, &resident) != 2)
        return 0;
    return resident * neap_os_page_bytes();
}

uint64_t neap_os_mapping_limit(void) {
    char text[64];
    return read_text("/proc/sys/vm/max_map_count", text, sizeof(text)) ? strtoull(text, NULL, 10) : 0;
}
