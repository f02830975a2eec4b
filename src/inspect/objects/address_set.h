/* inspect/objects/address_set.h: a hash table from an address to a word.
 *
 * It uses open addressing, is at most three quarters full, and grows up to `limit` members.
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
    bool lost;                /* an address could not be added: no memory, or the limit */
};

void neap_address_set_clear(struct neap_address_set *set);

/* Adds `address` with `value` if it is not a member; *added says whether it was added. Returns the entry,
 * which is valid until the next call, or NULL if it cannot be added. `added` may be NULL. */
struct neap_address_entry *neap_address_set_add(struct neap_address_set *set, uint64_t address,
                                                uint64_t value, bool *added);

/* The entry of an address; NULL if it is not a member. */
struct neap_address_entry *neap_address_set_find(const struct neap_address_set *set, uint64_t address);

#endif
