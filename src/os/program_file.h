/* os/program_file.h: the file that a command executes, and whether the loader will be in secure mode for it.
 *
 * In secure mode the loader ignores LD_PRELOAD (ld.so(8)). The kernel asks for it where a file changes the
 * user or the group, or gives capabilities to somebody who is not root. Any thread. Errors: those of
 * os/file.h.
 */
#ifndef NEAP_OS_PROGRAM_FILE_H
#define NEAP_OS_PROGRAM_FILE_H

#include <linux/limits.h>
#include <stdbool.h>

#include <neap/error.h>

#include "os/held_file.h"

struct neap_os_program_file {
    struct neap_os_held_file held;
    bool changes_user;     /* set-user-id or set-group-id, to another than the caller's */
    bool has_capabilities; /* security.capability, and the caller is not root */
};

/* Finds the file of a command as execvp does. False if there is none that may be executed. */
bool neap_os_program_find(const char *command, char path[PATH_MAX]);

/* Opens it. The caller closes `held`. */
int neap_os_program_open(const char *path, struct neap_os_program_file *program);

#endif
