/* os/append_file.c: O_APPEND, so that lines of several writers do not mix. */
#include "os/append_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int neap_os_append_open(const char *path, int *file) {
    int made =
        open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0640);
    if (made < 0)
        return NEAP_ERROR_SYSTEM;
    *file = made;
    return NEAP_OK;
}

void neap_os_append_replace(int current, int made) {
    dup3(made, current, O_CLOEXEC);
    close(made);
}

bool neap_os_append_write(int file, const char *line, size_t bytes) {
    ssize_t went;
    do
        went = write(file, line, bytes);
    while (went < 0 && errno == EINTR);
    return went == (ssize_t)bytes;
}

bool neap_os_append_give(int file, unsigned user, unsigned group) {
    struct stat facts;
    return fstat(file, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink == 1 &&
           fchown(file, user, group) == 0;
}
