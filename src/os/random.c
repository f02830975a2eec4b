/* os/random.c: getrandom. */
#include "os/random.h"

#include <string.h>
#include <sys/random.h>

#include "os/clock.h"

/* Only while the machine boots: the time and where the stack lies have to do. */
static uint64_t poor_random(void) {
    uint64_t number = 0;
    return (neap_os_now_ns() ^ (uintptr_t)&number) * UINT64_C(0x9e3779b97f4a7c15);
}

uint64_t neap_os_random(void) {
    uint64_t number;
    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) == (ssize_t)sizeof(number))
        return number;
    return poor_random();
}

void neap_os_random_fill(void *room, size_t bytes) {
    unsigned char *next = room;
    ssize_t got = getrandom(room, bytes, GRND_NONBLOCK);
    for (size_t done = got > 0 ? (size_t)got : 0; done < bytes;) {
        uint64_t number = neap_os_random();
        size_t count = bytes - done < sizeof(number) ? bytes - done : sizeof(number);
        memcpy(next + done, &number, count);
        done += count;
    }
}
