/* os/mapping_line.h: what the readers of /proc/PID within this room share. */
#ifndef NEAP_OS_MAPPING_LINE_H
#define NEAP_OS_MAPPING_LINE_H

#include <stdbool.h>
#include <stdio.h>

#include "os/remote.h"

/* The enum neap_error for errno after a call about another process. */
int neap__os_error_of_errno(void);

/* Opens /proc/PID/what; pid 0 is this process. The caller closes *file. */
int neap__os_proc_open(pid_t pid, const char *what, FILE **file);

/* Parses "start-end rw-p offset dev:dev inode     path"; false if the line is none. */
bool neap__os_mapping_parse(const char *line, struct neap_os_mapping *mapping);

#endif
