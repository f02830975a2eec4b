/* os/random.h: numbers that cannot be guessed. */
#ifndef NEAP_OS_RANDOM_H
#define NEAP_OS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* 64 random bits from the system. It never waits. Any thread. */
uint64_t neap_os_random(void);

/* Fills `bytes` at `room` with random ones from the system; never waits. Any thread. */
void neap_os_random_fill(void *room, size_t bytes);

#endif
