/* cast/server/log.h: the access log and the error log. Any thread.
 *
 * A line is written at once and whole. Where a file takes none, because the disk is full, the line is dropped
 * and counted, and nobody on air waits for it. Texts that came from outside are escaped: they can forge
 * neither a line nor a field.
 */
#ifndef CAST_SERVER_LOG_H
#define CAST_SERVER_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "os/address.h"

/* Opens the files, or opens them again; NULL: no access log, and errors to stderr. Returns 0, or
 * NEAP_ERROR_SYSTEM with errno and *failed, the file that could not be opened; the logs are as before then.
 */
int cast_log_open(const char *access_file, const char *error_file, const char **failed);

/* One line of the access log, in the combined format with the seconds of the connection behind it. */
struct cast_access {
    const struct neap_os_address *address;
    const char *user, *method, *path, *referrer, *agent; /* "" if there is none */
    unsigned minor;
    int status;
    uint64_t bytes, seconds;
};

void cast_log_access(const struct cast_access *access);

/* One line `time=… level=… event=… name="value" …`. Names and values alternate; a NULL name ends them. */
void cast_log_event(const char *level, const char *event, ...) __attribute__((sentinel));

/* Gives the files that were made, and no others, to another user, so that they can be opened again when root
 * has been given up. Main thread. */
void cast_log_give(unsigned user, unsigned group);

/* Lines that could not be written. */
uint64_t cast_log_dropped(void);

#endif
