/* os/segment.c: files in /dev/shm, their mapping, and the lock of their writer.
 *
 * The lock belongs to an open file description (F_OFD_SETLK). A lock of a process would be lost when
 * another descriptor of the same file is closed, and flock cannot tell whether a lock is taken
 * without taking it. A forked child shares the description. So that the lock ends with the writer, the
 * child opens the file again and closes the descriptor that it inherited. A mapping keeps its
 * description open in every child, so it is made through another description.
 */
#include "os/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/memory.h"

#define FOLDER "/dev/shm/"
#define PREFIX "neap."

enum { MODE_BITS = 0644, OTHERS_WRITE = 0022 }; /* of a segment's file */
enum { PATH_BYTES = sizeof(FOLDER PREFIX) + NEAP_OS_SEGMENT_NAME_MAX, DESCRIPTOR_BYTES = 32 };

/* --- children ------------------------------------------------------------ */

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct neap_os_segment *registry; /* the writing ones of this process */

static void segment_path(const char *name, char path[PATH_BYTES]) {
    snprintf(path, PATH_BYTES, FOLDER PREFIX "%s", name);
}

static void descriptor_path(int file, char path[DESCRIPTOR_BYTES]) {
    snprintf(path, DESCRIPTOR_BYTES, "/proc/self/fd/%d", file);
}

static bool same_file(int one, int other) {
    struct stat a, b;
    return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void fork_prepare(void) {
    pthread_mutex_lock(&registry_lock);
}

static void fork_parent(void) {
    pthread_mutex_unlock(&registry_lock);
}

static void fork_child(void) {
    char path[PATH_BYTES];
    for (struct neap_os_segment *segment = registry; segment; segment = segment->next) {
        segment_path(segment->name, path);
        int mine = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (mine >= 0 && !same_file(mine, segment->file)) {
            close(mine);
            mine = -1;
        }
        close(segment->file);
        segment->file = mine;
        segment->writing = false;
    }
    registry = NULL;
    pthread_mutex_unlock(&registry_lock);
}

static void registry_watch_forks(void) {
    pthread_atfork(fork_prepare, fork_parent, fork_child);
}

static void registry_remove(struct neap_os_segment *segment) {
    pthread_mutex_lock(&registry_lock);
    for (struct neap_os_segment **at = &registry; *at; at = &(*at)->next) {
        if (*at == segment) {
            *at = segment->next;
            break;
        }
    }
    pthread_mutex_unlock(&registry_lock);
}

/* --- opening --------------------------------------------------------------- */

static int error_of_errno(void) {
    switch (errno) {
    case ENOENT:
        return NEAP_ERROR_ABSENT;
    case EACCES:
    case EPERM:
    case ELOOP: /* a link that somebody else put there */
        return NEAP_ERROR_PERMISSION;
    case ENOMEM:
    case ENOSPC:
    case EFBIG:
        return NEAP_ERROR_MEMORY;
    case EEXIST:
    case EAGAIN:
        return NEAP_ERROR_BUSY;
    default:
        return NEAP_ERROR_SYSTEM;
    }
}

static bool name_fits(const char *name) {
    size_t bytes = strlen(name);
    return bytes >= 1 && bytes <= NEAP_OS_SEGMENT_NAME_MAX && !strchr(name, '/');
}

static int lock_file(int file) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(file, F_OFD_SETLK, &lock) == 0 ? NEAP_OK : error_of_errno();
}

static int map_file(struct neap_os_segment *segment, int access) {
    if (neap__os_fault_now())
        return NEAP_ERROR_MEMORY;
    /* Only the writer's pages at once: a file that somebody else made may be all holes. */
    int now = access & PROT_WRITE ? MAP_POPULATE : 0;
    void *address = mmap(NULL, segment->bytes, access, MAP_SHARED | now, segment->file, 0);
    if (address == MAP_FAILED)
        return error_of_errno();
    int error = neap_os_file_guard_add(address, segment->bytes, (access & PROT_WRITE) != 0, &segment->guard);
    if (error != NEAP_OK) {
        munmap(address, segment->bytes);
        return error;
    }
    segment->address = address;
    return NEAP_OK;
}

/* Whether the lock was got on a file whose last writer removed it between our open and our lock. */
static bool has_no_name(int file) {
    struct stat stat;
    return fstat(file, &stat) != 0 || stat.st_nlink == 0;
}

static int lock_and_map_alone(struct neap_os_segment *segment, bool named) {
    char descriptor[DESCRIPTOR_BYTES];
    descriptor_path(segment->file, descriptor);
    int locked = open(descriptor, O_RDWR | O_CLOEXEC);
    if (locked < 0)
        return error_of_errno();
    int error = lock_file(locked);
    if (error == NEAP_OK && named && has_no_name(locked))
        error = NEAP_ERROR_ABSENT;
    if (error == NEAP_OK)
        error = map_file(segment, PROT_READ | PROT_WRITE);
    close(error == NEAP_OK ? segment->file : locked);
    if (error == NEAP_OK)
        segment->file = locked;
    return error;
}

/* Makes the segment one that is written; no fork in between. */
static int lock_and_map(struct neap_os_segment *segment, bool named) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, registry_watch_forks);
    pthread_mutex_lock(&registry_lock);
    int error = lock_and_map_alone(segment, named);
    if (error == NEAP_OK) {
        segment->next = registry;
        registry = segment;
        segment->writing = true;
    }
    pthread_mutex_unlock(&registry_lock);
    return error;
}

