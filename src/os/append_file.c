/* os/append_file.c: O_APPEND, so that lines of several writers do not mix. */
#include "os/append_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/path.h"

/* Opens what is there already. ENOENT: it went away meanwhile. */
static int open_again(const char *path, int *file) {
    struct stat facts;
    if (neap_os_path_is_foreign(path)) {
        errno = EPERM;
        return NEAP_ERROR_PERMISSION;
    }
    int opened = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (opened < 0)
        return errno == ELOOP ? NEAP_ERROR_PERMISSION : NEAP_ERROR_SYSTEM;
    if (fstat(opened, &facts) != 0 || (S_ISREG(facts.st_mode) && facts.st_nlink != 1)) {
        close(opened);
        errno = EMLINK;
        return NEAP_ERROR_PERMISSION;
    }
    *file = opened;
    return NEAP_OK;
}

int neap_os_append_open(const char *path, int *file, bool *made) {
    int opened = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0640);
    *made = opened >= 0;
    if (opened < 0)
        return errno == EEXIST ? open_again(path, file) : NEAP_ERROR_SYSTEM;
    *file = opened;
    return NEAP_OK;
}

void neap_os_append_replace(int current, int fresh) {
    dup3(fresh, current, O_CLOEXEC);
    close(fresh);
}

bool neap_os_append_write(int file, const char *line, size_t bytes) {
    ssize_t went;
    do
        went = write(file, line, bytes);
    while (went < 0 && errno == EINTR);
    return went == (ssize_t)bytes;
}

bool neap_os_append_give(int file, unsigned user, unsigned group) {
    return fchown(file, user, group) == 0;
}
