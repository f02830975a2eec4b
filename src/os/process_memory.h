/* os/process_memory.h: what the memory of another process consists of.
 *
 * A mapping is one line of /proc/PID/maps. What goes by number here is of one program if os/process.h says so
 * afterwards. Nothing in the target runs or stops for it. Any thread.
 */
#ifndef NEAP_OS_PROCESS_MEMORY_H
#define NEAP_OS_PROCESS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <neap/error.h>

#include "os/process.h"

struct neap_os_mapping {
    uint64_t start, end; /* addresses, end excluded */
    char access[5];      /* "rw-p" */
    uint64_t offset;     /* into the file, bytes */
    char path[512];      /* "" for anonymous memory; cut if longer. It may hold any character: a line feed
                            too, which /proc shows as \012, so that a name with this text reads as one */
};

/* Calls `visit` for each mapping in address order until it returns false.
 * NEAP_ERROR_PROCESS if there is no such process, NEAP_ERROR_PERMISSION if the
 * system refuses to show it. */
int neap_os_mappings_visit(pid_t pid, bool (*visit)(void *context, const struct neap_os_mapping *mapping),
                           void *context);

/* Path of the program that `pid` runs (0: this process) into `path`, cut if longer; " (deleted)"
 * is left out. Where the system does not show it, the bare name that it shows of every process. */
int neap_os_program(pid_t pid, char *path, size_t bytes);

/* Path under which the file `mapping` of `process` can be opened from here, also if the target lives in a
 * container or the file was deleted; it leads nowhere once the process has ended or the handle is closed.
 * With the capability for it (root, CAP_CHECKPOINT_RESTORE) that is /proc/PID/map_files: the very file that
 * is mapped, whatever the target has put under its name since. Without it, the name as the target sees it.
 * NEAP_ERROR_ABSENT if neither leads to a regular file. */
int neap_os_mapped_file(const neap_os_process_t *process, const struct neap_os_mapping *mapping, char *path,
                        size_t bytes);

#endif
