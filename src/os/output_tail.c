/* os/output_tail.c: a memfd that loses its beginning. */
#include "os/output_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEEP_BYTES = 64 * 1024, STEP_BYTES = 1024 * 1024 };

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL                                                                                      \
    8u /* Linux 6.3; vm.memfd_noexec=2 refuses files without it, older kernels those with it */
#endif

int neap_os_output_tail_open(void) {
    int tail = memfd_create("neap tail", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    if (tail < 0 && errno == EINVAL)
        tail = memfd_create("neap tail", MFD_CLOEXEC);
    if (tail >= 0)
        fcntl(tail, F_SETFL, O_APPEND);
    return tail;
}

void neap_os_output_tail_trim(int tail) {
    struct stat stat;
    if (fstat(tail, &stat) != 0 || (long long)stat.st_blocks * 512 < STEP_BYTES)
        return;
    fallocate(tail, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, stat.st_size - KEEP_BYTES);
}

void neap_os_output_tail_read(int tail, char *out, size_t room) {
    struct stat stat;
    out[0] = '\0';
    if (fstat(tail, &stat) != 0)
        return;
    off_t from = stat.st_size > (off_t)room - 1 ? stat.st_size - (off_t)room + 1 : 0;
    ssize_t length = pread(tail, out, room - 1, from);
    if (length < 0)
        length = 0;
    out[length] = '\0';
    while (length > 0 && out[length - 1] == '\n')
        out[--length] = '\0';
    char *line_feed = from > 0 ? strchr(out, '\n') : NULL;
    if (line_feed) /* begin with a whole line */
        memmove(out, line_feed + 1, strlen(line_feed));
}
