/* os/clock.c: clock_gettime. */
#include "os/clock.h"

#include <errno.h>
#include <time.h>

static uint64_t read_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t neap_os_now_ns(void) {
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t neap_os_process_cpu_ns(void) {
    return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t neap_os_thread_cpu_ns(void) {
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t neap_os_others_cpu_ns(void) {
    return neap_os_process_cpu_ns() - neap_os_thread_cpu_ns();
}

void neap_os_sleep_ns(uint64_t ns) {
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR) {
    }
}
