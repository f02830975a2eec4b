/* os/process_threads.c: reads /proc/PID/task. */
#include "os/process_threads.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/proc.h"

/* Reads the first line of a file of one thread; "" if it cannot be read. */
static void line_read(pid_t pid, pid_t tid, const char *what, char *line, int bytes) {
    char path[48];
    FILE *file;
    snprintf(path, sizeof(path), "task/%d/%s", (int)tid, what);
    line[0] = '\0';
    if (neap__os_proc_open(pid, path, &file) != NEAP_OK)
        return;
    if (!fgets(line, bytes, file))
        line[0] = '\0';
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
}

/* Parses "number arguments ... sp pc" or "-1 sp pc". 0 for "running". */
static uint64_t stack_pointer_parse(char *line) {
    char *last = strrchr(line, ' ');
    if (!last)
        return 0;
    *last = '\0';
    const char *before = strrchr(line, ' ');
    return before ? strtoull(before + 1, NULL, 16) : 0;
}

int neap_os_process_threads_visit(pid_t pid,
                                  bool (*visit)(void *context, const struct neap_os_process_thread *thread),
                                  void *context) {
    char line[512];
    DIR *folder = opendir(neap__os_proc_path(line, sizeof(line), pid, "task"));
    if (!folder)
        return neap__os_proc_error();
    bool more = true;
    const struct dirent *entry;
    while (more && (entry = readdir(folder))) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        struct neap_os_process_thread thread = {.tid = (pid_t)strtol(entry->d_name, NULL, 10)};
        line_read(pid, thread.tid, "syscall", line, sizeof(line));
        thread.stack_pointer = stack_pointer_parse(line);
        line_read(pid, thread.tid, "comm", line, sizeof(line));
        snprintf(thread.name, sizeof(thread.name), "%.15s", line);
        more = visit(context, &thread);
    }
    closedir(folder);
    return NEAP_OK;
}
