/* os/random.h: random numbers for the seeds of hash functions. */
#ifndef NEAP_OS_RANDOM_H
#define NEAP_OS_RANDOM_H

#include <stdint.h>

/* 64 random bits from the system. It never waits. Any thread. */
uint64_t neap_os_random(void);

#endif
