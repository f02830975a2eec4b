/* base/memory_source.h: memory to read, whatever it is part of.
 *
 * A decoder reads through this interface. So the same decoder serves another process, a copy
 * of one, a core file, our own memory and a fuzzer's bytes. Addresses are those of the
 * process that is examined. Check everything that is read before you rely on it. Threads:
 * as the source behind it says.
 */
#ifndef NEAP_BASE_MEMORY_SOURCE_H
#define NEAP_BASE_MEMORY_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

struct neap_memory {
    /* Copies all of [address, address + bytes) into `out` and returns 0. On failure
     * it returns a negative enum neap_error, and `out` is undefined. */
    int (*read)(void *context, uint64_t address, void *out, size_t bytes);
    /* Returns the same range in place, valid as long as the source is. NULL if that is
     * not possible; then use `read`. The member itself may be NULL. */
    const void *(*view)(void *context, uint64_t address, size_t bytes);
    void *context;
};

/* What is wrong with the data that was read, and at which address. */
struct neap_fault {
    uint64_t address;
    const char *why; /* static */
};

/* The range in place if possible, else copied into `scratch` (of at least `bytes`). NULL if it cannot be
 * read. */
static inline const void *neap_memory_at(const struct neap_memory *memory, uint64_t address, void *scratch,
                                         size_t bytes) {
    const void *place = memory->view ? memory->view(memory->context, address, bytes) : NULL;
    if (place)
        return place;
    return memory->read(memory->context, address, scratch, bytes) == NEAP_OK ? scratch : NULL;
}

#endif
