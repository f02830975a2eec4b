/* os/proc.h: what the readers of /proc/PID within this module share. pid 0 is this process. Any thread. */
#ifndef NEAP_OS_PROC_H
#define NEAP_OS_PROC_H

#include <stdbool.h>
#include <stdio.h>

#include "os/process_memory.h"
#include "os/residence.h"

/* The enum neap_error for errno after a call about another process. */
int neap__os_proc_error(void);

/* Writes "/proc/PID/what"; returns `path`. */
const char *neap__os_proc_path(char *path, size_t bytes, pid_t pid, const char *what);

/* Reads a small file of /proc or /sys whole into text[size], without stdio's buffer. False if it cannot. */
bool neap__os_text_read(const char *path, char *text, size_t size);

/* Opens /proc/PID/what; the caller closes *file. */
int neap__os_proc_open(pid_t pid, const char *what, FILE **file);

/* As neap_os_residence_open, of the process whose folder under /proc is open. */
int neap__os_residence_open_in(int folder, neap_os_residence_t **residence);

/* Parses "start-end rw-p offset dev:dev inode     path"; false if the line is none. */
bool neap__os_mapping_parse(const char *line, struct neap_os_mapping *mapping);

/* The texts of maps and of smaps: see neap_os_mappings_visit, neap_os_mapping_figures. The caller closes
 * `file`. */
int neap__os_maps_read(FILE *file, bool (*visit)(void *context, const struct neap_os_mapping *mapping),
                       void *context);
int neap__os_smaps_read(FILE *file,
                        bool (*visit)(void *context, const struct neap_os_mapping *mapping,
                                      const struct neap_os_mapping_figures *figures),
                        void *context);

#endif