/* Ends a constructor that failed with `error`. */
static int give_up(struct neap_os_segment *segment, int error) {
    int reason = errno;
    if (segment->file >= 0)
        close(segment->file);
    segment->file = -1;
    errno = reason;
    return error;
}

/* Reserves every page now: a full tmpfs would else be a SIGBUS at some later write. */
static int size_file(int file, size_t bytes, unsigned mode) {
    if (neap__os_fault_now() || bytes > SIZE_MAX / 2)
        return NEAP_ERROR_MEMORY;
    int error = posix_fallocate(file, 0, (off_t)bytes);
    if (error != 0) {
        errno = error;
        return error_of_errno();
    }
    return fchmod(file, (mode_t)(mode & MODE_BITS)) == 0 ? NEAP_OK : error_of_errno();
}

int neap_os_segment_make(struct neap_os_segment *segment, const char *name, size_t bytes, unsigned mode) {
    if (!name_fits(name) || bytes == 0)
        return NEAP_ERROR_ARGUMENT;
    *segment = (struct neap_os_segment){.bytes = bytes};
    strcpy(segment->name, name);
    segment->file = open(FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (segment->file < 0)
        return error_of_errno();
    int error = size_file(segment->file, bytes, mode);
    if (error == NEAP_OK)
        error = lock_and_map(segment, false);
    return error == NEAP_OK ? NEAP_OK : give_up(segment, error);
}

int neap_os_segment_publish(struct neap_os_segment *segment) {
    char path[PATH_BYTES], descriptor[DESCRIPTOR_BYTES];
    segment_path(segment->name, path);
    descriptor_path(segment->file, descriptor);
    return linkat(AT_FDCWD, descriptor, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 ? NEAP_OK : error_of_errno();
}

/* Whether what has the name is a segment that may be trusted as far as its owner. */
static int file_check(const struct stat *stat, uint32_t owner) {
    if (S_ISLNK(stat->st_mode))
        return NEAP_ERROR_PERMISSION;
    if (!S_ISREG(stat->st_mode))
        return NEAP_ERROR_FORMAT;
    bool trusted = owner == NEAP_OS_SEGMENT_OWN_OR_ROOT ? stat->st_uid == geteuid() || stat->st_uid == 0
                                                        : stat->st_uid == owner;
    if (!trusted || stat->st_nlink > 1)
        return NEAP_ERROR_PERMISSION;
    return stat->st_size > 0 ? NEAP_OK : NEAP_ERROR_FORMAT;
}

/* Opens the file of that name, if it is one that file_check allows, and fills in its size. It is looked at
 * first and opened then: to open a pipe or a device may do things. */
static int open_file(struct neap_os_segment *segment, const char *name, int flags, uint32_t owner,
                     struct stat *stat) {
    char path[PATH_BYTES], again[DESCRIPTOR_BYTES];
    if (!name_fits(name))
        return NEAP_ERROR_ARGUMENT;
    *segment = (struct neap_os_segment){.file = -1};
    strcpy(segment->name, name);
    segment_path(name, path);
    int found = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    if (found < 0)
        return error_of_errno();
    int error = fstat(found, stat) != 0 ? error_of_errno() : file_check(stat, owner);
    if (error == NEAP_OK && (uint64_t)stat->st_size > SIZE_MAX / 2)
        error = NEAP_ERROR_MEMORY;
    if (error == NEAP_OK) {
        descriptor_path(found, again);
        segment->file = open(again, flags | O_CLOEXEC);
        if (segment->file < 0)
            error = error_of_errno();
    }
    close(found);
    segment->bytes = error == NEAP_OK ? (size_t)stat->st_size : 0;
    return error;
}

int neap_os_segment_take(struct neap_os_segment *segment, const char *name) {
    struct stat stat;
    int error = open_file(segment, name, O_RDWR, geteuid(), &stat);
    if (error != NEAP_OK)
        return error;
    if ((stat.st_mode & OTHERS_WRITE) && fchmod(segment->file, stat.st_mode & MODE_BITS) != 0)
        return give_up(segment, error_of_errno());
    error = lock_and_map(segment, true);
    return error == NEAP_OK ? NEAP_OK : give_up(segment, error);
}

int neap_os_segment_open(struct neap_os_segment *segment, const char *name, uint32_t owner) {
    struct stat stat;
    int error = open_file(segment, name, O_RDONLY, owner, &stat);
    if (error != NEAP_OK)
        return error;
    error = stat.st_mode & OTHERS_WRITE ? NEAP_ERROR_PERMISSION : map_file(segment, PROT_READ);
    return error == NEAP_OK ? NEAP_OK : give_up(segment, error);
}

void neap_os_segment_close(struct neap_os_segment *segment) {
    if (!segment->address)
        return;
    registry_remove(segment);
    neap_os_file_guard_remove(segment->guard);
    segment->guard = NULL;
    munmap(segment->address, segment->bytes);
    segment->address = NULL;
    if (segment->file >= 0)
        close(segment->file);
    segment->file = -1;
    segment->writing = false;
}

void neap_os_segment_unname(const struct neap_os_segment *segment) {
    char path[PATH_BYTES];
    struct stat of_name, own;
    segment_path(segment->name, path);
    if (segment->writing && lstat(path, &of_name) == 0 && fstat(segment->file, &own) == 0 &&
        of_name.st_dev == own.st_dev && of_name.st_ino == own.st_ino)
        unlink(path);
}

bool neap_os_segment_has_writer(const struct neap_os_segment *segment) {
    if (segment->writing)
        return true;
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    /* Where the question is refused nobody can say that the writer died. */
    return segment->file < 0 || fcntl(segment->file, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}
