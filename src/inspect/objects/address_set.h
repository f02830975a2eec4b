/* inspect/objects/address_set.h: a set of addresses, with a word kept for each.
 *
 * Open addressing, at most three quarters full; grows by itself, up to `limit` members.
 * Address 0 is never a member. One thread at a time.
 */
#ifndef NEAP_INSPECT_OBJECTS_ADDRESS_SET_H
#define NEAP_INSPECT_OBJECTS_ADDRESS_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct neap_address_entry {
    uint64_t address; /* 0: an empty slot */
    uint64_t value;
};

/* A zeroed one is empty and has no limit. */
struct neap_address_set {
    struct neap_address_entry *slots;
    size_t count, slot_count; /* slot_count is a power of two, or 0 */
    size_t limit;             /* 0: none */
    bool lost;                /* an address was not taken in: no memory, or the limit */
};

void neap_address_set_clear(struct neap_address_set *set);

/* Takes `address` in with `value` unless it is there. The entry, or NULL if that cannot be;
 * good until the next is added. *added may be NULL. */
struct neap_address_entry *neap_address_set_add(struct neap_address_set *set, uint64_t address,
                                                uint64_t value, bool *added);

/* NULL if it is no member. */
struct neap_address_entry *neap_address_set_find(const struct neap_address_set *set, uint64_t address);

#endif
