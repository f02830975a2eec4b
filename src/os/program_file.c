/* os/program_file.c: fstat, fstatvfs, prctl and fgetxattr. */
#include "os/program_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool is_executable(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

bool neap_os_program_find(const char *command, char path[PATH_MAX]) {
    if (strchr(command, '/'))
        return snprintf(path, PATH_MAX, "%s", command) < PATH_MAX && is_executable(path);
    const char *search = getenv("PATH");
    for (const char *at = search ? search : "/bin:/usr/bin"; at && *command;
         at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
        int length = (int)strcspn(at, ":");
        if (snprintf(path, PATH_MAX, "%.*s%s%s", length, at, length ? "/" : "./", command) < PATH_MAX &&
            is_executable(path))
            return true;
    }
    return false;
}

/* A file system may be mounted so that nothing on it changes a user, and a process may have given that up. */
static bool is_heeded(int file) {
    struct statvfs system;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        return false;
    return fstatvfs(file, &system) != 0 || (system.f_flag & ST_NOSUID) == 0;
}

int neap_os_program_open(const char *path, struct neap_os_program_file *program) {
    struct neap_os_held_file held;
    struct stat status;
    int error = neap_os_held_file_open(path, &held);
    if (error != NEAP_OK)
        return error;
    bool known = fstat(held.descriptor, &status) == 0, heeded = is_heeded(held.descriptor);
    bool sets_user = known && (status.st_mode & S_ISUID) != 0 && status.st_uid != getuid();
    bool sets_group = known && (status.st_mode & S_ISGID) != 0 && (status.st_mode & S_IXGRP) != 0 &&
                      status.st_gid != getgid();
    *program = (struct neap_os_program_file){
        .held = held,
        .changes_user = heeded && (sets_user || sets_group),
        .has_capabilities =
            heeded && getuid() != 0 && fgetxattr(held.descriptor, "security.capability", NULL, 0) > 0,
    };
    return NEAP_OK;
}
