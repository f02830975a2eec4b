/* os/path.c: lstat and readlink. */
#include "os/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "os/file.h"

enum { LINKS_MOST = 40 };

static enum neap_os_path_kind kind_of(const struct stat *status) {
    return S_ISREG(status->st_mode)   ? NEAP_OS_PATH_FILE
           : S_ISDIR(status->st_mode) ? NEAP_OS_PATH_FOLDER
           : S_ISBLK(status->st_mode) ? NEAP_OS_PATH_DISK
                                      : NEAP_OS_PATH_STREAM;
}

static bool is_trusted(const struct stat *status) {
    return status->st_uid == geteuid() || status->st_uid == 0;
}

enum neap_os_path_kind neap_os_path_kind(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 ? kind_of(&status) : NEAP_OS_PATH_NONE;
}

int neap_os_path_stream_open(const char *path, int *descriptor) {
    struct stat status;
    int opened = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (opened < 0)
        return neap__os_file_error();
    if (fstat(opened, &status) != 0 || kind_of(&status) != NEAP_OS_PATH_STREAM) {
        close(opened);
        return NEAP_ERROR_FORMAT;
    }
    *descriptor = opened;
    return NEAP_OK;
}

/* Replaces the link at the end of `path` by its target. */
static int link_follow(char path[PATH_MAX]) {
    char target[PATH_MAX], *slash = strrchr(path, '/');
    ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length < 0)
        return neap__os_file_error();
    target[length] = '\0';
    size_t kept = target[0] == '/' || !slash ? 0 : (size_t)(slash - path) + 1;
    if (kept + (size_t)length >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return NEAP_ERROR_SYSTEM;
    }
    memcpy(path + kept, target, (size_t)length + 1);
    return NEAP_OK;
}

bool neap__os_path_is_kernel_link(const char *path) {
    struct stat status;
    struct statfs file_system;
    int link = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (link < 0)
        return false;
    bool is_kernel_link = fstat(link, &status) == 0 && S_ISLNK(status.st_mode) &&
                          fstatfs(link, &file_system) == 0 && file_system.f_type == PROC_SUPER_MAGIC;
    close(link);
    return is_kernel_link;
}

int neap__os_path_follow(char path[PATH_MAX]) {
    struct stat status;
    for (int hop = 0; hop < LINKS_MOST; hop++) {
        if (lstat(path, &status) != 0 || !S_ISLNK(status.st_mode) || neap__os_path_is_kernel_link(path))
            return NEAP_OK;
        if (!is_trusted(&status)) {
            errno = EPERM;
            return NEAP_ERROR_PERMISSION;
        }
        int error = link_follow(path);
        if (error != NEAP_OK)
            return error;
    }
    errno = ELOOP;
    return NEAP_ERROR_SYSTEM;
}

bool neap_os_path_is_foreign(const char *path) {
    char end[PATH_MAX];
    struct stat status;
    if (strlen(path) >= sizeof(end))
        return false;
    strcpy(end, path);
    if (neap__os_path_follow(end) == NEAP_ERROR_PERMISSION && errno == EPERM)
        return true;
    return lstat(end, &status) == 0 && S_ISFIFO(status.st_mode) && !is_trusted(&status);
}

bool neap_os_path_is_readable(const char *path) {
    return faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0;
}
