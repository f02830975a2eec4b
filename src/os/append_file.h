/* os/append_file.h: files that lines are appended to, such as logs. Any thread. */
#ifndef NEAP_OS_APPEND_FILE_H
#define NEAP_OS_APPEND_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <neap/error.h>

/* Opens a file for appending, or makes it with mode 0640; *made says which. Root may write where others make
 * names: so a link at the end of the path, another user's pipe, and a file that has a second name are
 * refused. A pipe without a reader is not waited for. The caller closes *file (os/descriptor.h).
 * NEAP_ERROR_PERMISSION with errno: refused. NEAP_ERROR_SYSTEM with errno. */
int neap_os_append_open(const char *path, int *file, bool *made);

/* Lets `current` be the file that `fresh` is, and closes `fresh`: whoever writes to the number meanwhile
 * writes to one of the two, and never to something else. */
void neap_os_append_replace(int current, int fresh);

/* Writes a whole line by one call. False if the file did not take all of it; part of it may be there then. */
bool neap_os_append_write(int file, const char *line, size_t bytes);

/* Gives a file that neap_os_append_open made to another user. False if that cannot be. */
bool neap_os_append_give(int file, unsigned user, unsigned group);

#endif
