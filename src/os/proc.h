/* os/proc.h: shared by the readers of /proc within this module. pid 0 is this process. Any thread. */
#ifndef NEAP_OS_PROC_H
#define NEAP_OS_PROC_H

#include <stdbool.h>
#include <stdio.h>

#include "os/process_memory.h"
#include "os/residence.h"

/* Converts errno after a call about another process to an enum neap_error. */
int neap__os_proc_error(void);

/* Writes "/proc/PID/what" and returns `path`. */
const char *neap__os_proc_path(char *path, size_t bytes, pid_t pid, const char *what);

/* Reads a small file of /proc or /sys into text[size] by one read, and terminates it. A longer file is cut.
 * False if it cannot be read, or if the program has confined itself (os/filter_watch.h): a filter may end the
 * process for opening a file. */
bool neap__os_text_read(const char *path, char *text, size_t size);

/* Room for the text of /proc/PID/status: two lists of processors are the longest of it. */
enum { NEAP__OS_STATUS_BYTES = 4096 };

/* In the text of /proc/PID/status: what stands behind "KEY:" and its blanks, NULL if there is no such line,
 * and the same as a number, 0 if there is none. `key` begins with the line feed that ends the line before. */
const char *neap__os_status_field(const char *status, const char *key);
unsigned long long neap__os_status_number(const char *status, const char *key, int base);

/* Opens /proc/PID/what. The caller closes *file. Returns 0 or a negative enum neap_error. */
int neap__os_proc_open(pid_t pid, const char *what, FILE **file);

/* As neap_os_residence_open, of the process whose folder under /proc is open. */
int neap__os_residence_open_in(int folder, neap_os_residence_t **residence);

/* The folder /proc/PID of a handle, open as O_PATH. */
int neap__os_process_folder(const neap_os_process_t *process);

/* How maps and smaps show a line feed in a path, which is the only character that they escape. */
#define NEAP__OS_LINE_FEED_SHOWN "\\012"

/* Parses a line "start-end rw-p offset dev:dev inode     path". False if it is no such line. */
bool neap__os_mapping_parse(const char *line, struct neap_os_mapping *mapping);

/* Read the text of maps and of smaps, as neap_os_mappings_visit and neap_os_mapping_figures do. The caller
 * closes `file`. */
int neap__os_maps_read(FILE *file, bool (*visit)(void *context, const struct neap_os_mapping *mapping),
                       void *context);
int neap__os_smaps_read(FILE *file,
                        bool (*visit)(void *context, const struct neap_os_mapping *mapping,
                                      const struct neap_os_mapping_figures *figures),
                        void *context);

#endif
