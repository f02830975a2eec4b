/* os/clock.h: time. Any thread. */
#ifndef NEAP_OS_CLOCK_H
#define NEAP_OS_CLOCK_H

#include <stdint.h>

/* Monotonic time in nanoseconds since an arbitrary start. */
uint64_t neap_os_now_ns(void);

/* Processor time in nanoseconds that all threads of this process, or the calling thread, have used so far. */
uint64_t neap_os_process_cpu_ns(void);
uint64_t neap_os_thread_cpu_ns(void);

/* The same of all other threads. Two clocks are read for it, one after the other, so that it may seem to go
 * back by some microseconds. */
uint64_t neap_os_others_cpu_ns(void);

/* Sleeps for at least `ns` nanoseconds, even if signals arrive. */
void neap_os_sleep_ns(uint64_t ns);

#endif
