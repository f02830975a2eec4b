/* cast/air/address_count.h: how many listeners come from each address, where the settings limit that.
 *
 * A hash table with open addressing and a secret, so that nobody can choose addresses that collide. Of an
 * IPv6 address the first 64 bits count: whoever has one has all of them. Any thread.
 */
#ifndef CAST_AIR_ADDRESS_COUNT_H
#define CAST_AIR_ADDRESS_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/thread.h"

struct cast_address_row {
    uint8_t address[16];
    uint32_t count; /* 0: the row is free */
};

struct cast_address_counts {
    struct neap_os_lock lock;
    struct cast_address_row *rows;
    size_t row_count, used; /* used: at most three quarters */
    uint64_t secret;
};

/* Counts one more of an address, unless there are `most` already or there is no memory: false then. */
bool cast_address_counts_add(struct cast_address_counts *counts, const uint8_t address[16], uint64_t most);
void cast_address_counts_remove(struct cast_address_counts *counts, const uint8_t address[16]);

void cast_address_counts_clear(struct cast_address_counts *counts);

#endif
