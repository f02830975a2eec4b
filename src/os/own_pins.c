/* os/own_pins.c */
#include "os/own_pins.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Devices that do not keep the pages of a read or write. */
static const char *const harmless_devices[] = {
    "/dev/null", "/dev/zero",    "/dev/full", "/dev/random",  "/dev/urandom", "/dev/tty", "/dev/ptmx",
    "/dev/pts/", "/dev/console", "/dev/shm/", "/dev/mqueue/", "/dev/fuse",    "/dev/log",
};

static const char *const harmless_inodes[] = {
    "[eventfd]",  "[eventpoll]", "[timerfd]",    "[signalfd]",         "inotify",
    "[fanotify]", "[pidfd]",     "[perf_event]", "[landlock-ruleset]",
};

static bool begins_with_one_of(const char *name, const char *const *starts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strncmp(name, starts[i], strlen(starts[i])) == 0)
            return true;
    }
    return false;
}

bool neap__os_name_may_pin(const char *name) {
    static const char inode[] = "anon_inode:";
    if (strncmp(name, "/[aio]", 6) == 0)
        return true;
    if (strncmp(name, "/dev/", 5) == 0)
        return !begins_with_one_of(name, harmless_devices,
                                   sizeof(harmless_devices) / sizeof(*harmless_devices));
    if (strncmp(name, inode, sizeof(inode) - 1) == 0)
        return !begins_with_one_of(name + sizeof(inode) - 1, harmless_inodes,
                                   sizeof(harmless_inodes) / sizeof(*harmless_inodes));
    return false;
}

static bool descriptors_may(void) {
    DIR *folder = opendir("/proc/self/fd");
    bool may = !folder;
    for (struct dirent *entry; !may && (entry = readdir(folder)) != NULL;) {
        char name[64];
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, name, sizeof(name) - 1);
        if (length <= 0)
            continue; /* ".", "..", or closed meanwhile */
        name[length] = '\0';
        may = neap__os_name_may_pin(name);
    }
    if (folder)
        closedir(folder);
    return may;
}

static bool mappings_may(void) {
    FILE *file = fopen("/proc/self/maps", "re");
    char line[512];
    bool may = !file;
    while (!may && fgets(line, sizeof(line), file)) {
        const char *name = strpbrk(line, "/[");
        const char *inode = strstr(line, "anon_inode:");
        may = neap__os_name_may_pin(inode ? inode : name ? name : "");
    }
    if (file)
        fclose(file);
    return may;
}

static bool has_locked(void) {
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    unsigned long kb = 0;
    bool known = false;
    while (file && !known && fgets(line, sizeof(line), file))
        known = sscanf(line, "VmLck: %lu", &kb) == 1;
    if (file)
        fclose(file);
    return !known || kb > 0;
}

bool neap_os_may_have_pins(void) {
    return has_locked() || descriptors_may() || mappings_may();
}
