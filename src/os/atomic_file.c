/* os/atomic_file.c */
#include "os/atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/path.h"
#include "os/random.h"

static unsigned fault_countdown;
static bool drafts_named;

void neap_os_atomic_file_name_drafts(bool wanted) {
    drafts_named = wanted;
}

void neap_os_atomic_file_fault_after(unsigned n) {
    fault_countdown = n;
}

/* Whether this step is the one that is to fail, with errno as a full disk sets it. */
static bool fault_now(void) {
    if (fault_countdown == 0 || --fault_countdown != 0)
        return false;
    errno = ENOSPC;
    return true;
}

/* --- where it is to be --------------------------------------------------------- */

enum { RANDOM_DIGITS = 16, TRIES = 100 };

static const char draft_end[] = ".neap";

/* Bytes of a draft's name behind the part that it shares with the file's. */
enum { SUFFIX_BYTES = 1 + RANDOM_DIGITS + sizeof(draft_end) };

/* Opens the folder of `path`, which need not be readable, and takes the name within it. */
static int folder_open(struct neap_os_atomic_file *file, char path[PATH_MAX]) {
    char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path, *folder = !slash ? "." : path;
    if (strlen(name) >= sizeof(file->name)) {
        errno = ENAMETOOLONG;
        return NEAP_ERROR_SYSTEM;
    }
    if (name[0] == '\0') {
        errno = EISDIR;
        return NEAP_ERROR_FORMAT;
    }
    strcpy(file->name, name);
    if (slash == path)
        folder = "/";
    else if (slash)
        *slash = '\0';
    file->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->folder < 0 && errno == EACCES)
        file->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return file->folder < 0 ? neap__os_file_error() : NEAP_OK;
}

/* Looks at what has the name already. */
static int old_look(struct neap_os_atomic_file *file) {
    struct stat status;
    file->mode = 0;
    if (fstatat(file->folder, file->name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? NEAP_OK : neap__os_file_error();
    if (!S_ISREG(status.st_mode)) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : ENODEV;
        return NEAP_ERROR_FORMAT;
    }
    if (status.st_uid == geteuid())
        file->mode = status.st_mode & 0777;
    return NEAP_OK;
}

/* --- the new file ----------------------------------------------------------------- */

static void temporary_name(struct neap_os_atomic_file *file) {
    snprintf(file->temporary, sizeof(file->temporary), "%.*s.%016llx%s",
             (int)(sizeof(file->temporary) - SUFFIX_BYTES), file->name, (unsigned long long)neap_os_random(),
             draft_end);
}

/* Bits that the new file has from the start; an old file's come at the end. */
static mode_t first_mode(const struct neap_os_atomic_file *file) {
    return file->mode != 0 ? 0600 : 0666;
}

/* The lock of a draft's writer, which ends with its process. Where the file system has none, nobody gets one,
 * and so nobody removes a draft either. */
static bool draft_lock(int descriptor) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(descriptor, F_OFD_SETLK, &lock) == 0;
}

static int make_unnamed(struct neap_os_atomic_file *file) {
    file->temporary[0] = '\0';
    if (drafts_named || access("/proc/self/fd", F_OK) != 0) /* without it, it could not be given a name */
        return -1;
    int descriptor = openat(file->folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, first_mode(file));
    if (descriptor >= 0)
        draft_lock(descriptor);
    return descriptor;
}

/* Whether the new draft is the caller's: somebody who looks for dead drafts may have been there before its
 * lock, and removed it or be about to. */
static bool draft_is_held(int descriptor) {
    struct stat status;
    if (!draft_lock(descriptor) && (errno == EAGAIN || errno == EACCES))
        return false;
    return fstat(descriptor, &status) == 0 && status.st_nlink > 0;
}

static int make_named(struct neap_os_atomic_file *file) {
    int descriptor = -1;
    for (int i = 0; i < TRIES && descriptor < 0; i++) {
        temporary_name(file);
        descriptor = openat(file->folder, file->temporary,
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, first_mode(file));
        if (descriptor < 0 && errno != EEXIST)
            break;
        if (descriptor >= 0 && !draft_is_held(descriptor)) {
            close(descriptor);
            descriptor = -1;
            errno = EEXIST;
        }
    }
    return descriptor;
}

/* --- drafts of writers that died --------------------------------------------------- */

static bool is_draft_name(const struct neap_os_atomic_file *file, const char *name) {
    size_t kept = strlen(file->name), most = sizeof(file->temporary) - SUFFIX_BYTES;
    kept = kept < most ? kept : most;
    return strncmp(name, file->name, kept) == 0 && name[kept] == '.' &&
           strspn(name + kept + 1, "0123456789abcdef") == RANDOM_DIGITS &&
           strcmp(name + kept + 1 + RANDOM_DIGITS, draft_end) == 0;
}

static bool is_own_file(const struct stat *status) {
    return S_ISREG(status->st_mode) && status->st_uid == geteuid() && status->st_nlink == 1;
}

/* Removes a draft if it gets its lock. The name is looked at once more with the lock held: the writer may
 * have given the file its final name before. */
