/* os/limits.c: reads control groups, which cgroups(7) describes, and other limits. */
#include "os/limits.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/filter_watch.h"
#include "os/memory.h"
#include "os/proc.h"

enum {
    TEXT_BYTES = 4096,
    MAPPINGS_USUAL = 65530 /* vm.max_map_count where nobody has changed it */
};

/* The usual mount point of a hierarchy, and the names of its files. */
struct hierarchy {
    const char *root, *limit, *swap, *usage;
    const char *cache; /* key in memory.stat of the file pages that the kernel drops first */
    bool together;     /* the file `swap` limits memory and swap together */
};

static const struct hierarchy unified = {
    .root = "/sys/fs/cgroup",
    .limit = "memory.max",
    .swap = "memory.swap.max",
    .usage = "memory.current",
    .cache = "\ninactive_file ",
};
static const struct hierarchy legacy = {
    .root = "/sys/fs/cgroup/memory",
    .limit = "memory.limit_in_bytes",
    .swap = "memory.memsw.limit_in_bytes",
    .usage = "memory.usage_in_bytes",
    .cache = "\ntotal_inactive_file ",
    .together = true,
};

/* One group of a hierarchy: "/a/b", without the slash at its end. */
struct group {
    const struct hierarchy *hierarchy;
    const char *path;
    size_t length;
};

static bool group_read(const struct group *group, const char *file, char *text, size_t size) {
    char path[TEXT_BYTES];
    int length = snprintf(path, sizeof(path), "%s%.*s/%s", group->hierarchy->root, (int)group->length,
                          group->path, file);
    return length >= 0 && (size_t)length < sizeof(path) && neap__os_text_read(path, text, size);
}

/* Reads a number. UINT64_MAX for no limit, or if there is no such file. Version 2 writes no limit as "max",
 * version 1 as the largest signed number, rounded down to whole pages. */
static uint64_t group_number(const struct group *group, const char *file) {
    char text[64];
    if (!group_read(group, file, text, sizeof(text)) || text[0] < '0' || text[0] > '9')
        return UINT64_MAX;
    uint64_t number = strtoull(text, NULL, 10);
    return number > (uint64_t)INT64_MAX - neap_os_page_bytes() ? UINT64_MAX : number;
}

/* The number after `key` in a text, times `factor`; 0 if there is none. */
static uint64_t number_behind(const char *text, const char *key, uint64_t factor) {
    const char *found = strstr(text, key);
    return found ? strtoull(found + strlen(key), NULL, 10) * factor : 0;
}

/* The number of kB after `key` in a file of /proc, in bytes; 0 if there is none. */
static uint64_t kb_in(const char *path, const char *key) {
    char text[TEXT_BYTES];
    return neap__os_text_read(path, text, sizeof(text)) ? number_behind(text, key, 1024) : 0;
}

uint64_t neap__os_limit_with_swap(uint64_t memory, uint64_t swap, bool together, uint64_t swap_bytes) {
    if (memory > UINT64_MAX - swap_bytes)
        return UINT64_MAX;
    if (together)
        return swap < memory + swap_bytes ? swap : memory + swap_bytes;
    return memory + (swap < swap_bytes ? swap : swap_bytes);
}

/* The memory and swap that processes of the group may have. Swap counts as far as it is free or used by
 * this process. */
static uint64_t group_limit(const struct group *group) {
    uint64_t limit = group_number(group, group->hierarchy->limit);
    if (limit == UINT64_MAX)
        return limit;
    uint64_t swap = kb_in("/proc/meminfo", "\nSwapFree:") + kb_in("/proc/self/status", "\nVmSwap:");
    return neap__os_limit_with_swap(limit, group_number(group, group->hierarchy->swap),
                                    group->hierarchy->together, swap);
}

