/* os/append_file.h: files that lines are appended to, such as logs. Any thread. */
#ifndef NEAP_OS_APPEND_FILE_H
#define NEAP_OS_APPEND_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <neap/error.h>

/* Opens a file for appending, or makes it with mode 0640. A link is not followed, and a pipe without a reader
 * is not waited for. The caller closes *file (os/descriptor.h). NEAP_ERROR_SYSTEM with errno. */
int neap_os_append_open(const char *path, int *file);

/* Lets `current` be the file that `made` is, and closes `made`: whoever writes to the number meanwhile writes
 * to one of the two, and never to something else. */
void neap_os_append_replace(int current, int made);

/* Writes a whole line by one call. False if the file did not take all of it; part of it may be there then. */
bool neap_os_append_write(int file, const char *line, size_t bytes);

/* Gives a regular file with one name to another user. False if that cannot be. */
bool neap_os_append_give(int file, unsigned user, unsigned group);

#endif
