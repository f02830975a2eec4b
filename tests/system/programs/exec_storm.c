/* One process that executes two programs in turns, as fast as it can: one with an anchor of Neap's, and one
 * that has other things at the same address and looks whether they were written to. The second is not
 * dumpable, as a set-user-id program is.
 *
 *     exec_storm FOLDER      appends a byte to FOLDER/laps for each turn; makes FOLDER/hit when it was
 * written to
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "planted_anchor.h"

enum { BYTES = 1 << 16 };
#define PLACE ((void *)(uintptr_t)0x10000000000)

static void pass_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const struct timespec span = {0, 200000 + now.tv_nsec / 7 % 400000};
    nanosleep(&span, NULL);
}

static int open_in(const char *folder, const char *name, int flags) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return open(path, flags | O_CLOEXEC, 0644);
}

static void with_library(const char *folder) {
    int file = open_in(folder, "libneap-preload.so", O_RDWR | O_CREAT);
    if (file < 0 || ftruncate(file, BYTES) != 0)
        exit(1);
    if (mmap(PLACE, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED_NOREPLACE, file, 0) != PLACE)
        exit(1);
    anchor_plant(PLACE);
    pass_time();
}

static void with_other_things(const char *folder) {
    static _Alignas(16) unsigned char same[BYTES];
    int private = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    if (mmap(PLACE, BYTES, PROT_READ | PROT_WRITE, private, -1, 0) != PLACE)
        exit(1);
    anchor_plant((void *)same);
    memcpy(PLACE, same, BYTES);
    prctl(PR_SET_DUMPABLE, 0);
    pass_time();
    if (memcmp(PLACE, same, BYTES) != 0)
        close(open_in(folder, "hit", O_WRONLY | O_CREAT));
    int laps = open_in(folder, "laps", O_WRONLY | O_CREAT | O_APPEND);
    if (write(laps, "x", 1) != 1)
        exit(1);
}

int main(int argc, char **argv) {
    if (argc == 2)
        with_library(argv[1]);
    else if (argc == 3)
        with_other_things(argv[1]);
    else
        return 2;
    execl("/proc/self/exe", "exec_storm", argv[1], argc == 2 ? "other" : NULL, (char *)NULL);
    return 1;
}
