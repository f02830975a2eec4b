/* os/descriptor.c: open, pread, isatty. */
#include "os/descriptor.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/file.h"

int neap_os_descriptor_open(const char *path, int *descriptor) {
    struct stat status;
    return neap__os_regular_open(path, descriptor, &status);
}

void neap_os_descriptor_close(int descriptor) {
    close(descriptor);
}

bool neap_os_descriptor_read(int descriptor, uint64_t offset, void *out, size_t bytes) {
    return pread(descriptor, out, bytes, (off_t)offset) == (ssize_t)bytes;
}

void neap_os_descriptor_hold_standard(void) {
    int opened;
    do
        opened = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (opened >= 0 && opened <= STDERR_FILENO);
    if (opened >= 0)
        close(opened);
}

bool neap_os_descriptor_standard_are_open(void) {
    int number = STDIN_FILENO;
    while (number <= STDERR_FILENO && syscall(SYS_fcntl, number, F_GETFD) >= 0) /* musl has no fcntl64 */
        number++;
    return number > STDERR_FILENO;
}

bool neap_os_descriptor_is_terminal(int descriptor) {
    return isatty(descriptor) == 1;
}

unsigned neap_os_descriptor_columns(int descriptor) {
    struct winsize size;
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