/* The memory that the group may still take before the kernel swaps out or ends processes of it. */
static uint64_t group_headroom(const struct group *group) {
    char text[TEXT_BYTES];
    uint64_t limit = group_number(group, group->hierarchy->limit);
    uint64_t usage = group_number(group, group->hierarchy->usage);
    if (limit == UINT64_MAX || usage == UINT64_MAX)
        return UINT64_MAX;
    uint64_t cache = group_read(group, "memory.stat", text, sizeof(text))
                         ? number_behind(text, group->hierarchy->cache, 1)
                         : 0;
    usage -= cache < usage ? cache : usage;
    return limit > usage ? limit - usage : 0;
}

/* The smallest `measure` of a group and of all groups above it. */
static uint64_t least_above(struct group group, uint64_t (*measure)(const struct group *group)) {
    uint64_t least = UINT64_MAX;
    for (;;) {
        uint64_t found = measure(&group);
        if (found < least)
            least = found;
        if (group.length == 0)
            return least;
        while (group.length > 0 && group.path[--group.length] != '/') {
        }
    }
}

/* The smallest `measure` of all groups of this process. A line of /proc/self/cgroup is
 * "id:controllers:group"; that of version 2 names no controllers. */
static uint64_t least_of_groups(uint64_t (*measure)(const struct group *group)) {
    char text[TEXT_BYTES], *rest = NULL;
    uint64_t least = UINT64_MAX;
    if (!neap__os_text_read("/proc/self/cgroup", text, sizeof(text)))
        return least;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        struct group group = {.path = path, .length = strcmp(path, "/") == 0 ? 0 : strlen(path)};
        if (controllers[1] == '\0')
            group.hierarchy = &unified;
        else if (strcmp(controllers + 1, "memory") == 0)
            group.hierarchy = &legacy;
        uint64_t found = group.hierarchy ? least_above(group, measure) : UINT64_MAX;
        if (found < least)
            least = found;
    }
    return least;
}

uint64_t neap_os_cgroup_limit_bytes(void) {
    static uint64_t known = UINT64_MAX;
    if (!neap_os_filter_is_own()) /* else no file is opened */
        __atomic_store_n(&known, least_of_groups(group_limit), __ATOMIC_RELAXED);
    return __atomic_load_n(&known, __ATOMIC_RELAXED);
}

uint64_t neap_os_headroom_bytes(void) {
    uint64_t available = kb_in("/proc/meminfo", "\nMemAvailable:"), groups = least_of_groups(group_headroom);
    return available != 0 && available < groups ? available : groups;
}

void neap_os_limit_growth(uint64_t bytes) {
    struct rlimit limit;
    uint64_t data = kb_in("/proc/self/status", "\nVmData:");
    if (data == 0 || getrlimit(RLIMIT_DATA, &limit) != 0 || bytes > (rlim_t)-1 / 2 - data)
        return;
    if (limit.rlim_cur > data + bytes) {
        limit.rlim_cur = (rlim_t)(data + bytes);
        setrlimit(RLIMIT_DATA, &limit);
    }
}

void neap_os_offer_to_be_ended(void) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t written = write(fd, "1000", 4);
    (void)written; /* if the kernel refuses, nothing changes */
    close(fd);
}

uint64_t neap_os_resident_bytes(void) {
    char text[128];
    unsigned long long size, resident;
    if (!neap__os_text_read("/proc/self/statm", text, sizeof(text)) ||
        sscanf(text, "%llu %llu", &size, &resident) != 2)
        return 0;
    return resident * neap_os_page_bytes();
}

uint64_t neap_os_mapping_limit(void) {
    char text[64];
    if (neap_os_filter_is_own())
        return MAPPINGS_USUAL;
    return neap__os_text_read("/proc/sys/vm/max_map_count", text, sizeof(text)) ? strtoull(text, NULL, 10)
                                                                                : 0;
}

uint64_t neap_os_descriptors_raise(void) {
    enum { LEAST = 256 }; /* what a process has if it cannot be told */
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return LEAST;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return LEAST;
    return limit.rlim_cur == RLIM_INFINITY ? UINT32_MAX : limit.rlim_cur;
}