static void draft_remove_if_dead(int folder, const char *name) {
    struct stat named, opened;
    if (fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) != 0 || !is_own_file(&named))
        return;
    int draft = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (draft < 0)
        return;
    if (fstat(draft, &opened) == 0 && is_own_file(&opened) && draft_lock(draft) &&
        fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_dev == opened.st_dev &&
        named.st_ino == opened.st_ino)
        unlinkat(folder, name, 0);
    close(draft);
}

static void drafts_remove_dead(const struct neap_os_atomic_file *file) {
    int folder = openat(file->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = folder < 0 ? NULL : fdopendir(folder);
    if (!entries) {
        if (folder >= 0)
            close(folder);
        return;
    }
    for (struct dirent *entry; (entry = readdir(entries));)
        if (is_draft_name(file, entry->d_name))
            draft_remove_if_dead(file->folder, entry->d_name);
    closedir(entries);
}

/* --- opening ------------------------------------------------------------------------ */

int neap_os_atomic_file_open(struct neap_os_atomic_file *file, const char *path) {
    char resolved[PATH_MAX];
    if (strlen(path) >= sizeof(resolved)) {
        errno = ENAMETOOLONG;
        return NEAP_ERROR_SYSTEM;
    }
    strcpy(resolved, path);
    int error = neap__os_path_follow(resolved);
    if (error == NEAP_OK)
        error = folder_open(file, resolved);
    if (error != NEAP_OK)
        return error;
    file->buffered = 0;
    error = old_look(file);
    file->descriptor = error == NEAP_OK ? make_unnamed(file) : -1;
    if (error == NEAP_OK && file->descriptor < 0) {
        drafts_remove_dead(file);
        file->descriptor = make_named(file);
        error = file->descriptor < 0 ? neap__os_file_error() : NEAP_OK;
    }
    if (error != NEAP_OK) {
        int reason = errno;
        close(file->folder);
        errno = reason;
    }
    return error;
}

/* --- writing -------------------------------------------------------------------------- */

/* The whole of `data`, at `offset` or, with -1, at the end. */
static int write_all(int descriptor, const char *data, size_t bytes, off_t offset) {
    while (bytes > 0) {
        ssize_t done = fault_now()  ? -1
                       : offset < 0 ? write(descriptor, data, bytes)
                                    : pwrite(descriptor, data, bytes, offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return neap__os_file_error();
        data += done;
        bytes -= (size_t)done;
        offset += offset < 0 ? 0 : done;
    }
    return NEAP_OK;
}

static int flush(struct neap_os_atomic_file *file) {
    size_t bytes = file->buffered;
    file->buffered = 0;
    return write_all(file->descriptor, file->buffer, bytes, -1);
}

int neap_os_atomic_file_write(struct neap_os_atomic_file *file, const void *data, size_t bytes) {
    if (bytes == 0)
        return NEAP_OK;
    if (bytes > sizeof(file->buffer) - file->buffered) {
        int error = flush(file);
        if (error != NEAP_OK)
            return error;
    }
    if (bytes > sizeof(file->buffer))
        return write_all(file->descriptor, data, bytes, -1);
    memcpy(file->buffer + file->buffered, data, bytes);
    file->buffered += bytes;
    return NEAP_OK;
}

int neap_os_atomic_file_write_start(struct neap_os_atomic_file *file, const void *data, size_t bytes) {
    int error = flush(file);
    return error != NEAP_OK ? error : write_all(file->descriptor, data, bytes, 0);
}

/* --- its end --------------------------------------------------------------------------- */

/* Gives the file a name of its own beside `name`. */
static int link_in(struct neap_os_atomic_file *file) {
    char descriptor[32];
    snprintf(descriptor, sizeof(descriptor), "/proc/self/fd/%d", file->descriptor);
    for (int i = 0; i < TRIES; i++) {
        temporary_name(file);
        if (!fault_now() &&
            linkat(AT_FDCWD, descriptor, file->folder, file->temporary, AT_SYMLINK_FOLLOW) == 0)
            return NEAP_OK;
        if (errno != EEXIST)
            break;
    }
    file->temporary[0] = '\0';
    return neap__os_file_error();
}

static int finish(struct neap_os_atomic_file *file) {
    int error = flush(file);
    if (error == NEAP_OK && file->mode != 0 && fchmod(file->descriptor, (mode_t)file->mode) != 0)
        error = neap__os_file_error();
    if (error == NEAP_OK && (fault_now() || fsync(file->descriptor) != 0))
        error = neap__os_file_error();
    if (error == NEAP_OK && file->temporary[0] == '\0')
        error = link_in(file);
    if (error == NEAP_OK &&
        (fault_now() || renameat(file->folder, file->temporary, file->folder, file->name) != 0))
        error = neap__os_file_error();
    return error;
}

int neap_os_atomic_file_commit(struct neap_os_atomic_file *file) {
    int error = finish(file);
    if (error != NEAP_OK) {
        neap_os_atomic_file_discard(file);
        return error;
    }
    close(file->descriptor);
    fsync(file->folder); /* where a folder cannot be synced, as on some network file systems, it is not */
    close(file->folder);
    return NEAP_OK;
}

void neap_os_atomic_file_discard(struct neap_os_atomic_file *file) {
    int reason = errno; /* of the failure that led here */
    close(file->descriptor);
    if (file->temporary[0] != '\0')
        unlinkat(file->folder, file->temporary, 0);
    close(file->folder);
    errno = reason;
}
