/* os/random.c: getrandom. */
#include "os/random.h"

#include <sys/random.h>

#include "os/clock.h"

uint64_t neap_os_random(void) {
    uint64_t number;
    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) == (ssize_t)sizeof(number))
        return number;
    /* While the machine boots there may be no random numbers. Use the time and the address of the stack. */
    return (neap_os_now_ns() ^ (uintptr_t)&number) * UINT64_C(0x9e3779b97f4a7c15);
}
