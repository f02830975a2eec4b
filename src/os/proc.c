/* os/proc.c: opens and parses files of /proc. */
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/filter_watch.h"

int neap__os_proc_error(void) {
    switch (errno) {
    case ENOENT:
    case ESRCH:
        return NEAP_ERROR_PROCESS;
    case EPERM:
    case EACCES:
        return NEAP_ERROR_PERMISSION;
    case ENOMEM:
        return NEAP_ERROR_MEMORY;
    case EFAULT:
        return NEAP_ERROR_FORMAT;
    default:
        return NEAP_ERROR_SYSTEM;
    }
}

const char *neap__os_proc_path(char *path, size_t bytes, pid_t pid, const char *what) {
    if (pid == 0)
        snprintf(path, bytes, "/proc/self/%s", what);
    else
        snprintf(path, bytes, "/proc/%d/%s", (int)pid, what);
    return path;
}

bool neap__os_text_read(const char *path, char *text, size_t size) {
    if (neap_os_filter_is_own())
        return false;
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

const char *neap__os_status_field(const char *status, const char *key) {
    const char *found = strstr(status, key);
    return found ? found + strlen(key) + strspn(found + strlen(key), " \t") : NULL;
}

unsigned long long neap__os_status_number(const char *status, const char *key, int base) {
    const char *text = neap__os_status_field(status, key);
    return text ? strtoull(text, NULL, base) : 0;
}

int neap__os_proc_open(pid_t pid, const char *what, FILE **file) {
    char path[48];
    *file = fopen(neap__os_proc_path(path, sizeof(path), pid, what), "re");
    return *file ? NEAP_OK : neap__os_proc_error();
}

/* Copies the path at the end of a line, with its line feeds, and cuts it to path[bytes]. */
static void path_read(const char *shown, char *path, size_t bytes) {
    const size_t length = strlen(NEAP__OS_LINE_FEED_SHOWN);
    size_t to = 0;
    while (*shown && *shown != '\n' && to + 1 < bytes) {
        bool is_feed = strncmp(shown, NEAP__OS_LINE_FEED_SHOWN, length) == 0;
        path[to++] = is_feed ? '\n' : *shown;
        shown += is_feed ? length : 1;
    }
    path[to] = '\0';
}

/* The path may be missing or contain blanks. */
bool neap__os_mapping_parse(const char *line, struct neap_os_mapping *mapping) {
    char *at;
    mapping->start = strtoull(line, &at, 16);
    if (*at != '-')
        return false;
    mapping->end = strtoull(at + 1, &at, 16);
    if (at[0] != ' ' || strlen(at) < 6)
        return false;
    memcpy(mapping->access, at + 1, 4);
    mapping->access[4] = '\0';
    mapping->offset = strtoull(at + 5, &at, 16);
    for (int skipped = 0; skipped < 2; skipped++) { /* device, inode */
        at += strspn(at, " ");
        at += strcspn(at, " \n");
    }
    at += strspn(at, " ");
    path_read(at, mapping->path, sizeof(mapping->path));
    return true;
}
