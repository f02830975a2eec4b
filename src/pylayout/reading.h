/* pylayout/reading.h: reads words from bytes and from memory, for the decoders of this module.
 *
 * The target and this machine are little-endian. These functions check nothing. Any
 * thread.
 */
#ifndef NEAP_PYLAYOUT_READING_H
#define NEAP_PYLAYOUT_READING_H

#include <stdbool.h>
#include <string.h>

#include "base/memory_source.h"

static inline uint64_t neap__py_u64(const void *bytes, size_t offset) {
    uint64_t word;
    memcpy(&word, (const unsigned char *)bytes + offset, sizeof(word));
    return word;
}

static inline uint32_t neap__py_u32(const void *bytes, size_t offset) {
    uint32_t word;
    memcpy(&word, (const unsigned char *)bytes + offset, sizeof(word));
    return word;
}

static inline int64_t neap__py_i64(const void *bytes, size_t offset) {
    return (int64_t)neap__py_u64(bytes, offset);
}

/* The word at `address`; false if it cannot be read. */
static inline bool neap__py_word(const struct neap_memory *memory, uint64_t address, uint64_t *word) {
    uint64_t scratch;
    const void *place = neap_memory_at(memory, address, &scratch, sizeof(scratch));
    if (!place)
        return false;
    memcpy(word, place, sizeof(*word));
    return true;
}

/* Whether [address, address + bytes) is a valid range: it does not begin at 0 and does not wrap around. */
static inline bool neap__py_in_space(uint64_t address, uint64_t bytes) {
    return address != 0 && address + bytes >= address;
}

#endif
