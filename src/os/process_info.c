/* os/process_info.c: reads /proc/PID. */
#include "os/process_info.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/proc.h"

enum { PATH_ROOM = 64, SOCKETS_MAX = 4096 };

/* Field `index` of a line, counted from 0. Blanks separate fields. The end of the text if there are fewer. */
static const char *field_find(const char *line, unsigned index) {
    line += strspn(line, " ");
    for (; index > 0; index--) {
        line += strcspn(line, " \n");
        line += strspn(line, " ");
    }
    return line;
}

static unsigned long field_number(const char *line, unsigned index, int base) {
    return strtoul(field_find(line, index), NULL, base);
}

/* --- memory ------------------------------------------------------------ */

/* Adds the kB behind `key` to *bytes if the line begins with it. */
static bool kb_add(const char *line, const char *key, uint64_t *bytes) {
    size_t length = strlen(key);
    if (strncmp(line, key, length) != 0)
        return false;
    *bytes += strtoull(line + length, NULL, 10) * 1024;
    return true;
}

int neap__os_process_info_memory_sum(const char *path, struct neap_os_process_info_memory *memory) {
    FILE *file = fopen(path, "re");
    if (!file)
        return neap__os_proc_error();
    struct neap_os_process_info_memory sum = {0};
    bool any = false;
    char line[512]; /* a longer one is a mapping's path: its rest begins with none of the keys */
    while (fgets(line, sizeof(line), file))
        any |= kb_add(line, "Rss:", &sum.rss_bytes) || kb_add(line, "Pss:", &sum.pss_bytes) ||
               kb_add(line, "Private_Clean:", &sum.private_clean_bytes) ||
               kb_add(line, "Private_Dirty:", &sum.private_dirty_bytes);
    int error = ferror(file) ? neap__os_proc_error() : any ? 0 : NEAP_ERROR_PROCESS;
    fclose(file);
    if (error == 0)
        *memory = sum;
    return error;
}

int neap_os_process_info_memory(pid_t pid, struct neap_os_process_info_memory *memory) {
    char path[PATH_ROOM];
    int error =
        neap__os_process_info_memory_sum(neap__os_proc_path(path, sizeof(path), pid, "smaps_rollup"), memory);
    if (error != NEAP_ERROR_PROCESS || access("/proc/self/smaps_rollup", F_OK) == 0)
        return error;
    return neap__os_process_info_memory_sum(neap__os_proc_path(path, sizeof(path), pid, "smaps"), memory);
}

int neap_os_process_info_peak(pid_t pid, uint64_t *peak_bytes) {
    FILE *file;
    int error = neap__os_proc_open(pid, "status", &file);
    if (error != NEAP_OK)
        return error;
    error = NEAP_ERROR_PROCESS; /* a process that is ending has no memory to tell of */
    uint64_t bytes = 0;
    char line[256];
    while (error && fgets(line, sizeof(line), file))
        if (kb_add(line, "VmHWM:", &bytes))
            error = 0;
    fclose(file);
    if (error == 0)
        *peak_bytes = bytes;
    return error;
}

/* --- state ------------------------------------------------------------- */

int neap_os_process_info_stat(pid_t pid, struct neap_os_process_info_stat *stat) {
    FILE *file;
    char text[1024];
    int error = neap__os_proc_open(pid, "stat", &file);
    if (error != NEAP_OK)
        return error;
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    /* The name before it may contain anything, brackets included. */
    const char *rest = strrchr(text, ')');
    if (!rest || !*field_find(rest, 18))
        return NEAP_ERROR_PROCESS;
    uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
    uint64_t ticks = field_number(rest, 12, 10) + field_number(rest, 13, 10);
    *stat = (struct neap_os_process_info_stat){
        .parent = (pid_t)field_number(rest, 2, 10),
        .session = (pid_t)field_number(rest, 4, 10),
        .state = *field_find(rest, 1),
        .cpu_ns = ticks * tick_ns,
        .threads = field_number(rest, 18, 10),
    };
    return 0;
}

uint64_t neap_os_process_info_own_cpu_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

struct maps_search {
    const char *ending;
    bool found;
};

static bool maps_visit(void *context, const struct neap_os_mapping *mapping) {
    struct maps_search *search = context;
    size_t path = strlen(mapping->path), ending = strlen(search->ending);
    search->found = path >= ending && strcmp(mapping->path + path - ending, search->ending) == 0;
    return !search->found;
}

int neap_os_process_info_maps(pid_t pid, const char *ending, bool *maps) {
    struct maps_search search = {ending, false};
    int error = neap_os_mappings_visit(pid, maps_visit, &search);
    if (error == 0)
        *maps = search.found;
    return error;
}

/* --- sockets ----------------------------------------------------------- */

struct sockets {
    unsigned long inodes[SOCKETS_MAX];
    size_t count;
};

/* The sockets among the open files of `pid`. */
static int sockets_list(pid_t pid, struct sockets *sockets) {
    char path[PATH_ROOM], target[PATH_ROOM];
    DIR *directory = opendir(neap__os_proc_path(path, sizeof(path), pid, "fd"));
    if (!directory)
        return neap__os_proc_error();
    const struct dirent *entry;
    while (sockets->count < SOCKETS_MAX && (entry = readdir(directory))) {
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);
        if (length < 0)
            continue;
        target[length] = '\0';
        if (strncmp(target, "socket:[", strlen("socket:[")) == 0)
            sockets->inodes[sockets->count++] = strtoul(target + strlen("socket:["), NULL, 10);
    }
    closedir(directory);
    return 0;
}

/* The inode of the socket in a line of /proc/net/tcp or unix, 0 if it does not listen. */
static unsigned long tcp_listener(const char *line) {
    enum { LISTEN = 0x0A };
    return field_number(line, 3, 16) == LISTEN ? field_number(line, 9, 10) : 0;
}

static unsigned long unix_listener(const char *line) {
    enum { ACCEPTS = 0x10000 };
    return field_number(line, 3, 16) & ACCEPTS ? field_number(line, 6, 10) : 0;
}

static bool table_has(pid_t pid, const char *name, unsigned long (*listener)(const char *),
                      const struct sockets *sockets) {
    FILE *file;
    if (neap__os_proc_open(pid, name, &file) != NEAP_OK)
        return false; /* no such protocol on this machine */
    bool found = false;
    char line[512];
    while (!found && fgets(line, sizeof(line), file)) {
        unsigned long inode = listener(line);
        for (size_t i = 0; inode && i < sockets->count && !found; i++)
            found = sockets->inodes[i] == inode;
    }
    fclose(file);
    return found;
}

int neap_os_process_info_listens(pid_t pid, bool *listens) {
    struct sockets sockets;
    sockets.count = 0;
    int error = sockets_list(pid, &sockets);
    if (error)
        return error;
    *listens = sockets.count > 0 && (table_has(pid, "net/tcp", tcp_listener, &sockets) ||
                                     table_has(pid, "net/tcp6", tcp_listener, &sockets) ||
                                     table_has(pid, "net/unix", unix_listener, &sockets));
    return 0;
}
