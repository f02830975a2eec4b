/* inspect/objects/address_set.c: open addressing. */
#include "inspect/objects/address_set.h"

#include <stdlib.h>

enum { SLOTS_LEAST = 1024 };

static size_t slot_of(uint64_t address, size_t slot_count) {
    return (size_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (slot_count - 1);
}

static struct neap_address_entry *place(struct neap_address_entry *slots, size_t slot_count,
                                        uint64_t address) {
    size_t at = slot_of(address, slot_count);
    while (slots[at].address && slots[at].address != address)
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

static bool grow(struct neap_address_set *set) {
    size_t slot_count = set->slot_count ? 2 * set->slot_count : SLOTS_LEAST;
    struct neap_address_entry *slots = calloc(slot_count, sizeof(*slots));
    if (!slots)
        return false;
    for (size_t i = 0; i < set->slot_count; i++)
        if (set->slots[i].address)
            *place(slots, slot_count, set->slots[i].address) = set->slots[i];
    free(set->slots);
    set->slots = slots;
    set->slot_count = slot_count;
    return true;
}

void neap_address_set_clear(struct neap_address_set *set) {
    free(set->slots);
    set->slots = NULL;
    set->count = set->slot_count = 0;
    set->lost = false;
}

struct neap_address_entry *neap_address_set_add(struct neap_address_set *set, uint64_t address,
                                                uint64_t value, bool *added) {
    struct neap_address_entry *entry = neap_address_set_find(set, address);
    if (added)
        *added = false;
    if (entry || address == 0)
        return entry;
    bool full = set->limit && set->count >= set->limit;
    if (full || (4 * (set->count + 1) > 3 * set->slot_count && !grow(set))) {
        set->lost = true;
        return NULL;
    }
    entry = place(set->slots, set->slot_count, address);
    *entry = (struct neap_address_entry){address, value};
    set->count++;
    if (added)
        *added = true;
    return entry;
}

struct neap_address_entry *neap_address_set_find(const struct neap_address_set *set, uint64_t address) {
    if (set->count == 0 || address == 0)
        return NULL;
    struct neap_address_entry *entry = place(set->slots, set->slot_count, address);
    return entry->address ? entry : NULL;
}
