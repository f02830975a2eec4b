/* os/own_pins.c */
#include "os/own_pins.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/proc.h"
#include "os/process_memory.h"

/* Devices that do not keep the pages of a read or write; * stands for the rest of a name. */
static const char *const harmless_devices[] = {
    "/dev/null",  "/dev/zero",    "/dev/full",  "/dev/random",   "/dev/urandom", "/dev/tty*", "/dev/ptmx",
    "/dev/pts/*", "/dev/console", "/dev/shm/*", "/dev/mqueue/*", "/dev/fuse",    "/dev/log",
};

static const char *const harmless_inodes[] = {
    "[eventfd]",  "[eventpoll]", "[timerfd]",    "[signalfd]",         "inotify",
    "[fanotify]", "[pidfd]",     "[perf_event]", "[landlock-ruleset]",
};

/* Whether `name`, of a thing that may be deleted, is one of `patterns`. */
static bool is_one_of(const char *name, const char *const *patterns, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t length = strcspn(patterns[i], "*");
        bool starts = strncmp(name, patterns[i], length) == 0;
        if (starts && (patterns[i][length] == '*' || name[length] == '\0' || name[length] == ' '))
            return true;
    }
    return false;
}

bool neap__os_name_may_pin(const char *name) {
    static const char inode[] = "anon_inode:";
    if (strncmp(name, "/[aio]", 6) == 0)
        return true;
    if (strncmp(name, "/dev/", 5) == 0)
        return !is_one_of(name, harmless_devices, sizeof(harmless_devices) / sizeof(*harmless_devices));
    if (strncmp(name, inode, sizeof(inode) - 1) == 0)
        return !is_one_of(name + sizeof(inode) - 1, harmless_inodes,
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

static bool mapping_may(void *context, const struct neap_os_mapping *mapping) {
    bool *may = context;
    *may = neap__os_name_may_pin(mapping->path);
    return !*may; /* one is enough */
}

static bool mappings_may(void) {
    bool may = false;
    return neap_os_mappings_visit(getpid(), mapping_may, &may) != NEAP_OK || may;
}

static bool has_locked(void) {
    char status[NEAP__OS_STATUS_BYTES];
    return !neap__os_text_read("/proc/self/status", status, sizeof(status)) ||
           !neap__os_status_field(status, "\nVmLck:") || neap__os_status_number(status, "\nVmLck:", 10) > 0;
}

bool neap_os_may_have_pins(void) {
    return has_locked() || descriptors_may() || mappings_may();
}
