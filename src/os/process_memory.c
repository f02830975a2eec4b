/* os/process_memory.c: /proc/PID/maps, the files in it, and the program. */
#include "os/process_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/proc.h"

static const char deleted_mark[] = " (deleted)";

/* --- mappings ---------------------------------------------------------- */

int neap__os_maps_read(FILE *file, bool (*visit)(void *context, const struct neap_os_mapping *mapping),
                       void *context) {
    char *line = NULL;
    size_t room = 0;
    bool any = false, more = true;
    while (more && getline(&line, &room, file) >= 0) {
        struct neap_os_mapping mapping;
        if (!neap__os_mapping_parse(line, &mapping))
            continue;
        any = true;
        more = visit(context, &mapping);
    }
    free(line);
    if (ferror(file))
        return neap__os_proc_error();
    return any ? NEAP_OK : NEAP_ERROR_PROCESS; /* a zombie has none */
}

int neap_os_mappings_visit(pid_t pid, bool (*visit)(void *context, const struct neap_os_mapping *mapping),
                           void *context) {
    FILE *file;
    int error = neap__os_proc_open(pid, "maps", &file);
    if (error != NEAP_OK)
        return error;
    error = neap__os_maps_read(file, visit, context);
    fclose(file);
    return error;
}

static bool path_strip_deleted(char *path) {
    size_t length = strlen(path), mark = sizeof(deleted_mark) - 1;
    if (length <= mark || strcmp(path + length - mark, deleted_mark) != 0)
        return false;
    path[length - mark] = '\0';
    return true;
}

static bool is_regular(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Writes `name`, with each line feed as /proc shows it. False if there is none, or no room. */
static bool name_escape(const char *name, char *out, size_t bytes) {
    size_t to = 0;
    if (!strchr(name, '\n'))
        return false;
    for (; *name; name++) {
        const char one[] = {*name, '\0'}, *piece = *name == '\n' ? NEAP__OS_LINE_FEED_SHOWN : one;
        size_t length = strlen(piece);
        if (to + length >= bytes)
            return false;
        memcpy(out + to, piece, length);
        to += length;
    }
    out[to] = '\0';
    return true;
}

int neap_os_mapped_file(const neap_os_process_t *process, const struct neap_os_mapping *mapping, char *path,
                        size_t bytes) {
    char name[sizeof(mapping->path)], shown[sizeof(mapping->path)], candidate[sizeof(mapping->path) + 64];
    const int folder = neap__os_process_folder(process);
    strcpy(name, mapping->path);
    if (name[0] != '/')
        return NEAP_ERROR_ABSENT;
    snprintf(candidate, sizeof(candidate), "/proc/self/fd/%d/map_files/%llx-%llx", folder,
             (unsigned long long)mapping->start, (unsigned long long)mapping->end);
    if (!is_regular(candidate)) {
        if (path_strip_deleted(name))
            return NEAP_ERROR_ABSENT;
        snprintf(candidate, sizeof(candidate), "/proc/self/fd/%d/root%s", folder, name);
        if (!is_regular(candidate) && name_escape(name, shown, sizeof(shown)))
            snprintf(candidate, sizeof(candidate), "/proc/self/fd/%d/root%s", folder, shown);
        if (!is_regular(candidate))
            return NEAP_ERROR_ABSENT;
    }
    if (strlen(candidate) >= bytes)
        return NEAP_ERROR_ABSENT;
    strcpy(path, candidate);
    return NEAP_OK;
}

/* --- the program -------------------------------------------------------- */

int neap_os_program(pid_t pid, char *path, size_t bytes) {
    char link[32], name[4096];
    neap__os_proc_path(link, sizeof(link), pid, "exe");
    ssize_t length = readlink(link, name, sizeof(name) - 1);
    if (length >= 0) {
        name[length] = '\0';
        path_strip_deleted(name);
    } else {
        neap__os_proc_path(link, sizeof(link), pid, "comm");
        if (!neap__os_text_read(link, name, sizeof(name)))
            return neap__os_proc_error();
        name[strcspn(name, "\n")] = '\0';
    }
    snprintf(path, bytes, "%s", name);
    return NEAP_OK;
}
